"""A version's votes as arrays, read in bounded pieces of plain numbers, so that millions of votes need little memory.

Names stand once and are pointed at; tables that are made from the arrays share them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, case, func, select
from sqlmodel import Session

from annotate_app.design import RATED
from annotate_app.tables import OBSERVERS, PANELS, PRESENTATIONS, QUESTIONS, RATINGS, STIMULI, STUDY_STIMULI
from db.models import ROLES, StudyVersion

Array = NDArray[Any]
CHUNK = 50_000
PIECE = 100_000
COUNTED = (*RATED, "repeat")
NUMBERS = {"observer": np.int32, "question": np.int32, "image": np.int32, "role": np.int8, "session": np.int16, "position": np.int32,
           "value": np.float64, "response_ms": np.float64}  # fmt: skip


@dataclass(frozen=True, eq=False)
class StoredVotes:
    """V votes, each observer's in order. `image`, `observer`, `question` and `role` `(V,)` are codes into the names below.

    `value` is nan for a reasoned missing vote; `response_ms` milliseconds, nan where unknown; `received` moments in UTC. `rep`: 0 for a
    first presentation, 1 on for hidden repeats; `void`: a repeat whose first presentation somebody else rated.
    """

    observer: Array
    question: Array
    image: Array
    role: Array
    session: Array
    position: Array
    value: Array
    response_ms: Array
    received: Array
    rep: Array
    void: Array
    images: Array
    observers: Array
    questions: Array
    panels: Array
    simulated: Array

    def is_role(self, *roles: str) -> Array:
        """Which votes have one of these roles `(V,)`."""
        return np.isin(self.role, [ROLES.index(role) for role in roles])

    @property
    def counted(self) -> Array:
        """Votes that are data `(V,)`: rated images and hidden repeats, with a value."""
        return self.is_role(*COUNTED) & ~np.isnan(self.value)

    def select(self, mask: Array) -> StoredVotes:
        """The votes that a mask `(V,)` picks."""
        own = [one.name for one in fields(self) if one.name not in ("images", "observers", "questions", "panels", "simulated")]
        return replace(self, **{name: getattr(self, name)[mask] for name in own})

    def frame(self, *, times: bool = True) -> pd.DataFrame:
        """The votes as a long table: the columns of the votes' format, `role` besides; without `times` their moments stay empty."""
        texts = {
            "stimulus": self.images[self.image], "observer": self.observers[self.observer], "panel": self.panels[self.observer],
            "question": self.questions[self.question], "role": np.array(ROLES, dtype=object)[self.role],
        }  # fmt: skip
        shared = {name: pd.Series(values, dtype=object) for name, values in texts.items()}
        return pd.DataFrame(
            {
                "stimulus": shared["stimulus"], "observer": shared["observer"], "score": self.value, "panel": shared["panel"],
                "question": shared["question"], "rep": self.rep.astype(np.int64), "session": self.session.astype(np.int64),
                "position": self.position.astype(np.int64), "response_ms": self.response_ms,
                "time": moment_texts(self.received) if times else "", "simulated": self.simulated[self.observer],
                "role": shared["role"],
            }
        )  # fmt: skip


def read_votes(session: Session, version: StudyVersion, phase: str = "main") -> StoredVotes:
    """Every stored vote of a version's panels of a phase, by observer, question and position."""
    connection = session.connection()
    people, questions, images = _people(connection, version, phase), _questions(connection, version), _images(connection, version)
    columns = _columns(connection, version, {row[0] for row in people})
    for name, found in (("observer", people), ("question", questions), ("image", images)):
        columns[name] = np.searchsorted(np.array([row[0] for row in found], np.int64), columns[name]).astype(np.int32)
    place = np.array([row[2] for row in questions], np.int64)[columns["question"]] if questions else columns["question"]
    order = np.lexsort((columns["position"], place, columns["observer"]))
    for name in list(columns):
        columns[name] = columns[name][order]
    rep, void = _repetitions(columns, len(questions), len(images))
    return StoredVotes(
        **columns, rep=rep, void=void, images=_texts(images, 1), observers=_texts(people, 1), questions=_texts(questions, 1),
        panels=_texts(people, 2), simulated=np.array([bool(row[3]) for row in people], bool),
    )  # fmt: skip


def _people(connection: Connection, version: StudyVersion, phase: str) -> list[tuple[Any, ...]]:
    """Key, pseudonym, panel and whether simulated, by key."""
    o, p = OBSERVERS.c, PANELS.c
    query = select(o.id, o.pseudonym, p.name, o.simulated).join(PANELS, p.id == o.panel_id)
    return [tuple(row) for row in connection.execute(query.where(p.version_id == version.id, p.phase == phase).order_by(o.id))]


