"""Agreement between observers: intraclass correlations and Krippendorff's alpha, with intervals, for any missing votes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from mos import repeats, stability
from mos.components import variance_components
from mos.estimate import Estimate
from mos.grid import Floats, Grid
from mos.reml import two_way
from mos.votes import Votes

ROUNDING = 1e-12
FORMS = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)")


@dataclass(frozen=True)
class MeanSquares:
    """Two-way mean squares of n stimuli by k observers (k and n effective numbers where votes are missing)."""

    rows: float
    columns: float
    error: float
    n: float
    k: float
    within: float


def mean_squares(table: Floats | Grid) -> MeanSquares | None:
    """Mean squares of stimuli x observers `(J, I)`: the analysis of variance when complete, else built from REML components.

    Missing votes: expected mean squares of a table with the harmonic mean number of votes per stimulus and per observer; None
    where the likelihood has no bound, since the means leave nothing over. Squares that rounding alone makes are 0.
    """
    grid = Grid.of(table)
    j, i = grid.shape
    if grid.complete:
        matrix = grid.matrix()
        rows, columns, grand = matrix.mean(1), matrix.mean(0), matrix.mean()
        error = float(np.sum((matrix - rows[:, None] - columns[None, :] + grand) ** 2)) / ((j - 1) * (i - 1))
        within = float(np.sum((matrix - rows[:, None]) ** 2)) / (j * (i - 1))
        least = ROUNDING * float(matrix.var())
        squares = i * float(rows.var(ddof=1)), j * float(columns.var(ddof=1)), error, within
        by_rows, by_columns, error, within = (square if square > least else 0.0 for square in squares)
        return MeanSquares(by_rows, by_columns, error, j, i, within)
    fit = two_way(grid)
    if not fit.bounded:
        return None
    k, n = (1 / float(np.mean(1 / counts[counts > 0])) for counts in (grid.per_row, grid.per_column))
    within = fit.observer + fit.residual
    return MeanSquares(fit.residual + k * fit.stimulus, fit.residual + n * fit.observer, fit.residual, n, k, within)


def icc(table: Floats | Grid) -> dict[str, Estimate]:
    """All six ICC with 95 % intervals, stimuli x observers `(J, I)`, nan = missing (then by REML, no vote is dropped).

    McGraw and Wong 1996, tables 4 and 7; A = absolute agreement, C = consistency, 1 = one observer, k = the mean of all
    (with missing votes: of the harmonic mean number of votes per stimulus). Undefined cases say why.
    """
    grid = Grid.of(table)
    grid = grid.rows(grid.per_row > 0).columns(grid.per_column > 0)
    if min(grid.shape) < 2 or len(grid) <= sum(grid.shape):
        return {form: Estimate.none("needs two stimuli, two observers and more votes than both together") for form in FORMS}
    if grid.value.min() == grid.value.max():
        return {form: Estimate.none("all votes are equal") for form in FORMS}
    s = mean_squares(grid)
    if s is None:
        return {
            form: Estimate.none("nothing is left beyond the means of images and observers, and votes are missing")
            for form in FORMS
        }
    one = {"ICC(1,1)": _oneway(s), "ICC(A,1)": _agreement(s), "ICC(C,1)": _consistency(s)}
    many = {name.replace(",1)", ",k)"): _spearman_brown(estimate, s.k) for name, estimate in one.items()}
    return {form: (one | many)[form] for form in FORMS}


def _oneway(s: MeanSquares) -> Estimate:
    free = s.n * (s.k - 1)
    if s.within <= 0:
        return Estimate.of(1.0, reason="no disagreement: no interval")
    ratio = s.rows / s.within
    return _from_ratio(ratio, s, free)


def _consistency(s: MeanSquares) -> Estimate:
    if s.error <= 0 and s.rows <= 0:
        return Estimate.none("images do not differ, and observers only by their means")
    if s.error <= 0:
        return Estimate.of(1.0, reason="no disagreement beyond the observers' means: no interval")
    return _from_ratio(s.rows / s.error, s, (s.n - 1) * (s.k - 1))


def _from_ratio(ratio: float, s: MeanSquares, free: float) -> Estimate:
    low = ratio / float(stats.f.ppf(0.975, s.n - 1, free))
    high = ratio * float(stats.f.ppf(0.975, free, s.n - 1))
    value, low, high = ((f - 1) / (f + s.k - 1) for f in (ratio, low, high))
    return Estimate.of(value, low, high)


def _agreement(s: MeanSquares) -> Estimate:
    n, k = s.n, s.k
    value = (s.rows - s.error) / (s.rows + (k - 1) * s.error + k * (s.columns - s.error) / n)
    if s.error <= 0 and s.columns <= 0:
        return Estimate.of(1.0, reason="no disagreement: no interval")
    if s.error <= 0:
        return Estimate.of(value, reason="no disagreement beyond the observers' means: no interval")
    if value >= 1 - 1e-12:
        return Estimate.of(value, reason="no interval at 1")
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    free = (a * s.columns + b * s.error) ** 2 / ((a * s.columns) ** 2 / (k - 1) + (b * s.error) ** 2 / ((n - 1) * (k - 1)))
    f1, f2 = float(stats.f.ppf(0.975, n - 1, free)), float(stats.f.ppf(0.975, free, n - 1))
    mixed = k * s.columns + (k * n - k - n) * s.error
    low = n * (s.rows - f1 * s.error) / (f1 * mixed + n * s.rows)
    high = n * (f2 * s.rows - s.error) / (mixed + n * f2 * s.rows)
    return Estimate.of(value, low, high)


def _spearman_brown(one: Estimate, k: float) -> Estimate:
    def lengthened(r: float | None) -> float:
        return np.nan if r is None or 1 + (k - 1) * r < ROUNDING else k * r / (1 + (k - 1) * r)

    return Estimate.of(lengthened(one.value), lengthened(one.low), lengthened(one.high), one.reason)


def alpha(table: Floats | Grid, *, level: str = "interval", draws: int = 1000, seed: int = 0) -> Estimate:
    """Krippendorff's alpha of stimuli x observers `(J, I)`, nan = missing, with a bootstrap over stimuli (`draws`, 0 = none).

    `level`: interval or ordinal (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"). Stimuli with one vote
    do not count. With more than 101 different values the ordinal form takes ranks of 101 equal steps.
    """
    values, counts = _value_counts(Grid.of(table))
    if not len(counts):
        return Estimate.none("no stimulus has two votes")
    if len(values) < 2:
        return Estimate.none("all votes are equal")
    weights = np.ones((1, len(counts)))
    value = float(_alphas(weights, counts, values, level)[0])
    if draws == 0:
        return Estimate.of(value)
    rng = np.random.default_rng(seed)
    spread = np.concatenate([_alphas(w, counts, values, level) for w in resampled(rng, len(counts), draws)])
    spread = spread[np.isfinite(spread)]
    if len(spread) < draws / 2:
        return Estimate.of(value, reason="too few stimuli for an interval")
    low, high = np.quantile(spread, [0.025, 0.975])
    return Estimate.of(value, float(low), float(high))


def resampled(rng: np.random.Generator, units: int, draws: int) -> Iterator[Floats]:
    """Bootstrap weights of units in blocks `(b, units)`, b <= 100: how often each is drawn; `draws` rows in all."""
    for start in range(0, draws, 100):
        size = min(100, draws - start)
        picks = rng.integers(0, units, size=(size, units)) + np.arange(size)[:, None] * units
        yield np.bincount(picks.ravel(), minlength=size * units).reshape(size, units).astype(float)


def _value_counts(grid: Grid) -> tuple[Floats, Floats]:
    """The different values `(K,)` and how often each stimulus with two votes or more got them, `(U, K)`."""
    kept = grid.rows(grid.per_row >= 2)
    values, codes = np.unique(kept.value, return_inverse=True)
    if len(values) > 101:
        low, high = values[0], values[-1]
        values, codes = np.unique(
            np.round((kept.value - low) / (high - low) * 100) / 100 * (high - low) + low, return_inverse=True
        )
    cells = np.bincount(kept.row * len(values) + codes, minlength=kept.shape[0] * len(values))
    return values, cells.reshape(kept.shape[0], len(values)).astype(float)


def _alphas(weights: Floats, counts: Floats, values: Floats, level: str) -> Floats:
    """Alpha for each row of stimulus weights `(B, U)`."""
    share = 1 / (counts.sum(1) - 1)
    margins = weights @ counts
    total = margins.sum(1)
    if level == "interval":
        first, second = counts @ values, counts @ values**2
        sizes = counts.sum(1)
        observed = weights @ (share * 2 * (sizes * second - first**2))
        expected = 2 * (total * (margins @ values**2) - (margins @ values) ** 2)
    else:
        observed, expected = np.empty(len(weights)), np.empty(len(weights))
        for b, (row, margin) in enumerate(zip(weights, margins, strict=True)):
            pairs = counts.T @ (counts * (row * share)[:, None])
            middle = np.cumsum(margin) - margin / 2
            distance = (middle[:, None] - middle[None, :]) ** 2
            observed[b], expected[b] = np.sum(pairs * distance), margin @ distance @ margin
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - (total - 1) * observed / np.where(expected > 0, expected, 1), np.nan)


def reliability(votes: Votes, *, draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """All of reliability.json for one panel's votes on one question: plain values, None with a reason where undefined."""
    grid = votes.grid()
    made: dict[str, Any] = {"observers": int((grid.per_column > 0).sum()), "stimuli": int((grid.per_row > 0).sum())}
    made["icc"] = {form: estimate.as_dict() for form, estimate in icc(grid).items()}
    made["icc_method"] = "analysis of variance" if grid.complete else "REML, missing votes kept"
    made["krippendorff_alpha"] = {
        level: alpha(grid, level=level, draws=draws, seed=seed).as_dict() for level in ("ordinal", "interval")
    }
    made["split_half"] = stability.split_half(grid, draws=draws, seed=seed).as_dict()
    made["rank_stability"] = [row.as_dict() for row in stability.rank_stability(grid, seed=seed)]
    made["connectedness"] = stability.connectedness(grid).as_dict()
    made["test_retest"] = repeats.retest(votes).as_dict()
    made["variance_components"] = variance_components(votes).as_dict()
    return made
