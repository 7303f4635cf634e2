"""What an observer does in one sitting, step by step: training first, then the plan's places, each with its questions.

Read from the frozen plan, so it never changes and may be kept in memory. A second question comes in a second pass after all
quality votes (sittings with numbers above the plan's), or after each vote, as the protocol says; it is asked of counted images.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, select
from sqlmodel import Session

from annotate_app.design import RATED
from annotate_app.tables import ASSIGNMENTS, PRESENTATIONS, QUESTIONS, SLOTS, STIMULI, STUDY_STIMULI, VERSIONS
from db.models import Assignment

AHEAD = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its scale."""

    id: int
    name: str
    kind: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Step:
    """One vote to give: a presentation and a question. `place` counts presentations; `item` is its JSON for the page."""

    presentation: int
    token: str
    question: Asked
    training: bool
    place: int
    file: str
    item: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """The steps of one sitting. `training` of them come first; `length` presentations count."""

    steps: tuple[Step, ...]
    training: int
    length: int
    is_last: bool
    at: dict[tuple[str, str], int] = field(default_factory=dict)

    def due(self, index: int) -> list[Step]:
        """The steps at `index` and up to five presentations ahead, within the same phase."""
        end = self.training if index < self.training else len(self.steps)
        found: list[Step] = []
        tokens: set[str] = set()
        for step in self.steps[index:end]:
            tokens.add(step.token)
            if len(tokens) > AHEAD:
                break
            found.append(step)
        return found

    def answer(self, index: int) -> str:
        """The JSON answer to a stored vote at `index`: the same whenever it is asked."""
        after = index + 1
        training = index < self.training
        done = after if training else self.place(after)
        length = self.training if training else self.length
        items = ",".join(step.item for step in self.due(after)) if after != self.training else ""
        finished = "true" if after == len(self.steps) else "false"
        return f'{{"stored":true,"done":{done},"length":{length},"finished":{finished},"next":[{items}]}}'

    def place(self, index: int) -> int:
        """Counted presentations that are done when `index` steps are."""
        return self.length if index >= len(self.steps) else max(0, self.steps[index].place)


@dataclass(frozen=True, slots=True)
class Version:
    """What a vote needs to know of a frozen version."""

    id: int
    questions: tuple[Asked, ...]
    each: bool
    least_view_ms: float


class Sequences:
    """Keeps sequences and versions that were read lately; `size` sittings at most."""

    def __init__(self, size: int = 600) -> None:
        self.size = size
        self.kept: OrderedDict[tuple[int, int, int, int], Sequence] = OrderedDict()
        self.versions: dict[int, Version] = {}
        self.lock = threading.Lock()

    def version(self, connection: Connection, version_id: int) -> Version:
        """Questions and rules of a version."""
        if version_id not in self.versions:
            self.versions[version_id] = _read_version(connection, version_id)
        return self.versions[version_id]

    def get(self, connection: Connection, assignment: int, number: int, places: tuple[int, int] | None = None) -> Sequence:
        """The sequence of a sitting of an assignment; `places` are its ends where they are known."""
        if places is None:
            query = select(ASSIGNMENTS.c.from_position, ASSIGNMENTS.c.to_position).where(ASSIGNMENTS.c.id == assignment)
            places = tuple(connection.execute(query).one())
        key = (assignment, number, *places)
        found = self.kept.get(key) or self._read(connection, assignment, number)
        with self.lock:
            self.kept[key] = found
            self.kept.move_to_end(key)
            while len(self.kept) > self.size:
                self.kept.popitem(last=False)
        return found

    def _read(self, connection: Connection, assignment: int, number: int) -> Sequence:
        rows = _read_places(connection, assignment)
        slot = connection.execute(
            select(SLOTS.c.sessions).join(ASSIGNMENTS, ASSIGNMENTS.c.slot_id == SLOTS.c.id).where(ASSIGNMENTS.c.id == assignment)
        ).one()
        version = self.version(connection, rows[0].version_id)
        numbers = numbers_of(rows, slot.sessions, version)
        second = number > slot.sessions
        places = [r for r in rows if r.session and r.session == (number - slot.sessions if second else number)]
        steps = [_step(r, version.questions[0], True, 0) for r in rows if not r.session and number == numbers[0]]
        training = len(steps)
        for place, row in enumerate([r for r in places if not second or r.role in RATED]):
            asked = version.questions[1:] if second else version.questions[:1]
            if version.each and row.role in RATED:
                asked = version.questions
            steps += [_step(row, question, False, place, first=question is version.questions[0]) for question in asked]
        at = {(step.token, step.question.name): k for k, step in enumerate(steps)}
        return Sequence(tuple(steps), training, steps[-1].place + 1 if len(steps) > training else 0, number == numbers[-1], at)


def _read_places(connection: Connection, assignment: int) -> list[Row]:
    """The training of a slot and the places of an assignment, in order."""
    p, s, f, a = PRESENTATIONS.c, STIMULI.c, STUDY_STIMULI.c, ASSIGNMENTS.c
    query = (
        select(p.id, p.token, p.session, p.position, p.role, p.version_id, s.width, s.height, f.file)
        .join(ASSIGNMENTS, a.slot_id == p.slot_id)
        .join(STIMULI, s.id == p.stimulus_id)
        .join(STUDY_STIMULI, (f.version_id == p.version_id) & (f.stimulus_id == p.stimulus_id))
        .where(a.id == assignment, (p.session == 0) | ((p.position >= a.from_position) & (p.position < a.to_position)))
        .order_by(p.position)
    )
    return list(connection.execute(query))


def _step(row: Row, question: Asked, training: bool, place: int, *, first: bool = True) -> Step:
    item = {"presentation": row.token, "image": f"/image/{row.token}", "width": row.width, "height": row.height}
    if not first:
        item["question"] = question.name
    return Step(row.id, row.token, question, training, place, row.file, json.dumps(item, separators=(",", ":")))


def numbers_of(rows: list[Row], sessions: int, version: Version) -> list[int]:
    """The numbers of an assignment's sittings, a second pass behind the first."""
    first = sorted({row.session for row in rows if row.session})
    second = len(version.questions) > 1 and not version.each
    return first + [n + sessions for n in first if second]


def _read_version(connection: Connection, version_id: int) -> Version:
    protocol = connection.execute(select(VERSIONS.c.protocol).where(VERSIONS.c.id == version_id)).scalar_one()
    q = QUESTIONS.c
    rows = connection.execute(select(q.id, q.name, q.kind, q.low, q.high).where(q.version_id == version_id).order_by(q.position))
    asked = tuple(Asked(row.id, row.name, row.kind, row.low, row.high) for row in rows)
    return Version(version_id, asked, protocol["second_question"] == "each", float(protocol["settings"]["min_view_ms"]))


def sittings_of(session: Session, assignment: Assignment) -> list[int]:
    """The numbers of an assignment's sittings, in order."""
    connection = session.connection()
    assert assignment.id is not None
    rows = _read_places(connection, assignment.id)
    if not any(row.session for row in rows):
        return []
    sessions = connection.execute(select(SLOTS.c.sessions).where(SLOTS.c.id == assignment.slot_id)).scalar_one()
    return numbers_of(rows, sessions, _read_version(connection, rows[0].version_id))
