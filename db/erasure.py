"""An observer's rights: all that is kept about a person can be exported; erasing removes pseudonym and answers.

Votes are removed or kept without a name, as the consent said. Each erasure leaves a line in `erasures.jsonl`, which stands
beside the backups and is replayed by a restore, so that what was erased stays erased.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from db.backup import ERASURES
from db.models import (
    Assignment,
    Decision,
    Device,
    Event,
    Invitation,
    Observer,
    Presentation,
    Question,
    Rating,
    RatingSession,
    Study,
)
from db.types import now
from workspace.errors import StudyFault
from workspace.files import write_bytes
from workspace.settings import Workspace

REASON_GONE = "the reason was removed when the person was erased"


def find_observer(session: Session, study: str, pseudonym: str) -> Observer:
    """An observer by study and pseudonym. Raises StudyFault when there is none."""
    found = session.exec(
        select(Observer)
        .join(Study, col(Study.id) == Observer.study_id)
        .where(Study.name == study, Observer.pseudonym == pseudonym)
    ).first()
    if found is None:
        raise StudyFault(f"the study {study!r} has no observer {pseudonym!r}: see `dermiqa study status {study}`")
    return found


def everything_about(session: Session, observer: Observer) -> dict[str, Any]:
    """All that is kept about an observer, as plain values: row, sittings, votes in order, events, decisions on the votes."""
    votes = session.exec(
        select(Rating, Presentation, Question)
        .join(Presentation, col(Presentation.id) == Rating.presentation_id)
        .join(Question, col(Question.id) == Rating.question_id)
        .where(Rating.observer_id == observer.id)
        .order_by(col(Presentation.position))
    ).all()
    rows = {
        "sittings": session.exec(select(RatingSession).where(RatingSession.observer_id == observer.id)).all(),
        "events": session.exec(select(Event).where(Event.observer_id == observer.id)).all(),
        "decisions": session.exec(select(Decision).where(Decision.observer_id == observer.id)).all(),
    }
    private = {"id", "token", "provider_hash", "study_id", "panel_id"}
    return {
        "observer": observer.model_dump(mode="json", exclude=private),
        "panel_provider": observer.provider_hash is not None,
        "votes": [_vote(rating, shown, question) for rating, shown, question in votes],
        **{name: [row.model_dump(mode="json", exclude={"id", "observer_id", "token"}) for row in rows[name]] for name in rows},
    }


def _vote(rating: Rating, shown: Presentation, question: Question) -> dict[str, Any]:
    kept = {"value", "missing", "view_ms", "response_ms", "pixels_per_degree", "received"}
    place = {"question": question.name, "session": shown.session, "position": shown.position, "role": shown.role}
    return {**place, **rating.model_dump(mode="json", include=kept)}


def erase_observer(session: Session, observer: Observer, *, keep_votes: bool) -> dict[str, Any]:
    """Erase within the caller's transaction; gives the entry for `erasures.jsonl` (no name, the observer's opaque token)."""
    key = observer.id
    removed = 0
    session.execute(delete(Event).where(col(Event.observer_id) == key))
    if not keep_votes:
        removed = len(session.exec(select(Rating.id).where(Rating.observer_id == key)).all())
        session.execute(delete(Rating).where(col(Rating.observer_id) == key))
        session.execute(delete(RatingSession).where(col(RatingSession.observer_id) == key))
        session.execute(delete(Assignment).where(col(Assignment.observer_id) == key))
    session.execute(update(RatingSession).where(col(RatingSession.observer_id) == key).values(display={}, receipt=None))
    session.execute(delete(Device).where(col(Device.observer_id) == key))
    session.execute(delete(Invitation).where(col(Invitation.observer_id) == key))
    _decisions(session, key, keep_votes)
    blank: dict[str, Any] = {
        "pseudonym": f"erased-{observer.token}", "state": "erased", "answers": {}, "flags": {}, "provider_hash": None,
        "language": "en", "time_zone": "UTC", "consent_version": None, "consented": None, "withdrawn": None, "step": "erased",
    }  # fmt: skip
    observer.sqlmodel_update(blank)
    session.add(observer)
    return {
        "kind": "observer",
        "token": observer.token,
        "keep_votes": keep_votes,
        "at": now().isoformat(),
        "votes_removed": removed,
    }


def _decisions(session: Session, key: int | None, keep_votes: bool) -> None:
    """Where votes are kept, verdicts on them stay without their reasons, so that excluded votes stay out of the scores."""
    mine = col(Decision.observer_id) == key
    if keep_votes:
        session.execute(update(Decision).where(mine).values(reason=REASON_GONE))
    else:
        session.execute(delete(Decision).where(mine))


def record_erasure(workspace: Workspace, entry: dict[str, Any], backups: Path | None = None) -> None:
    """Append an entry to the workspace's list and, where a folder of backups exists, to the list beside them. What was counted of
    studies for the pages is removed, since it may hold the erased one's numbers."""
    shutil.rmtree(workspace.counted, ignore_errors=True)
    line = json.dumps(entry, sort_keys=True) + "\n"
    for folder in filter(None, (workspace.root, backups)):
        if folder.is_dir():
            path = folder / ERASURES
            old = path.read_bytes() if path.is_file() else b""
            write_bytes(path, old + line.encode(), mode=0o600, durable=True)


def read_erasures(folder: Path) -> list[dict[str, Any]]:
    """The entries of a folder's list, oldest first."""
    path = folder / ERASURES
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line] if path.is_file() else []


def replay_observers(session: Session, entries: list[dict[str, Any]]) -> int:
    """Erase again what a restored database still holds; gives how many observers were erased."""
    again = 0
    for entry in entries:
        if entry["kind"] != "observer":
            continue
        observer = session.exec(select(Observer).where(Observer.token == entry["token"])).first()
        if observer is not None and observer.state != "erased":
            erase_observer(session, observer, keep_votes=entry["keep_votes"])
            again += 1
    return again


def certificate(study: str, entry: dict[str, Any], last_backup_expires: datetime | None) -> str:
    """The text that a person gets: what was erased, what was kept, and when the last backup that holds it is gone."""
    kept = "The votes were kept without a name, as the consent says." if entry["keep_votes"] else "The votes were removed."
    backups = (
        f"Backups made before hold the data until {last_backup_expires:%Y-%m-%d} at the latest; a restore erases it again."
        if last_backup_expires
        else "No backups are kept."
    )
    return (
        f"# Certificate of erasure\n\nStudy: {study}\nReference: {entry['token']}\nErased: {entry['at']}\n\n"
        "The pseudonym, the answers, the invitation, the devices, the events and the display's measurements were removed.\n"
        f"{kept}\n{backups}\n"
    )
