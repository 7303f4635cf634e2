"""Rows of the plan and who has them: a free one for each who arrives, and the sittings that are begun in them.

A room of people begins at the same moment, so these are plain queries that were built once. Everything works within the
caller's transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, exists, func, insert, select
from sqlmodel import Session

from annotate_app.sequence import Part, sittings_of
from annotate_app.tables import ASSIGNMENTS, OBSERVERS, PANELS, PRESENTATIONS, SESSIONS, SLOTS, STUDIES
from db.models import Observer, new_token
from db.types import now
from workspace.errors import VoteRefused

_a, _o, _s, _r = ASSIGNMENTS.c, OBSERVERS.c, SLOTS.c, SESSIONS.c
_ME: BindParameter[int] = bindparam("observer")
_PANEL: BindParameter[int] = bindparam("panel")
FILLED = _a.to_position > _a.from_position
_STUDY = select(STUDIES.c.state).where(STUDIES.c.id == bindparam("study"))
_HELD = select(_a.id, _a.slot_id, _a.from_position, _a.to_position).where(_a.observer_id == _ME).order_by(_a.id).limit(1)
_LOCK = select(PANELS.c.id).where(PANELS.c.id == _PANEL).with_for_update()
_ROOM = select(
    exists().where(_a.observer_id == _ME, FILLED).label("held"),
    select(func.count()).select_from(SLOTS).where(_s.panel_id == _PANEL).scalar_subquery().label("rows"),
    select(func.count(func.distinct(_a.slot_id))).join(SLOTS, _s.id == _a.slot_id).where(_s.panel_id == _PANEL, FILLED)
    .scalar_subquery().label("given"),
    select(func.count()).select_from(OBSERVERS)
    .where(_o.panel_id == _PANEL, _o.id != _ME, _o.state == "active", ~exists().where(_a.observer_id == _o.id))
    .scalar_subquery().label("arrived"),
)  # fmt: skip
_TRAINED = (
    select(func.count()).select_from(PRESENTATIONS)
    .where(PRESENTATIONS.c.slot_id == _s.id, PRESENTATIONS.c.role == "training").scalar_subquery()
)  # fmt: skip
_FREE = (
    select(_s.id, _s.length, _TRAINED.label("training"))
    .where(_s.panel_id == _PANEL, ~exists().where(_a.slot_id == _s.id, FILLED)).order_by(_s.number).limit(1)
)  # fmt: skip
_OPEN = select(_r.id).where(_r.observer_id == _ME, _r.ended.is_(None)).limit(1)
_BEGUN = select(_r.number).where(_r.assignment_id == bindparam("assignment"))


def refuse_unless_open(study_state: str, observer_state: str) -> None:
    """Raise VoteRefused where a study is not open or an observer has left it."""
    if observer_state in ("withdrawn", "erased"):
        raise VoteRefused("this observer has withdrawn from the study", status=409, code="withdrawn")
    if observer_state in ("screened_out", "replaced"):
        raise VoteRefused("this observer takes no further part in the study", status=409, code=observer_state)
    if study_state != "open":
        word = "is closed" if study_state == "closed" else "has not begun yet"
        raise VoteRefused(f"the study {word}", status=409, code="closed")


def require_open(connection: Connection, observer: Observer) -> None:
    """Raise VoteRefused unless the observer's study is open and the observer takes part in it."""
    refuse_unless_open(str(connection.execute(_STUDY, {"study": observer.study_id}).scalar_one()), observer.state)


def has_place(connection: Connection, observer: Observer) -> bool:
    """Whether a row of the plan is left for this observer: given already, or fewer people taking part than rows."""
    room = connection.execute(_ROOM, {"observer": observer.id, "panel": observer.panel_id}).one()
    return bool(room.held) or room.given + room.arrived < room.rows


def assign(connection: Connection, observer: Observer) -> Row:
    """The observer's row as (id, slot_id, from_position, to_position): the one given before, else the next free one in order of
    arrival. Raises VoteRefused when all are given."""
    me = {"observer": observer.id}
    held = connection.execute(_HELD, me).first()
    if held is not None:
        return held
    connection.execute(_LOCK, {"panel": observer.panel_id})
    slot = connection.execute(_FREE, {"panel": observer.panel_id}).first()
    if slot is None:
        raise VoteRefused("all places of the study are taken: you are on the waiting list", status=409, code="waiting")
    given = {"slot_id": slot.id, "observer_id": observer.id, "from_position": slot.training, "to_position": slot.length}
    connection.execute(insert(ASSIGNMENTS), {**given, "created": now()})
    return connection.execute(_HELD, me).one()


def start_sitting(session: Session, observer: Observer, display: dict[str, Any] | None = None) -> None:
    """Begin the observer's next sitting, unless one is under way. Raises VoteRefused when all are done, or nothing may be rated."""
    connection = session.connection()
    require_open(connection, observer)
    if not observer.simulated and observer.consented is None:
        raise VoteRefused("the consent comes first", status=409, code="no_consent")
    if connection.execute(_OPEN, {"observer": observer.id}).first() is not None:
        return
    held = assign(connection, observer)
    number = next_sitting(connection, held)
    if number is None:
        raise VoteRefused("all sessions are done", status=409, code="finished")
    made = {"token": new_token(), "assignment_id": held.id, "slot_id": held.slot_id, "observer_id": observer.id,
            "number": number, "started": now(), "display": display or {}}  # fmt: skip
    connection.execute(insert(SESSIONS), made)


def next_sitting(connection: Connection, held: Row) -> int | None:
    """The number of the next sitting of an assignment (as `assign` gives it); None after the last.

    A second pass has numbers above the plan's.
    """
    begun = {number for (number,) in connection.execute(_BEGUN, {"assignment": held.id})}
    numbers = sittings_of(connection, Part(held.slot_id, held.from_position, held.to_position))
    return next((number for number in numbers if number not in begun), None)
