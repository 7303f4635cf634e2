"""How far the scores would hold with other observers: split halves, rank stability against n, connectedness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.stats import rankdata

from mos.estimate import Estimate, finite
from mos.grid import Floats, Grid, Ints

AT_ONCE = 100
ROUNDING = 1e-12
NUMBERS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class RankStability:
    """SROCC between the MOS of two disjoint random groups of n observers: mean and 2.5 and 97.5 % of the draws."""

    n: int
    srocc: float | None
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"n": self.n, "srocc": self.srocc, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Connectedness:
    """Whether observers and stimuli hang together by votes: biases of parts that do not can't be compared.

    `groups[i]` is the part of observer i, `(I,)`; `common_least` and `common_median` count stimuli shared by two observers.
    """

    parts: int
    groups: Ints
    common_least: int
    common_median: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        made: dict[str, Any] = {"connected": self.parts == 1, "parts": self.parts}
        made |= {"common_stimuli_least": self.common_least, "common_stimuli_median": self.common_median}
        if self.parts > 1:
            made["reason"] = f"{self.parts} parts share no stimulus: observers' biases can't be compared between them"
        return made


def split_half(table: Floats | Grid, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """Correlation of the MOS of random halves of the observers, lengthened to all of them (Spearman-Brown 2r / (1 + r)).

    `table` stimuli x observers `(J, I)`, nan = missing. Value: mean of the draws; interval: their 2.5 and 97.5 %.
    """
    rated = Grid.of(table)
    rated = rated.columns(rated.per_column > 0)
    stimuli, observers = rated.shape
    if observers < 4 or stimuli < 3:
        return Estimate.none("needs four observers and three stimuli")
    rng = np.random.default_rng(seed)
    sums, counts = rated.held(rated.value), rated.held(np.ones(len(rated)))
    step = min(AT_ONCE, max(1, NUMBERS_AT_ONCE // stimuli))
    r = np.concatenate([_halves(rng, min(step, draws - start), sums, counts) for start in range(0, draws, step)])
    r = r[np.isfinite(r) & (1 + r > ROUNDING)]
    if not len(r):
        return Estimate.none("the halves share no stimuli that differ")
    lengthened = 2 * r / (1 + r)
    low, high = np.quantile(lengthened, [0.025, 0.975])
    return Estimate.of(float(lengthened.mean()), float(low), float(high))


def _halves(rng: np.random.Generator, draws: int, sums: Any, counts: Any) -> Floats:
    """Correlations of `draws` random halves; `sums` and `counts` stimuli x observers `(J, I)`."""
    observers = sums.shape[1]
    groups = _two_groups(rng, draws, observers, observers // 2)
    return _correlations(*(_means(sums, counts, _masks(group, observers)) for group in groups))


def _two_groups(rng: np.random.Generator, draws: int, observers: int, size: int) -> tuple[Ints, Ints]:
    """Two disjoint random groups of `size` observers per draw, `(draws, size)` each."""
    order = np.argsort(rng.random((draws, observers)), axis=1)
    return order[:, :size], order[:, size : 2 * size]


def _masks(groups: Ints, observers: int) -> Floats:
    masks = np.zeros((len(groups), observers))
    np.put_along_axis(masks, groups, 1.0, axis=1)
    return masks


def _means(sums: Any, counts: Any, masks: Floats) -> Floats:
    """Means of each stimulus over each set of observers: `sums` and `counts` `(J, I)`, masks `(B, I)` -> `(B, J)`, nan where no vote."""
    turned = np.ascontiguousarray(masks.T)
    total, n = (np.ascontiguousarray((part @ turned).T) for part in (sums, counts))
    made: Floats = np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
    return made


def _correlations(a: Floats, b: Floats) -> Floats:
    """Pearson's r row by row of `(B, J)`, over the columns known in both."""
    both = ~(np.isnan(a) | np.isnan(b))
    n = np.maximum(both.sum(1, keepdims=True), 1)
    x, y = np.where(both, a, 0.0), np.where(both, b, 0.0)
    x = np.where(both, x - x.sum(1, keepdims=True) / n, 0.0)
    y = np.where(both, y - y.sum(1, keepdims=True) / n, 0.0)
    scale = np.sqrt(np.einsum("ij,ij->i", x, x) * np.einsum("ij,ij->i", y, y))
    enough = (both.sum(1) >= 3) & (scale > ROUNDING * n[:, 0])
    r = np.full(len(x), np.nan)
    np.divide(np.einsum("ij,ij->i", x, y), scale, out=r, where=enough)
    return r


def rank_stability(
    table: Floats | Grid, *, sizes: list[int] | None = None, draws: int = 50, seed: int = 0
) -> list[RankStability]:
    """SROCC of two disjoint groups of n observers for growing n (up to half of all): what a repeated study would give.

    At most 20 draws for more than 5,000 stimuli.
    """
    rated = Grid.of(table)
    rated = rated.columns(rated.per_column > 0)
    stimuli, observers = rated.shape
    draws = draws if stimuli <= 5000 else min(draws, 20)
    asked = sizes or sorted({n for n in (2, 3, 5, 8, 10, 12, 15, 20, 24, 30, 40, 60, 100) if 2 * n <= observers})
    rng = np.random.default_rng(seed)
    sums, counts = rated.held(rated.value), rated.held(np.ones(len(rated)))
    made = []
    for n in asked:
        groups = [_masks(group, observers) for group in _two_groups(rng, draws, observers, n)]
        first, second = (np.round(_means(sums, counts, group), 9) for group in groups)
        unknown = np.isnan(first) | np.isnan(second)
        r = np.array([_spearman(a[~gap], b[~gap]) for a, b, gap in zip(first, second, unknown, strict=True)])
        r = r[np.isfinite(r)]
        low, high = np.quantile(r, [0.025, 0.975]) if len(r) else (np.nan, np.nan)
        made.append(RankStability(n, finite(float(r.mean())) if len(r) else None, finite(float(low)), finite(float(high))))
    return made


def _spearman(a: Floats, b: Floats) -> float:
    if len(a) < 3:
        return np.nan
    return float(_correlations(rankdata(a)[None], rankdata(b)[None])[0])


def connectedness(table: Floats | Grid) -> Connectedness:
    """Parts of the graph observers - stimuli, stimuli x observers `(J, I)`, nan = missing; observers without votes left out."""
    grid = Grid.of(table)
    j, i = grid.shape
    graph = sparse.coo_array((np.ones(len(grid)), (grid.row, grid.column + j)), shape=(j + i, j + i))
    label = connected_components(graph, directed=False)[1][j:].astype(np.int64)
    active = grid.per_column > 0
    groups = np.unique(label[active], return_inverse=True)[1].astype(np.int64)
    out = np.full(i, -1, np.int64)
    out[active] = groups
    pairs = _pairs(grid.columns(active))
    least, median = (int(pairs.min()), float(np.median(pairs))) if len(pairs) else (0, 0.0)
    return Connectedness(int(groups.max()) + 1 if len(groups) else 0, out, least, median)


def _pairs(grid: Grid) -> Floats:
    """Stimuli that each two observers share, `(I (I - 1) / 2,)` in no order."""
    observers = grid.shape[1]
    shared = sparse.triu(grid.common(), 1).data
    pairs = np.zeros(observers * (observers - 1) // 2)
    pairs[: len(shared)] = shared
    return pairs
