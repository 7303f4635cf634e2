"""Observers as the curator sees them: who is due, late, done; mail merges, payments, and the cells of their tables."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from annotate_app.order import by_value
from annotate_app.seats import FILLED
from annotate_app.steps import Way, may_start
from annotate_app.tables import ASSIGNMENTS, OBSERVERS, PANELS, RATINGS, SESSIONS, SLOTS
from db.models import Audit, StudyVersion
from db.types import now
from mos.exports.tables import harmless

GONE = ("withdrawn", "screened_out", "replaced", "erased")
ON_THEIR_WAY = ("invited", "active")
STATES = ("invited", "due", "late", "resting", "at work", "waiting", "done", *GONE)
DAYS = 3
NAMED = 500
PAID = "observer paid"
EARLIEST = datetime.min.replace(tzinfo=UTC)


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


ORDERS: dict[str, tuple[str, Callable[[Line], Any]]] = {
    "code": ("Code", lambda line: line.pseudonym),
    "panel": ("Panel", lambda line: line.panel),
    "state": ("State", lambda line: STATES.index(line.word)),
    "sessions": ("Sessions", lambda line: line.sessions),
    "votes": ("Votes", lambda line: line.votes),
    "due": ("Due", lambda line: line.due),
    "paid": ("Paid", lambda line: line.paid),
}
"""The columns of the observers' table by their word in the address: heading, and what a line is sorted by."""


@dataclass(frozen=True)
class Sitting:
    """When a sitting began and ended."""

    started: datetime
    ended: datetime | None


@dataclass(frozen=True)
class Stand:
    """Where an observer stands: the same as a line's, without votes and payment, so that many thousands are read at once."""

    key: int
    phase: str
    simulated: bool
    word: str
    sittings: tuple[Sitting, ...]
    due: datetime | None


def stands(
    session: Session, version: StudyVersion, days: int = DAYS, only: Sequence[int] | None = None, *, whole: bool = False
) -> list[Stand]:
    """Where every observer of a version stands (or those whose ids are in `only`), in the order of their ids.

    Of everybody, only those who are still on their way are read with their sittings, since the others' state says all; with `whole`
    all are.
    """
    way, moment, held = Way.of(version.protocol), now(), _sittings(session, version, only, whole)
    o, p = OBSERVERS.c, PANELS.c
    query = (
        select(o.id, o.state, o.created, o.simulated, p.phase).join(PANELS, p.id == o.panel_id).where(p.version_id == version.id)
    )
    query = query if only is None else query.where(o.id.in_(only))
    found = []
    for key, state, created, simulated, phase in session.connection().execute(query.order_by(o.id)):
        mine = held.get(key, ())
        due = _due(state, created, mine, way, moment, days)
        found.append(Stand(key, phase, simulated, _word(state, mine, due, moment, way), tuple(mine), due))
    return found


def roster(session: Session, version: StudyVersion, days: int = DAYS, *, only: Sequence[int] | None = None) -> list[Line]:
    """Every observer of a version, or those whose ids are in `only`. The next session is due `days` after it may begin; after
    that it is late. More than NAMED ids are not named to the database: everybody is read then, and the others are left out."""
    wanted = None if only is None else set(only)
    only = None if only is None or len(only) > NAMED else only
    o, s = OBSERVERS.c, SLOTS.c
    query = (
        select(o.id, o.token, o.pseudonym, o.language, PANELS.c.name, s.sessions)
        .join(PANELS, PANELS.c.id == o.panel_id)
        .outerjoin(ASSIGNMENTS, (ASSIGNMENTS.c.observer_id == o.id) & FILLED)
        .outerjoin(SLOTS, s.id == ASSIGNMENTS.c.slot_id)
        .where(PANELS.c.version_id == version.id)
    )
    query = query if only is None else query.where(o.id.in_(only))
    where = {stand.key: stand for stand in stands(session, version, days, only, whole=True)}
    paid, votes = _paid(session), _votes(session, version, only)
    found = []
    for key, token, pseudonym, language, panel, planned in session.connection().execute(query.order_by(o.id)):
        if wanted is not None and key not in wanted:
            continue
        stand = where[key]
        ended = [one for one in stand.sittings if one.ended is not None]
        minutes = sum((one.ended - one.started).total_seconds() for one in ended if one.ended) / 60
        found.append(Line(token, pseudonym, panel, stand.phase, stand.simulated, language, stand.word, len(ended), planned or 0,
                          votes.get(key, 0), minutes, stand.due, paid.get(key)))  # fmt: skip
    return found


