"""A study's votes counted as they come in: each call reads only the new ones, so that the board costs the same at any size.

Votes are only ever added; where some are gone (an erasure) or came in behind (PostgreSQL), everything is counted again.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from annotate_app.design import RATED
from annotate_app.tables import PRESENTATIONS, RATINGS, SLOTS, STUDY_STIMULI

Key = tuple[int, int, int]


@dataclass
class _Counts:
    """What was counted up to the vote `last`; `upto` is how many votes of all studies stand up to there."""

    last: int = 0
    upto: int = 0
    images: Counter[tuple[int, int]] = field(default_factory=Counter)
    observers: Counter[int] = field(default_factory=Counter)
    first: dict[Key, int] = field(default_factory=dict)
    pairs: int = 0
    distance: int = 0
    judged: int = 0
    missed: int = 0
    thirds: dict[int, tuple[int, int]] = field(default_factory=dict)


class Tally:
    """The counts of one frozen version, kept by the server process."""

    def __init__(self, version_id: int) -> None:
        self.version_id = version_id
        self.counts = _Counts()
        self.lock = threading.Lock()
        self.rated: list[int] = []
        self.gold: dict[int, tuple[float, float]] = {}

    def read(self, session: Session) -> dict[str, Any]:
        """Count what is new; gives votes per image, gold, repeats, drift and votes per observer."""
        with self.lock:
            if not self.rated:
                self._images(session)
            self._update(session)
            return self._values()

    def _images(self, session: Session) -> None:
        c = STUDY_STIMULI.c
        query = select(c.stimulus_id, c.role, c.expected, c.tolerance).where(c.version_id == self.version_id)
        for stimulus, role, expected, tolerance in session.connection().execute(query):
            if role in RATED:
                self.rated.append(stimulus)
            elif role == "gold" and expected is not None:
                self.gold[stimulus] = (float(expected), float(tolerance))

    def _update(self, session: Session) -> None:
        r, p, connection = RATINGS.c, PRESENTATIONS.c, session.connection()
        newest = connection.execute(select(func.max(r.id))).scalar_one() or 0
        standing = connection.execute(select(func.count()).select_from(RATINGS).where(r.id <= self.counts.last)).scalar_one()
        if standing != self.counts.upto:
            self.counts = _Counts()
        new = (r.id > self.counts.last) & (r.id <= newest)
        query = (
            select(r.observer_id, r.question_id, r.value, p.position, p.role, p.stimulus_id, SLOTS.c.length)
            .join(PRESENTATIONS, p.id == r.presentation_id)
            .join(SLOTS, SLOTS.c.id == r.slot_id)
            .where(new, p.version_id == self.version_id)
            .order_by(r.id)
        )
        for row in connection.execute(query):
            self._add(*row)
        self.counts.upto += connection.execute(select(func.count()).select_from(RATINGS).where(new)).scalar_one()
        self.counts.last = newest

    def _add(self, observer: int, question: int, value: int | None, position: int, role: str, stimulus: int, length: int) -> None:
        counts, key = self.counts, (observer, question, stimulus)
        counts.observers[observer] += 1
        if value is None:
            return
        if role in RATED:
            counts.images[stimulus, question] += 1
            counts.first[key] = value
            third = position * 3 // length
            total, votes = counts.thirds.get(third, (0, 0))
            counts.thirds[third] = (total + value, votes + 1)
        elif role == "repeat" and key in counts.first:
            counts.pairs += 1
            counts.distance += abs(value - counts.first[key])
        elif role == "gold" and stimulus in self.gold:
            expected, tolerance = self.gold[stimulus]
            counts.judged += 1
            counts.missed += abs(value - expected) > tolerance

    def _values(self) -> dict[str, Any]:
        counts, best = self.counts, dict.fromkeys(self.rated, 0)
        for (stimulus, _), votes in counts.images.items():
            best[stimulus] = max(best.get(stimulus, 0), votes)
        means = {third: total / votes for third, (total, votes) in counts.thirds.items()}
        return {
            "per_image": sorted(best.values()), "observers": dict(counts.observers),
            "gold": {"judged": counts.judged, "missed": counts.missed},
            "repeats": {"pairs": counts.pairs, "distance": counts.distance / counts.pairs if counts.pairs else None},
            "drift": means[2] - means[0] if {0, 2} <= set(means) else None,
        }  # fmt: skip
