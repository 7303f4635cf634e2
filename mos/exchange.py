"""How many lay votes are worth one expert's: the number whose mean follows the other experts as well as one expert does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mos.estimate import finite

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Exchange:
    """`votes` of the first panel equal one vote of the second (`low`..`high` from the second panel's spread); None where
    even all of them do not reach it, or where it can't be told. `expert_r` is one expert against the others."""

    votes: float | None
    low: float | None
    high: float | None
    expert_r: float | None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


def exchange_rate(lay: Floats, experts: Floats, *, draws: int = 200, seed: int = 0) -> Exchange:
    """Lay votes per expert's vote, from images x observers `(J, I)` of both panels on the same images, nan = missing.

    One expert's vote is correlated with the mean of the other experts; so is the mean of k random lay votes, with one
    expert left out at random so that both meet the same number of experts.
    """
    if experts.shape[1] < 3 or len(lay) < 5:
        return Exchange(None, None, None, None, "needs three experts and five common images")
    one = np.array([_r(experts[:, i], _mean(np.delete(experts, i, 1))) for i in range(experts.shape[1])])
    one = one[np.isfinite(one)]
    if len(one) < 3:
        return Exchange(None, None, None, None, "fewer than three experts voted on enough images")
    level = float(one.mean())
    half = float(stats.t.ppf(0.975, len(one) - 1)) * float(one.std(ddof=1)) / len(one) ** 0.5
    curve = _curve(lay, experts, draws, seed)
    votes, low, high = (_crossing(curve, r) for r in (level, level - half, level + half))
    reason = "" if votes is not None else f"even {lay.shape[1]} lay votes follow the experts less than one expert does"
    return Exchange(votes, low, high, finite(level), reason)


def _curve(lay: Floats, experts: Floats, draws: int, seed: int) -> Floats:
    """Mean correlation of k = 1..I random lay votes' mean with the experts' mean, one expert left out."""
    rng = np.random.default_rng(seed)
    total = np.zeros(lay.shape[1])
    counted = np.zeros(lay.shape[1])
    for _ in range(draws):
        target = _mean(np.delete(experts, rng.integers(experts.shape[1]), 1))
        order = rng.permuted(np.broadcast_to(np.arange(lay.shape[1]), lay.shape), axis=1)
        shuffled = np.take_along_axis(lay, order, axis=1)
        known = ~np.isnan(shuffled)
        sums, counts = np.cumsum(np.where(known, shuffled, 0), 1), np.cumsum(known, 1)
        means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
        r = np.array([_r(means[:, k], target) for k in range(lay.shape[1])])
        total += np.nan_to_num(r)
        counted += np.isfinite(r)
    curve = np.full(len(total), np.nan)
    np.divide(total, counted, out=curve, where=counted > 0)
    return curve


def _crossing(curve: Floats, level: float) -> float | None:
    """The first k at which the curve reaches the level, between whole votes by a straight line; None where it never does."""
    reached = np.flatnonzero(curve >= level)
    if not len(reached):
        return None
    k = int(reached[0])
    if k == 0:
        return 1.0
    before, after = float(curve[k - 1]), float(curve[k])
    return k + (level - before) / (after - before) if after > before else float(k + 1)


def _mean(matrix: Floats) -> Floats:
    known = ~np.isnan(matrix)
    counts = known.sum(1)
    means = np.full(len(matrix), np.nan)
    np.divide(np.where(known, matrix, 0).sum(1), counts, out=means, where=counts > 0)
    return means


def _r(a: Floats, b: Floats) -> float:
    both = ~(np.isnan(a) | np.isnan(b))
    x, y = a[both], b[both]
    if len(x) < 3 or x.std() == 0 or y.std() == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
