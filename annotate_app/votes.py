"""Votes: checked against owner, order, scale and state, and stored; many at a time in one transaction.

A vote is written once and never changed. The same key answers the same; what may not be stored raises nothing here but becomes
a VoteRefused in the place of the answer, so that one bad vote never holds up the others of its transaction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, insert, or_, select, update

from annotate_app.sequence import Part, Sequence, Sequences, Step, Version
from annotate_app.tables import ASSIGNMENTS, DEVICES, EVENTS, OBSERVERS, PANELS, RATINGS, SESSIONS, STUDIES
from db.models import new_token
from db.types import now
from workspace.errors import VoteRefused

KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
TRAINING = "step.training"
AT_ONCE = 128
SIGNED_OUT = ("this browser is not signed on: open the link again",)
LOST = ("another device has taken over: open the link again to go on here",)
REASON = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote as it came: `device` is the hash of the cookie, `presentation` the opaque name; times in ms."""

    device: str
    presentation: str
    key: str
    question: str | None = None
    value: int | None = None
    missing: str | None = None
    view_ms: float | None = None
    response_ms: float | None = None
    pixels_per_degree: float | None = None
    replication: int | None = None


Answer = str | VoteRefused


@dataclass(slots=True)
class _Place:
    """Where an observer stands: the database's row, the sitting's sequence, and how many steps are done."""

    row: Row
    version: Version
    sequence: Sequence | None
    index: int


@dataclass(slots=True)
class _Batch:
    """What one transaction reads and writes."""

    moment: datetime
    places: dict[str, _Place]
    by_key: dict[tuple[int, str], Any]
    ratings: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    ended: list[_Place] = field(default_factory=list)


def store(connection: Connection, votes: Many[Vote], sequences: Sequences) -> list[Answer]:
    """Check and write votes within the caller's writing transaction; an answer or a refusal for each, in their order."""
    batch = _read(connection, votes, sequences)
    answers = [_one(connection, batch, vote, sequences) for vote in votes]
    if batch.ratings:
        connection.execute(insert(RATINGS), batch.ratings)
    if batch.events:
        connection.execute(insert(EVENTS), batch.events)
    for place in batch.ended:
        _end(connection, place, batch.moment)
    return answers


def _read(connection: Connection, votes: Many[Vote], sequences: Sequences) -> _Batch:
    rows = read_places(connection, {vote.device for vote in votes}, lock=True)
    held = {row.token_hash: sequence_of(connection, row, sequences) for row in rows if row.session_id is not None}
    trained = [row.session_id for row in rows if row.token_hash in held and held[row.token_hash].training]
    done = done_steps(connection, [row.session_id for row in rows if row.session_id is not None], trained)
    places = {
        row.token_hash: _Place(
            row, sequences.version(connection, row.version_id), held.get(row.token_hash), done.get(row.session_id, 0)
        )
        for row in rows
    }
    pairs = {(places[vote.device].row.observer_id, vote.key) for vote in votes if vote.device in places}
    return _Batch(now(), places, _keys(connection, pairs))


def sequence_of(connection: Connection, row: Row, sequences: Sequences) -> Sequence:
    """The sequence of the sitting of a row that `read_places` or `_keys` gave."""
    return sequences.get(connection, Part(row.slot_id, row.from_position, row.to_position), row.number)


_d, _o, _t, _n, _r, _h = DEVICES.c, OBSERVERS.c, STUDIES.c, SESSIONS.c, RATINGS.c, ASSIGNMENTS.c
_STANDING = (
    select(_d.token_hash, _d.ended, _o.id.label("observer_id"), _o.state, _o.simulated, _o.language, _o.study_id,
           _t.state.label("study_state"), PANELS.c.version_id, _t.name.label("study"), _n.id.label("session_id"), _n.token, _n.number,
           _n.assignment_id, _n.slot_id, _h.from_position, _h.to_position)
    .join(OBSERVERS, _o.id == _d.observer_id).join(STUDIES, _t.id == _o.study_id).join(PANELS, PANELS.c.id == _o.panel_id)
    .outerjoin(SESSIONS, (_n.observer_id == _o.id) & _n.ended.is_(None)).outerjoin(ASSIGNMENTS, _h.id == _n.assignment_id)
    .where(_d.token_hash.in_(bindparam("devices", expanding=True))).order_by(_o.id)
)  # fmt: skip
_STANDING_LOCKED = _STANDING.with_for_update(of=OBSERVERS)
_SITTINGS: BindParameter[int] = bindparam("sittings", expanding=True)
_VOTED = select(_r.session_id, func.count()).where(_r.session_id.in_(_SITTINGS)).group_by(_r.session_id)
_TRAINED = (
    select(EVENTS.c.session_id, func.count())
    .where(EVENTS.c.session_id.in_(_SITTINGS), EVENTS.c.kind == TRAINING)
    .group_by(EVENTS.c.session_id)
)


