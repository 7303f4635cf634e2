"""Test-retest: how well observers repeat their own votes on images that came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mos.estimate import Estimate
from mos.votes import Votes

Floats = NDArray[np.float64]


NO_REPEATS = Estimate.none("no image was rated twice")


@dataclass(frozen=True)
class Repeats:
    """Agreement of first and second votes `(P,)` of the same observer on the same image.

    `exact` and `within_one` are shares; `shift` is the mean of second - first; `within_sd` is s_w = sqrt(sum d^2 / 2P);
    `repeatability` 1.96 sqrt(2) s_w: 95 % of two votes of one observer lie closer than that; all in points of the scale.
    """

    pairs: int
    r: Estimate
    icc_a1: Estimate
    exact: float | None = None
    within_one: float | None = None
    shift: Estimate = NO_REPEATS
    within_sd: float | None = None
    repeatability: float | None = None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        made: dict[str, Any] = {"pairs": self.pairs, "r": self.r.as_dict(), "icc_a1": self.icc_a1.as_dict()}
        made |= {"exact": self.exact, "within_one": self.within_one, "shift": self.shift.as_dict()}
        made |= {"within_sd": self.within_sd, "repeatability": self.repeatability}
        return made | ({"reason": self.reason} if self.reason else {})


def agreement(first: Floats, second: Floats) -> Repeats:
    """Agreement of paired votes `(P,)`. Fewer than three pairs, or constant votes, give None with a reason."""
    from mos.reliability import icc

    pairs = len(first)
    if pairs == 0:
        return Repeats(0, NO_REPEATS, NO_REPEATS, reason=NO_REPEATS.reason)
    d = second - first
    sd = float(np.sqrt(np.mean(d**2) / 2))
    enough = pairs >= 3 and first.std() > 0 and second.std() > 0
    r = (
        Estimate.of(float(np.corrcoef(first, second)[0, 1]))
        if enough
        else Estimate.none("fewer than three pairs, or constant votes")
    )
    same = icc(np.column_stack([first, second]))["ICC(A,1)"] if pairs >= 3 else Estimate.none("fewer than three pairs")
    return Repeats(pairs, r, same, float(np.mean(d == 0)), float(np.mean(np.abs(d) <= 1)), _shift(d), sd, 1.96 * 2**0.5 * sd)


def _shift(d: Floats) -> Estimate:
    from scipy.stats import t

    if len(d) < 2:
        return Estimate.of(float(d.mean()), reason="one pair: no interval")
    half = float(t.ppf(0.975, len(d) - 1)) * float(d.std(ddof=1)) / len(d) ** 0.5
    return Estimate.of(float(d.mean()), float(d.mean()) - half, float(d.mean()) + half)


def pairs_of(votes: Votes) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """First and second votes of each observer on the same image, `(P,)` each, and the observers' codes `(P,)`.

    Votes of one panel and one question; the order is by `rep`.
    """
    if votes.rep is None or not len(votes):
        return np.empty(0), np.empty(0), np.empty(0, np.int64)
    cell = votes.stimulus * max(1, len(votes.observers)) + votes.observer
    order = np.lexsort((votes.rep, cell))
    cells = cell[order]
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    followed = starts[np.append(np.diff(starts), len(cells) - starts[-1]) >= 2]
    a, b = order[followed], order[followed + 1]
    return votes.score[a], votes.score[b], votes.observer[a]


def retest(votes: Votes) -> Repeats:
    """Agreement over all observers' repeated images, votes of one panel and question."""
    first, second, _ = pairs_of(votes)
    return agreement(first, second)


def by_observer(votes: Votes) -> dict[str, Repeats]:
    """Agreement of each observer with repeated images, by name."""
    first, second, observer = pairs_of(votes)
    return {votes.observers[code]: agreement(first[observer == code], second[observer == code]) for code in np.unique(observer)}