def _sittings(session: Session, version: StudyVersion, only: Sequence[int] | None, whole: bool) -> dict[int, list[Sitting]]:
    r, o = SESSIONS.c, OBSERVERS.c
    query = select(r.observer_id, r.started, r.ended).order_by(r.id)
    if only is None:
        query = query.join(OBSERVERS, o.id == r.observer_id).join(PANELS, PANELS.c.id == o.panel_id)
        query = query.where(PANELS.c.version_id == version.id)
        query = query if whole else query.where(o.state.in_(ON_THEIR_WAY))
    else:
        query = query.where(r.observer_id.in_(only))
    found: dict[int, list[Sitting]] = {}
    for observer, started, ended in session.connection().execute(query):
        found.setdefault(observer, []).append(Sitting(started, ended))
    return found


def _votes(session: Session, version: StudyVersion, only: Sequence[int] | None) -> dict[int, int]:
    """Votes by observer, counted sitting by sitting: the index of sittings is the smallest that stands for every vote."""
    s, o = SESSIONS.c, OBSERVERS.c
    held = select(func.count()).select_from(RATINGS).where(RATINGS.c.session_id == s.id).scalar_subquery()
    query = select(s.observer_id, held)
    if only is None:
        query = query.join(OBSERVERS, o.id == s.observer_id).join(PANELS, PANELS.c.id == o.panel_id)
        query = query.where(PANELS.c.version_id == version.id)
    else:
        query = query.where(s.observer_id.in_(only))
    found: Counter[int] = Counter()
    for observer, votes in session.connection().execute(query):
        found[observer] += votes
    return found


def _paid(session: Session) -> dict[int, datetime]:
    query = select(col(Audit.object_id), func.max(Audit.at)).where(col(Audit.action) == PAID).group_by(col(Audit.object_id))
    return {key: moment for key, moment in session.connection().execute(query) if key is not None}


def _due(state: str, created: datetime, mine: Sequence[Sitting], way: Way, moment: datetime, days: int) -> datetime | None:
    if state not in ON_THEIR_WAY:
        return None
    allowed = may_start([one.started for one in mine], EARLIEST, way)
    return max([created, allowed, *(one.ended for one in mine if one.ended)]) + timedelta(days=days)


def _word(state: str, mine: Sequence[Sitting], due: datetime | None, moment: datetime, way: Way) -> str:
    if state == "finished":
        return "done"
    if state not in ON_THEIR_WAY:
        return state
    late = due is not None and due < moment
    if any(one.ended is None for one in mine):
        return "late" if late else "at work"
    if may_start([one.started for one in mine], moment, way) > moment:
        return "resting"
    return "late" if late else "invited" if state == "invited" else "due"


def counts(lines: Iterable[Line | Stand]) -> dict[str, int]:
    """How many observers there are of each word, in the order of STATES."""
    words = Counter(line.word for line in lines)
    return {state: words[state] for state in STATES if state in words}


def ordered(lines: Sequence[Line], sort: str, down: bool) -> list[Line]:
    """Lines by a column of ORDERS, as they were invited for any other word; what is not known comes last either way."""
    return by_value(lines, ORDERS[sort][1], down) if sort in ORDERS else list(lines)


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
