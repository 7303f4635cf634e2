"""A study's votes counted as they come in: each call reads only the new ones, in bounded pieces, so that memory stays flat.

Votes are only ever added; where some are gone (an erasure) or came in behind (PostgreSQL), everything is counted again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, case, func, select
from sqlmodel import Session

from annotate_app.design import RATED
from annotate_app.tables import PRESENTATIONS, RATINGS, SLOTS, STUDY_STIMULI
from db.types import now

Ints = NDArray[np.int64]
CHUNK = 50_000
NONE = -(2**40)
COUNTED, REPEAT, GOLD, OTHER = range(4)
OBSERVER, QUESTION, VALUE, POSITION, ROLE, STIMULUS, LENGTH, SLOT = range(8)


@dataclass
class _Counts:
    """What was counted up to the vote `last`; `upto` is how many votes of all studies stand up to there."""

    last: int = 0
    upto: int = 0
    images: dict[int, Ints] = field(default_factory=dict)
    observers: Counter[int] = field(default_factory=Counter)
    first: dict[tuple[int, int, int], int] = field(default_factory=dict)
    pairs: int = 0
    distance: int = 0
    judged: int = 0
    missed: int = 0
    totals: Ints = field(default_factory=lambda: np.zeros((3, 2), np.int64))


class Tally:
    """The counts of one frozen version, kept by the process that makes them.

    `behind`: votes younger than this wait for the next call, where transactions may end in another order than they began.
    """

    def __init__(self, version_id: int, behind: timedelta = timedelta(0)) -> None:
        self.version_id, self.behind = version_id, behind
        self.counts = _Counts()
        self.lock = threading.Lock()
        self.rated: Ints | None = None
        self.repeated: Ints = np.zeros(0, np.int64)
        self.gold: dict[int, tuple[float, float]] = {}

    def read(self, session: Session) -> dict[str, Any]:
        """Count what is new; gives votes per image, gold, repeats, drift and votes per observer."""
        with self.lock:
            rated = self._images(session.connection()) if self.rated is None else self.rated
            self._update(session.connection())
            return self._values(rated)

    def _images(self, connection: Connection) -> Ints:
        """The images that count; and once for good, which have a value to expect and which stand in a row twice."""
        c, p = STUDY_STIMULI.c, PRESENTATIONS.c
        query = select(c.stimulus_id, c.role, c.expected, c.tolerance).where(c.version_id == self.version_id)
        rated = []
        for stimulus, role, expected, tolerance in connection.execute(query):
            if role in RATED:
                rated.append(stimulus)
            elif role == "gold" and expected is not None:
                self.gold[stimulus] = (float(expected), float(tolerance))
        twice = select(p.slot_id, p.stimulus_id).where(p.version_id == self.version_id, p.role == "repeat")
        self.repeated = np.array(sorted({_pair(slot, stimulus) for slot, stimulus in connection.execute(twice)}), np.int64)
        self.rated = np.array(sorted(rated), np.int64)
        return self.rated

    def _update(self, connection: Connection) -> None:
        r, number = RATINGS.c, select(func.count()).select_from(RATINGS)
        newest = select(r.id).order_by(r.id.desc()).limit(1)
        newest = newest.where(r.received <= now() - self.behind) if self.behind else newest
        last = connection.execute(newest).scalar() or 0
        later = connection.execute(number.where(r.id > self.counts.last)).scalar_one()
        if connection.execute(number).scalar_one() - later != self.counts.upto:
            self.counts = _Counts()
        for votes in self._new(connection, last):
            self._add(votes)
        self.counts.upto += connection.execute(number.where(r.id > self.counts.last, r.id <= last)).scalar_one()
        self.counts.last = max(last, self.counts.last)

    def _new(self, connection: Connection, last: int) -> Iterator[Ints]:
        """The version's new votes, in their order, as whole numbers (votes, 8): the columns that are named above."""
        r, p = RATINGS.c, PRESENTATIONS.c
        role = case((p.role.in_(RATED), COUNTED), (p.role == "repeat", REPEAT), (p.role == "gold", GOLD), else_=OTHER)
        query = (
            select(r.observer_id, r.question_id, func.coalesce(r.value, NONE), p.position, role, p.stimulus_id, SLOTS.c.length,
                   r.slot_id)
            .join(PRESENTATIONS, p.id == r.presentation_id)
            .join(SLOTS, SLOTS.c.id == r.slot_id)
            .where(p.version_id == self.version_id)
            .order_by(r.id)
        )  # fmt: skip
        for start in range(self.counts.last, last, CHUNK):
            result = connection.execute(query.where(r.id > start, r.id <= min(start + CHUNK, last)))
            rows = result.cursor.fetchall() if result.cursor is not None else []
            result.close()
            if rows:
                yield np.array(rows, np.int64)

    def _add(self, votes: Ints) -> None:
        counts = self.counts
        people, given = np.unique(votes[:, OBSERVER], return_counts=True)
        counts.observers.update(dict(zip(people.tolist(), given.tolist(), strict=True)))
        votes = votes[votes[:, VALUE] != NONE]
        counted = votes[votes[:, ROLE] == COUNTED]
        thirds = np.minimum(counted[:, POSITION] * 3 // np.maximum(counted[:, LENGTH], 1), 2)
        np.add.at(counts.totals, (thirds, 0), counted[:, VALUE])
        np.add.at(counts.totals, (thirds, 1), 1)
        for question in np.unique(counted[:, QUESTION]).tolist():
            self._add_images(question, counted[counted[:, QUESTION] == question][:, STIMULUS])
        self._add_repeats(votes)
        for row in votes[votes[:, ROLE] == GOLD].tolist():
            if row[STIMULUS] in self.gold:
                expected, tolerance = self.gold[row[STIMULUS]]
                counts.judged += 1
                counts.missed += abs(row[VALUE] - expected) > tolerance

    def _add_images(self, question: int, stimuli: Ints) -> None:
        if self.rated is not None:
            best = self.counts.images.setdefault(question, np.zeros(len(self.rated), np.int64))
            np.add.at(best, np.searchsorted(self.rated, stimuli), 1)

    def _add_repeats(self, votes: Ints) -> None:
        """Pairs of one observer's votes on an image; only the images that a row shows twice are remembered."""
        counts, pairs = self.counts, _pair(votes[:, SLOT], votes[:, STIMULUS])
        if not len(self.repeated):
            return
        near = np.minimum(np.searchsorted(self.repeated, pairs), len(self.repeated) - 1)
        for row in votes[(self.repeated[near] == pairs) & ((votes[:, ROLE] == COUNTED) | (votes[:, ROLE] == REPEAT))].tolist():
            key = (row[OBSERVER], row[QUESTION], row[STIMULUS])
            if row[ROLE] == COUNTED:
                counts.first[key] = row[VALUE]
            elif key in counts.first:
                counts.pairs += 1
                counts.distance += abs(row[VALUE] - counts.first[key])

    def _values(self, rated: Ints) -> dict[str, Any]:
        counts = self.counts
        best = np.maximum.reduce([np.zeros(len(rated), np.int64), *counts.images.values()])
        (early, early_votes), _, (late, late_votes) = counts.totals.tolist()
        return {
            "per_image": sorted(best.tolist()), "observers": dict(counts.observers),
            "gold": {"judged": counts.judged, "missed": counts.missed},
            "repeats": {"pairs": counts.pairs, "distance": counts.distance / counts.pairs if counts.pairs else None},
            "drift": late / late_votes - early / early_votes if early_votes and late_votes else None,
        }  # fmt: skip


def _pair(slot: Any, stimulus: Any) -> Any:
    """A row and an image as one number."""
    return slot * 2**31 + stimulus