def _questions(connection: Connection, version: StudyVersion) -> list[tuple[Any, ...]]:
    q = QUESTIONS.c
    return [
        tuple(row)
        for row in connection.execute(select(q.id, q.name, q.position).where(q.version_id == version.id).order_by(q.id))
    ]


def _images(connection: Connection, version: StudyVersion) -> list[tuple[Any, ...]]:
    s, f = STIMULI.c, STUDY_STIMULI.c
    query = select(s.id, s.name).join(STUDY_STIMULI, f.stimulus_id == s.id).where(f.version_id == version.id)
    return [tuple(row) for row in connection.execute(query.order_by(s.id))]


def _texts(rows: Sequence[tuple[Any, ...]], place: int) -> Array:
    made = np.empty(len(rows), dtype=object)
    made[:] = [row[place] for row in rows]
    return made


def _columns(connection: Connection, version: StudyVersion, people: set[int]) -> dict[str, Array]:
    """The votes of these people by column, with the database's keys, in the order in which they came."""
    pieces: dict[str, list[Array]] = {name: [] for name in (*NUMBERS, "received")}
    keys = np.array(sorted(people), np.int64)
    for rows in _chunks(connection, version):
        moments = _moments([row[-1] for row in rows])
        numbers = np.array([row[:-1] for row in rows], np.float64)
        mine = np.isin(numbers[:, 0], keys)
        for place, (name, kind) in enumerate(NUMBERS.items()):
            pieces[name].append(numbers[mine, place].astype(kind))
        pieces["received"].append(moments[mine])
    empty = {**{name: np.zeros(0, kind) for name, kind in NUMBERS.items()}, "received": np.zeros(0, "datetime64[us]")}
    return {name: np.concatenate([empty[name], *pieces.pop(name)]) for name in empty}


def _chunks(connection: Connection, version: StudyVersion) -> Iterator[Sequence[Any]]:
    """A version's votes in pieces: the columns of NUMBERS, then the moment, as the driver gives them."""
    r, p = RATINGS.c, PRESENTATIONS.c
    role = case({name: number for number, name in enumerate(ROLES)}, value=p.role)
    query = (
        select(r.observer_id, r.question_id, p.stimulus_id, role, p.session, p.position, r.value, r.response_ms, r.received)
        .join(PRESENTATIONS, p.id == r.presentation_id)
        .where(p.version_id == version.id)
        .order_by(r.id)
    )
    first, last = connection.execute(select(func.min(r.id), func.max(r.id))).one()
    for start in range(first or 0, (last or 0) + 1, CHUNK) if first else ():
        result = connection.execute(query.where(r.id >= start, r.id < start + CHUNK))
        rows = result.cursor.fetchall() if result.cursor is not None else []
        result.close()
        if rows:
            yield rows


def _moments(stored: Sequence[Any]) -> Array:
    """Moments as the driver gives them (SQLite: text in UTC of fixed width; PostgreSQL: datetimes) as datetime64 in UTC."""
    plain = [one[:26] if isinstance(one, str) else one.astimezone(UTC).replace(tzinfo=None) for one in stored]
    return np.array(plain, dtype="datetime64[us]")


def _repetitions(columns: dict[str, Array], questions: int, images: int) -> tuple[Array, Array]:
    """Of each vote that is data its number among one observer's on an image, first presentations first; and void repeats."""
    repeat = columns["role"] == ROLES.index("repeat")
    data = np.isin(columns["role"], [ROLES.index(role) for role in COUNTED]) & ~np.isnan(columns["value"])
    places = np.flatnonzero(data)
    cell = (columns["observer"].astype(np.int64) * max(1, questions) + columns["question"]) * max(1, images) + columns["image"]
    cell = cell[places]
    order = np.lexsort((places, repeat[places], cell))
    new = np.diff(cell[order], prepend=-1) != 0
    starts = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    rep, void = np.zeros(len(repeat), np.int16), np.zeros(len(repeat), bool)
    if len(starts):
        rep[places[order]] = np.arange(len(order)) - starts[group]
        void[places[order]] = repeat[places[order]][starts][group]
    return rep, void


def moment_texts(moments: Array) -> Array:
    """Moments `(V,)` (datetime64 in UTC) as ISO 8601, as Python writes them: no fraction of a second where there is none."""
    made = np.empty(len(moments), dtype=object)
    for start in range(0, len(moments), PIECE):
        some = moments[start : start + PIECE]
        whole = (some == some.astype("datetime64[s]")).tolist()
        said = np.datetime_as_string(some, unit="us").tolist()
        made[start : start + PIECE] = [f"{text[:19] if plain else text}+00:00" for text, plain in zip(said, whole, strict=True)]
    return made
