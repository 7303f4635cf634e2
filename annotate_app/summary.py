"""The board's numbers: made beside the web process, kept in the database, read by the page with their age.

The worker renews every study's summary some seconds apart, and counts again only where votes, sittings or observers have changed. Where
no worker runs, a study of common size is counted by the page itself; a large one shows the last summary and says how old it is.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from statistics import median
from typing import Any

import structlog
from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from annotate_app.roster import GONE, counts, stands
from annotate_app.tables import EVENTS, OBSERVERS, PANELS, RATINGS, SESSIONS, SLOTS
from annotate_app.tally import Tally
from db.engine import reading, writing
from db.models import Study, StudyVersion, Summary
from db.queries import live
from db.queries import studies as queries
from db.types import now

EVERY_S = 4.0
OLDEST = timedelta(seconds=10)
COMMON = 200_000
BEHIND = timedelta(seconds=2)


def summarise(session: Session, study: Study, version: StudyVersion, tally: Tally) -> dict[str, Any]:
    """The board's numbers as JSON values, counted now."""
    assert version.id is not None
    assert study.id is not None
    read = tally.read(session)
    votes, given, people = read["per_image"], read["observers"], stands(session, version)
    main = [one for one in people if one.phase == "main"]
    return {
        "images": len(votes), "all": sum(votes), "least": min(votes, default=0), "median": median(votes) if votes else 0,
        "most": max(votes, default=0), "words": counts(people), "simulated": any(one.simulated for one in people),
        "people": len(main), "target": sum(panel.target for panel in queries.panels(session, version.id) if panel.phase == "main"),
        "signed_on": sum(1 for one in main if one.word not in GONE
                         and (any(x.ended for x in one.sittings) or given.get(one.key) or one.word == "done")),
        "at_work": live.at_work(session, version.id), "under_way": live.under_way(session, version.id),
        "due": sum(1 for one in main if one.word in ("due", "late")), "gold": read["gold"],
        "repeats": read["repeats"], "seconds": live.seconds_per_vote(session, version.id),
        "drift": read["drift"], "breaches": live.breaches(session, study.id),
    }  # fmt: skip


def is_common(session: Session, version_id: int) -> bool:
    """Whether a version's plan is small enough to be counted by the page itself."""
    query = (
        select(func.sum(SLOTS.c.length)).join(PANELS, PANELS.c.id == SLOTS.c.panel_id).where(PANELS.c.version_id == version_id)
    )
    return (session.connection().execute(query).scalar() or 0) <= COMMON


def kept(session: Session, version_id: int) -> tuple[dict[str, Any], float] | None:
    """The summary that a worker made and its age in seconds; None without one, and for an old one of a study of common size."""
    found = session.get(Summary, version_id)
    if found is None:
        return None
    age = now() - found.made
    if age > OLDEST and is_common(session, version_id):
        return None
    return found.data, max(0.0, age.total_seconds())


class Summaries:
    """What one worker has counted so far of each version; `renew` brings all summaries up to now."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.behind = BEHIND if engine.dialect.name == "postgresql" else timedelta(0)
        self.tallies: dict[int, Tally] = {}

    def renew(self) -> int:
        """Renew what is due; gives how many summaries were counted again. A summary that another worker has just made is left."""
        with reading(self.engine) as session:
            pairs = [(study, queries.latest_version(session, study)) for study in queries.all_studies(session)]
            session.expunge_all()
        found = {version.id: self._look(study, version) for study, version in pairs if version is not None}
        same = [key for key, looked in found.items() if looked == "same"]
        if same:
            with writing(self.engine) as session:
                session.execute(update(Summary).where(col(Summary.version_id).in_(same)).values(made=now()))
        return sum(looked == "made" for looked in found.values())

    def _look(self, study: Study, version: StudyVersion) -> str:
        """Make a version's summary unless it is `fresh` or the `same`; then it is `made`."""
        assert version.id is not None
        with reading(self.engine) as session:
            held, moment, began = session.get(Summary, version.id), now(), time.monotonic()
            if held is not None and timedelta(0) <= moment - held.made < timedelta(seconds=EVERY_S / 2):
                return "fresh"
            state = fingerprint(session, study, version.id)
            if held is not None and held.counted == state:
                return "same"
            tally = self.tallies.setdefault(version.id, Tally(version.id, self.behind))
            values = summarise(session, study, version, tally)
        made = Summary(version_id=version.id, made=moment, seconds=time.monotonic() - began, counted=state, data=values)
        with writing(self.engine) as session:
            session.merge(made)
        return "made"


def fingerprint(session: Session, study: Study, version_id: int) -> str:
    """A line that differs as soon as a vote, a sitting, an observer or an event has come or changed, and with every minute."""
    connection, sessions = session.connection(), SESSIONS.c
    counts = select(
        select(func.max(RATINGS.c.id)).scalar_subquery(), select(func.count()).select_from(RATINGS).scalar_subquery(),
        select(func.max(EVENTS.c.id)).scalar_subquery(), select(func.max(sessions.id)).scalar_subquery(),
        select(func.count(sessions.ended)).scalar_subquery(),
    )  # fmt: skip
    o = OBSERVERS.c
    people = select(o.state, func.count()).join(PANELS, PANELS.c.id == o.panel_id).where(PANELS.c.version_id == version_id)
    states = connection.execute(people.group_by(o.state).order_by(o.state)).all()
    minute = int(time.time() // 60) if study.state == "open" else 0
    return f"{study.state} {minute} {tuple(connection.execute(counts).one())} {[tuple(one) for one in states]}"


def run_summaries(engine: Engine, stop: threading.Event, every: float = EVERY_S) -> None:
    """Renew until `stop` is set; a database that does not answer is asked again."""
    log, summaries = structlog.get_logger("dermiqa.summaries"), Summaries(engine)
    while not stop.wait(every):
        try:
            summaries.renew()
        except SQLAlchemyError as fault:
            log.warning("no summary made", fault=type(fault).__name__)