def read_places(connection: Connection, devices: set[str], *, lock: bool = False) -> list[Row]:
    """Device, observer, study and open sitting of each device hash; `lock` keeps the observers' rows until the transaction ends."""
    return list(connection.execute(_STANDING_LOCKED if lock else _STANDING, {"devices": list(devices)}))


def done_steps(connection: Connection, sittings: list[int], trained: list[int] | None = None) -> dict[int, int]:
    """How many steps of each sitting are done: its votes, and the training of those in `trained` (None: of all)."""
    if not sittings:
        return {}
    done = {row[0]: int(row[1]) for row in connection.execute(_VOTED, {"sittings": sittings})}
    trained = sittings if trained is None else trained
    for key, count in connection.execute(_TRAINED, {"sittings": trained}) if trained else ():
        done[key] = done.get(key, 0) + count
    return done


def position(connection: Connection, row: Row, sequence: Sequence) -> int:
    """How many steps of the open sitting of a row are done."""
    return done_steps(connection, [row.session_id], [row.session_id] if sequence.training else []).get(row.session_id, 0)


@lru_cache(maxsize=16)
def _by_keys(count: int) -> Select[Any]:
    """The stored votes of so many observers and keys, each pair one look into the index, whatever a planner knows of the table."""
    pairs = [(_r.observer_id == bindparam(f"observer{k}")) & (_r.key == bindparam(f"key{k}")) for k in range(count)]
    return (
        select(_r.observer_id, _r.key, _r.presentation_id, _r.question_id, _r.value, _r.missing, _r.slot_id, _n.number,
               _h.from_position, _h.to_position)
        .outerjoin(SESSIONS, _n.id == _r.session_id).outerjoin(ASSIGNMENTS, _h.id == _r.assignment_id)
        .where(or_(*pairs))
    )  # fmt: skip


def _keys(connection: Connection, pairs: set[tuple[int, str]]) -> dict[tuple[int, str], Any]:
    """The stored votes with these observers' keys; the last pair fills up to a power of two, so that few statements serve all."""
    found: dict[tuple[int, str], Any] = {}
    wanted = sorted(pairs)
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        some += [some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))
        said = {f"observer{k}": pair[0] for k, pair in enumerate(some)} | {f"key{k}": pair[1] for k, pair in enumerate(some)}
        found |= {(row.observer_id, row.key): row for row in connection.execute(_by_keys(len(some)), said)}
    return found


def _one(connection: Connection, batch: _Batch, vote: Vote, sequences: Sequences) -> Answer:
    place = batch.places.get(vote.device)
    if place is None:
        return VoteRefused(*SIGNED_OUT, status=401, code="signed_out")
    try:
        return _answer(connection, batch, place, vote, sequences)
    except VoteRefused as refusal:
        if refusal.code in ("exists", "lost_session", "key_reused"):
            batch.events.append(_refusal_event(batch, place, vote, refusal))
        return refusal


def _answer(connection: Connection, batch: _Batch, place: _Place, vote: Vote, sequences: Sequences) -> str:
    row = place.row
    if row.ended is not None:
        raise VoteRefused(*LOST, status=401, code="lost_session")
    held = batch.by_key.get((row.observer_id, vote.key))
    if held is not None:
        return _again(connection, held, vote, sequences)
    _refuse_unless_open(row)
    sequence = place.sequence
    index = None if sequence is None else sequence.at.get((vote.presentation, vote.question or place.version.questions[0].name))
    if sequence is None or index is None:
        raise VoteRefused("there is no such picture for this observer now", status=404, code="unknown")
    step = sequence.steps[index]
    if index < place.index:
        if step.training:
            return sequence.answer(index)
        raise VoteRefused("this picture has its vote already", status=409, code="exists")
    if index > place.index:
        raise VoteRefused("this picture is not due yet", status=409, code="not_due")
    check_value(vote, step, place.version)
    _accept(batch, place, sequence, step, vote)
    return sequence.answer(index)


