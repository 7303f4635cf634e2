"""The data map: every table and column, read from the tables themselves, with whom it is about and how long it is kept.

A column that is about a person must be stated here; a test fails when a table or such a column is new and not stated.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import SQLModel

import db.models  # noqa: F401

NOBODY, OBSERVER, CURATOR, PATIENT = "nobody", "an observer", "a curator", "a patient's photo"

PURPOSE: dict[str, tuple[str, str, str]] = {
    "curators": (CURATOR, "signing in to the curator's pages", "until the account is removed"),
    "curator_sessions": (CURATOR, "keeping a curator signed in", "until it expires or is revoked"),
    "studies": (NOBODY, "the studies and their drafts", "until the retention date"),
    "study_versions": (NOBODY, "frozen protocols", "until the retention date"),
    "panels": (NOBODY, "groups of observers", "until the retention date"),
    "questions": (NOBODY, "what is asked of each image", "until the retention date"),
    "stimuli": (PATIENT, "images by the hash of their file; no name, no face where intake was followed", "until withdrawn"),
    "study_stimuli": (PATIENT, "an image's part in a study", "until withdrawn"),
    "slots": (NOBODY, "rows of the plan", "until the retention date"),
    "observers": (OBSERVER, "a pseudonym, its state, language, consent and answers", "until erased or the retention date"),
    "invitations": (OBSERVER, "links, as hashes", "until erased or the retention date"),
    "devices": (OBSERVER, "keeping an observer signed on, as hashes", "until erased or the retention date"),
    "assignments": (OBSERVER, "which row of the plan an observer follows", "until erased or the retention date"),
    "sessions": (OBSERVER, "sittings and what was measured of the display", "until erased or the retention date"),
    "presentations": (NOBODY, "the plan: which image is shown at which place", "until the retention date"),
    "ratings": (OBSERVER, "votes and their times", "as the consent says when an observer is erased"),
    "events": (OBSERVER, "what happened beside the votes (lost focus, refused votes)", "until erased or the retention date"),
    "decisions": (OBSERVER, "keeping or excluding an observer's votes, with the reason", "until erased or the retention date"),
    "jobs": (NOBODY, "long work and how far it is", "until the retention date"),
    "summaries": (NOBODY, "the numbers of a study's board: counts and means, nobody by name", "until the retention date"),
    "audit": (CURATOR, "who did what when: ids, actions, hashes", "for good; it holds no name and no answer"),
}

PERSONAL: dict[str, str] = {
    "curators.name": "the name to sign in with",
    "curators.password_hash": "argon2 hash of the password",
    "observers.pseudonym": "the code that people and exports use",
    "observers.answers": "age band, glasses, expert or not, the study's own questions",
    "observers.flags": "results of display and vision checks",
    "observers.language": "language of the pages",
    "observers.time_zone": "time zone, for when the next sitting may start",
    "observers.provider_hash": "keyed hash of a panel provider's id",
    "observers.consent_version": "which text was agreed to",
    "observers.consented": "when",
    "observers.withdrawn": "when",
    "observers.finished": "when",
    "sessions.display": "screen size, pixel ratio, mm per pixel, distance",
    "sessions.started": "when",
    "sessions.ended": "when",
    "sessions.receipt": "code that proves a sitting",
    "ratings.value": "the vote",
    "ratings.missing": "why there is no vote",
    "ratings.view_ms": "how long the image was seen",
    "ratings.response_ms": "how long the vote took",
    "ratings.received": "when",
    "ratings.pixels_per_degree": "from the display check",
    "events.data": "details of the event",
    "events.at": "when",
    "decisions.reason": "why votes are kept or left out",
}

NOT_KEPT = (
    "names, mail addresses and internet (IP) addresses of observers",
    "EXIF, GPS, comments and thumbnails of photos",
    "original file names outside keys.csv, which is readable by its owner alone and never exported",
)


@dataclass(frozen=True)
class Entry:
    """One column of the map; `personal` says what it tells about a person, empty when nothing."""

    table: str
    column: str
    about: str
    purpose: str
    kept: str
    personal: str


def data_map() -> list[Entry]:
    """Every column of every table. Raises KeyError for a table that is not stated."""
    entries = []
    for table in SQLModel.metadata.sorted_tables:
        about, purpose, kept = PURPOSE[table.name]
        for column in table.columns:
            said = PERSONAL.get(f"{table.name}.{column.name}", "")
            entries.append(Entry(table.name, column.name, about, purpose, kept, said))
    return entries
