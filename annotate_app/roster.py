"""Observers as the curator sees them: who is due, late, done; mail merges, payments, and the cells of their tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from annotate_app.observers import FILLED
from annotate_app.steps import Way, may_start
from db.models import Assignment, Audit, Observer, Panel, Rating, RatingSession, Slot, StudyVersion
from db.types import now
from mos.exports.tables import harmless

GONE = ("withdrawn", "screened_out", "replaced", "erased")
STATES = ("invited", "due", "late", "resting", "at work", "waiting", "done", *GONE)
DAYS = 3
PAID = "observer paid"


@dataclass(frozen=True)
class Line:
    """An observer: what they are (`word` is one of STATES), sessions, votes, minutes, when the next session is due, payment."""

    token: str
    pseudonym: str
    panel: str
    phase: str
    simulated: bool
    language: str
    word: str
    sessions: int
    planned: int
    votes: int
    minutes: float
    due: datetime | None
    paid: datetime | None


def roster(session: Session, version: StudyVersion, days: int = DAYS, *, votes: Mapping[int, int] | None = None) -> list[Line]:
    """Every observer of a version. The next session is due `days` after it may begin; after that it is late. `votes`: counted before."""
    way, moment = Way.of(version.protocol), now()
    query = (
        select(Observer, Panel, Slot.sessions)
        .join(Panel, col(Panel.id) == Observer.panel_id)
        .outerjoin(Assignment, (col(Assignment.observer_id) == Observer.id) & FILLED)
        .outerjoin(Slot, col(Slot.id) == Assignment.slot_id)
        .where(Panel.version_id == version.id)
        .order_by(col(Observer.id))
    )
    sittings, paid = _sittings(session, version), _paid(session)
    votes = _votes(session, version) if votes is None else votes
    found = []
    for observer, panel, planned in session.exec(query):
        key = observer.id or 0
        mine = sittings.get(key, [])
        due = _due(observer, mine, way, moment, days)
        ended = [one for one in mine if one.ended is not None]
        minutes = sum((one.ended - one.started).total_seconds() for one in ended if one.ended) / 60
        found.append(Line(
            observer.token, observer.pseudonym, panel.name, panel.phase, observer.simulated, observer.language,
            _word(observer, mine, due, moment, way), len(ended), planned or 0, votes.get(key, 0), minutes, due, paid.get(key),
        ))  # fmt: skip
    return found


def _sittings(session: Session, version: StudyVersion) -> dict[int, list[RatingSession]]:
    query = (
        select(RatingSession)
        .join(Slot, col(Slot.id) == RatingSession.slot_id)
        .join(Panel, col(Panel.id) == Slot.panel_id)
        .where(Panel.version_id == version.id)
        .order_by(col(RatingSession.id))
    )
    found: dict[int, list[RatingSession]] = {}
    for one in session.exec(query):
        found.setdefault(one.observer_id, []).append(one)
    return found


def _votes(session: Session, version: StudyVersion) -> dict[int, int]:
    query = (
        select(Rating.observer_id, func.count())
        .join(Slot, col(Slot.id) == Rating.slot_id)
        .join(Panel, col(Panel.id) == Slot.panel_id)
        .where(Panel.version_id == version.id)
        .group_by(col(Rating.observer_id))
    )
    return dict(session.exec(query).all())


def _paid(session: Session) -> dict[int, datetime]:
    rows = session.exec(select(Audit.object_id, func.max(Audit.at)).where(Audit.action == PAID).group_by(col(Audit.object_id)))
    return {key: moment for key, moment in rows if key is not None}


def _due(observer: Observer, mine: Sequence[RatingSession], way: Way, moment: datetime, days: int) -> datetime | None:
    if observer.state not in ("invited", "active"):
        return None
    begun = [one.started for one in mine]
    allowed = may_start(begun, datetime.min.replace(tzinfo=moment.tzinfo), way)
    base = max([observer.created, allowed, *(one.ended for one in mine if one.ended)])
    return base + timedelta(days=days)


def _word(observer: Observer, mine: Sequence[RatingSession], due: datetime | None, moment: datetime, way: Way) -> str:
    if observer.state == "finished":
        return "done"
    if observer.state not in ("invited", "active"):
        return observer.state
    if any(one.ended is None for one in mine):
        return "late" if due is not None and due < moment else "at work"
    if may_start([one.started for one in mine], moment, way) > moment:
        return "resting"
    if due is not None and due < moment:
        return "late"
    return "invited" if observer.state == "invited" else "due"


def counts(lines: Iterable[Line]) -> dict[str, int]:
    """How many observers there are of each word, in the order of STATES."""
    words = [line.word for line in lines]
    return {state: words.count(state) for state in STATES if state in words}


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A CSV whose cells no spreadsheet runs as a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(str(row.get(column, ""))) for column in columns])
    return stream.getvalue()


def payments(lines: Iterable[Line], per_session: float, per_hour: float) -> list[dict[str, Any]]:
    """What each person is owed: sessions ended times `per_session`, plus their minutes at `per_hour`."""
    return [
        {"code": line.pseudonym, "sessions": line.sessions, "minutes": round(line.minutes), "amount":
         f"{line.sessions * per_session + line.minutes / 60 * per_hour:.2f}", "paid_on": f"{line.paid:%Y-%m-%d}" if line.paid else ""}
        for line in lines if not line.simulated and line.phase != "dry_run" and line.sessions
    ]  # fmt: skip