def _refuse_unless_open(row: Row) -> None:
    if row.state != "active":
        word = "withdrawn" if row.state in ("withdrawn", "erased") else str(row.state)
        raise VoteRefused(f"this observer takes no part in the study now ({word})", status=409, code=word)
    if row.study_state != "open":
        raise VoteRefused("the study is closed", status=409, code="closed")


def _again(connection: Connection, held: Any, vote: Vote, sequences: Sequences) -> str:
    """The same key once more: the same answer for the same vote, a refusal for another one."""
    sequence = sequence_of(connection, held, sequences)
    for index, step in enumerate(sequence.steps):
        if step.presentation == held.presentation_id and step.question.id == held.question_id and not step.training:
            same = step.token == vote.presentation and vote.question in (None, step.question.name)
            if same and held.value == vote.value and held.missing == vote.missing:
                return sequence.answer(index)
    raise VoteRefused("this key belongs to another vote", status=409, code="key_reused")


def check_value(vote: Vote, step: Step, version: Version) -> None:
    """Raise VoteRefused 422 unless the vote is one value on its scale (or one reason), seen for long enough, with a sound key."""
    question = step.question
    if not KEY.fullmatch(vote.key):
        raise VoteRefused("the key is not 8 to 64 letters, digits, - or _", status=422, code="bad_key")
    if (vote.value is None) == (vote.missing is None):
        raise VoteRefused("a value, or a reason why there is none, was expected", status=422, code="no_value")
    if vote.missing is not None:
        if not REASON.fullmatch(vote.missing):
            raise VoteRefused("the reason is not one word of small letters", status=422, code="bad_reason")
        return
    if vote.value is None or not question.low <= vote.value <= question.high:
        raise VoteRefused(f"{vote.value} is not on the scale {question.low} to {question.high}", status=422, code="off_scale")
    if (vote.view_ms or 0.0) < version.least_view_ms:
        raise VoteRefused(f"the picture was seen for {vote.view_ms or 0:g} ms, {version.least_view_ms:g} were expected",
                          status=422, code="too_soon")  # fmt: skip


def _accept(batch: _Batch, place: _Place, sequence: Sequence, step: Step, vote: Vote) -> None:
    row = place.row
    place.index += 1
    if step.training:
        batch.events.append(_event(batch, row, TRAINING, step.presentation, {}))
    else:
        question = step.question
        rating = {
            "presentation_id": step.presentation, "question_id": question.id, "slot_id": row.slot_id,
            "assignment_id": row.assignment_id, "observer_id": row.observer_id, "session_id": row.session_id,
            "low": question.low, "high": question.high, "value": vote.value, "missing": vote.missing, "key": vote.key,
            "view_ms": vote.view_ms, "response_ms": vote.response_ms, "pixels_per_degree": vote.pixels_per_degree,
            "replication": vote.replication, "received": batch.moment,
        }  # fmt: skip
        batch.ratings.append(rating)
        batch.by_key[row.observer_id, vote.key] = _Held(
            **rating, number=row.number, from_position=row.from_position, to_position=row.to_position
        )
    if place.index == len(sequence.steps):
        batch.ended.append(place)


class _Held:
    """A vote of this very transaction, as `_again` reads it."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def _event(batch: _Batch, row: Row, kind: str, presentation: int | None, data: dict[str, Any]) -> dict[str, Any]:
    return {"study_id": row.study_id, "observer_id": row.observer_id, "session_id": row.session_id, "presentation_id": presentation,
            "kind": kind, "at": batch.moment, "data": data}  # fmt: skip


def _refusal_event(batch: _Batch, place: _Place, vote: Vote, refusal: VoteRefused) -> dict[str, Any]:
    step = None
    if place.sequence is not None:
        at = place.sequence.at.get((vote.presentation, vote.question or place.version.questions[0].name))
        step = place.sequence.steps[at] if at is not None else None
    data = {"code": refusal.code, "value": vote.value, "missing": vote.missing}
    return _event(batch, place.row, "vote_refused", step.presentation if step else None, data)


def _end(connection: Connection, place: _Place, moment: datetime) -> None:
    """End a sitting with a receipt; after the last one the observer has finished."""
    row = place.row
    connection.execute(update(SESSIONS).where(SESSIONS.c.id == row.session_id).values(ended=moment, receipt=new_token(6)))
    if place.sequence is not None and place.sequence.is_last:
        connection.execute(update(OBSERVERS).where(OBSERVERS.c.id == row.observer_id).values(state="finished", finished=moment))
