"""What an observer does in one sitting, step by step: training first, then the plan's places, each with its questions.

Read from the frozen plan, so it never changes and may be kept in memory. A second question comes in a second pass after all
quality votes (sittings with numbers above the plan's), or after each vote, as the protocol says; it is asked of counted images.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Connection, Row, bindparam, func, select

from annotate_app.design import RATED
from annotate_app.tables import PANELS, PRESENTATIONS, QUESTIONS, SLOTS, STIMULI, STUDY_STIMULI, VERSIONS

AHEAD = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its scale."""

    id: int
    name: str
    kind: str
    low: int
    high: int


class Step(NamedTuple):
    """One vote to give: a presentation and a question. `place` counts presentations; `extra` marks a question after the first."""

    presentation: int
    token: str
    question: Asked
    training: bool
    place: int
    file: str
    width: int
    height: int
    extra: bool = False

    @property
    def item(self) -> str:
        """What the page is told of it, as JSON; a token needs no escaping."""
        asked = f',"question":{json.dumps(self.question.name)}' if self.extra else ""
        return (
            f'{{"presentation":"{self.token}","image":"/image/{self.token}","width":{self.width},"height":{self.height}{asked}}}'
        )


class Part(NamedTuple):
    """What an observer does of a row of the plan: its positions from `start` to before `end`."""

    slot: int
    start: int
    end: int


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
    """Keeps sequences and versions that were read lately; `size` sittings at most. One for all threads of a process.

    The plan's rows are frozen, so what is kept under a row, its positions and a number can't grow old; nor can `told`, the
    questions and settings of a version in a language.
    """

    def __init__(self, size: int = 600) -> None:
        self.size = size
        self.kept: OrderedDict[tuple[Part, int], Sequence] = OrderedDict()
        self.versions: dict[int, Version] = {}
        self.told: dict[tuple[int, str], tuple[list[dict[str, Any]], dict[str, Any]]] = {}
        self.lock = threading.Lock()

    def version(self, connection: Connection, version_id: int) -> Version:
        """Questions and rules of a version."""
        if version_id not in self.versions:
            self.versions[version_id] = _read_version(connection, version_id)
        return self.versions[version_id]

    def get(self, connection: Connection, part: Part, number: int) -> Sequence:
        """The sequence of an observer's sitting."""
        key = (part, number)
        found = self.kept.get(key) or self._read(connection, part, number)
        with self.lock:
            self.kept[key] = found
            self.kept.move_to_end(key)
            while len(self.kept) > self.size:
                self.kept.popitem(last=False)
        return found

    def _read(self, connection: Connection, part: Part, number: int) -> Sequence:
        row = connection.execute(_ROW, {"slot": part.slot}).one()
        version = self.version(connection, row.version_id)
        numbers = _with_second_pass(_first_pass(connection, part), row.sessions, version)
        second = number > row.sessions
        rows = connection.execute(_PLACES, {
            **part._asdict(), "version": row.version_id, "session": number - row.sessions if second else number,
            "trained": number == numbers[0],
        }).all()  # fmt: skip
        steps = [_step(r, version.questions[0], True, 0) for r in rows if not r.session]
        training = len(steps)
        for place, one in enumerate([r for r in rows if r.session and (not second or r.role in RATED)]):
            asked = version.questions[1:] if second else version.questions[:1]
            if version.each and one.role in RATED:
                asked = version.questions
            steps += [_step(one, question, False, place, extra=question is not version.questions[0]) for question in asked]
        at = {(step.token, step.question.name): k for k, step in enumerate(steps)}
        return Sequence(tuple(steps), training, steps[-1].place + 1 if len(steps) > training else 0, number == numbers[-1], at)


_p, _s, _f = PRESENTATIONS.c, STIMULI.c, STUDY_STIMULI.c
_HELD = (_p.slot_id == bindparam("slot")) & (_p.position >= bindparam("start")) & (_p.position < bindparam("end"))
_ROW = (
    select(SLOTS.c.sessions, PANELS.c.version_id)
    .join(PANELS, PANELS.c.id == SLOTS.c.panel_id)
    .where(SLOTS.c.id == bindparam("slot"))
)
_ASKED = select(func.count()).where(QUESTIONS.c.version_id == bindparam("version"))
_NUMBERS = select(_p.session).where(_HELD, _p.session > 0).distinct().order_by(_p.session)
_PLACES = (
    select(_p.id, _p.token, _p.session, _p.role, _s.width, _s.height, _f.file)
    .join(STIMULI, _s.id == _p.stimulus_id)
    .join(STUDY_STIMULI, (_f.version_id == bindparam("version")) & (_f.stimulus_id == _p.stimulus_id))
    .where(_p.slot_id == bindparam("slot"))
    .where((bindparam("trained", type_=Boolean()) & (_p.session == 0)) | (_HELD & (_p.session == bindparam("session"))))
    .order_by(_p.position)
)  # fmt: skip


def _first_pass(connection: Connection, part: Part) -> list[int]:
    """The numbers of the plan's sessions that a part has pictures of, in order."""
    return [session for (session,) in connection.execute(_NUMBERS, part._asdict())]


def _with_second_pass(first: list[int], sessions: int, version: Version) -> list[int]:
    """The numbers of all sittings, a second pass behind the first."""
    second = len(version.questions) > 1 and not version.each
    return first + [n + sessions for n in first if second]


def _step(row: Row, question: Asked, training: bool, place: int, *, extra: bool = False) -> Step:
    key, token, _, _, width, height, file = row
    return Step(key, token, question, training, place, file, width, height, extra)


def _read_version(connection: Connection, version_id: int) -> Version:
    protocol = connection.execute(select(VERSIONS.c.protocol).where(VERSIONS.c.id == version_id)).scalar_one()
    q = QUESTIONS.c
    rows = connection.execute(select(q.id, q.name, q.kind, q.low, q.high).where(q.version_id == version_id).order_by(q.position))
    asked = tuple(Asked(row.id, row.name, row.kind, row.low, row.high) for row in rows)
    return Version(version_id, asked, protocol["second_question"] == "each", float(protocol["settings"]["min_view_ms"]))


def sittings_of(connection: Connection, part: Part) -> list[int]:
    """The numbers of the sittings of a part, in order; none where it is empty."""
    first = _first_pass(connection, part)
    if not first:
        return []
    row = connection.execute(_ROW, {"slot": part.slot}).one()
    asked = connection.execute(_ASKED, {"version": row.version_id}).scalar_one()
    return first if asked == 1 else _with_second_pass(first, row.sessions, _read_version(connection, row.version_id))
