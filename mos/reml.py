"""Stimulus and observer variances by restricted maximum likelihood, for any pattern of missing votes.

Model: vote = mean + stimulus + observer + residual (Patterson and Thompson 1971). The likelihood is evaluated through
Henderson's mixed model equations with the stimuli absorbed. Stimuli with equally many votes are absorbed with equal
weight, so their sums are made once and a step costs K x I^2 + I^3 / 3 for K different numbers of votes, not votes^3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from mos.grid import Floats, Grid, Ints, dense

LIMITS = (-14.0, 10.0)
FAR = 50.0
# Up to so many observers the fit is polished to 1e-8; beyond, the gradient search alone is good to 1e-4.
POLISHED = 100
KEPT = 100_000_000
"""So many sums are kept for each number of votes; beyond, each step adds them up anew."""


@dataclass(frozen=True)
class TwoWay:
    """Variances of stimuli, observers and residual, in squared points of the scale."""

    stimulus: float
    observer: float
    residual: float

    @property
    def bounded(self) -> bool:
        """False where the others' ratio to the residual went to the end of its range: nothing is left beyond means."""
        return max(self.stimulus, self.observer) < math.exp(LIMITS[1] - 0.1) * self.residual


@dataclass(frozen=True)
class _Sums:
    """What the likelihood needs: stimuli with equally many votes share one weight, so their sums are added up once.

    For K different numbers of votes `sizes` `(K,)`: how many stimuli, sum of squared totals, products of totals and design
    `(K, I + 1)`; the design's first column counts votes, the others mark observers. `by_size` `(K, I)` counts observers' votes
    on stimuli of each size; `common`: K times `(I, I)`, stimuli of each size that two observers share (None: too many to keep).
    """

    sizes: Floats
    group: Ints
    stimuli: Floats
    squared_totals: Floats
    by_total: Floats
    by_size: Floats
    common: list[NDArray[np.float32]] | None
    votes_by_observer: Floats
    totals: Floats
    squares: float
    grid: Grid

    @property
    def votes(self) -> float:
        """All votes."""
        return float(self.votes_by_observer.sum())

    def products(self, weight: Floats) -> Floats:
        """The design's products with itself `(I + 1, I + 1)`, stimuli of each size weighing `weight` `(K,)`."""
        made = np.empty((len(self.votes_by_observer) + 1,) * 2)
        made[0, 0] = weight @ (self.stimuli * self.sizes**2)
        made[0, 1:] = made[1:, 0] = (weight * self.sizes) @ self.by_size
        if self.common is None:
            made[1:, 1:] = dense(self.grid.common(weight[self.group]))
            return made
        made[1:, 1:] = 0
        for one, shared in zip(weight, self.common, strict=True):
            made[1:, 1:] += np.multiply(shared, one, dtype=np.float64)
        return made


def _sums(grid: Grid, y: Floats) -> _Sums:
    """The sums of a grid whose votes are `y` `(V,)` instead."""
    stimuli, observers = grid.shape
    totals = np.bincount(grid.row, y, stimuli)
    counts, group = np.unique(grid.per_row, return_inverse=True)
    sizes, at = counts.astype(float), group[grid.row] * observers + grid.column
    per_observer, by_size = (
        np.bincount(at, w, len(sizes) * observers).reshape(len(sizes), observers).astype(float)
        for w in (totals[grid.row], np.ones(len(y)))
    )
    whole = np.bincount(group, totals, len(sizes)) * sizes
    common = None
    if len(sizes) * observers**2 <= KEPT:
        common = [dense(grid.rows(group == k).common()).astype(np.float32) for k in range(len(sizes))]
    return _Sums(
        sizes, group.astype(np.int64), np.bincount(group).astype(float), np.bincount(group, totals**2).astype(float),
        np.column_stack([whole, per_observer]), by_size, common, grid.per_column.astype(float),
        np.concatenate([[y.sum()], np.bincount(grid.column, y, observers)]), float(np.sum(y**2)), grid,
    )  # fmt: skip


def two_way(table: Floats | Grid) -> TwoWay:
    """REML fit of stimuli x observers `(J, I)`, nan = missing; equals the analysis of variance on complete data with
    positive components. Needs two stimuli, two observers and more votes than both together."""
    grid = Grid.of(table)
    if grid.value.min() == grid.value.max():
        return TwoWay(0.0, 0.0, 0.0)
    y = grid.value - grid.value.mean()
    start = np.clip(np.log(_start(grid, y)), *LIMITS)
    sums = _sums(grid, y)
    fit = optimize.minimize(
        _deviance, start, (sums,), method="L-BFGS-B", bounds=[LIMITS, LIMITS], options={"ftol": 1e-14, "gtol": 1e-9}
    )
    if grid.shape[1] <= POLISHED:
        polish: Any = {"xatol": 1e-8, "fatol": 1e-9, "maxiter": 200}
        fit = optimize.minimize(_deviance, fit.x, (sums,), method="Nelder-Mead", options=polish)
    ratio = np.where(fit.x < LIMITS[0] + 1, 0.0, np.exp(fit.x))
    residual = _quadratic(fit.x, sums)[0] / (sums.votes - 1)
    return TwoWay(float(ratio[0] * residual), float(ratio[1] * residual), float(residual))


def _start(grid: Grid, y: Floats) -> Floats:
    rows = np.bincount(grid.row, y, grid.shape[0]) / np.maximum(grid.per_row, 1)
    columns = np.bincount(grid.column, y, grid.shape[1]) / np.maximum(grid.per_column, 1)
    noise = max(float(np.var(y - rows[grid.row] - columns[grid.column])), 1e-9)
    return np.maximum(np.array([np.var(rows), np.var(columns)]) / noise, 1e-4)


def _deviance(logs: Floats, sums: _Sums) -> float:
    """-2 x profiled restricted log likelihood, up to a constant; `logs` are ln of the variance ratios to the residual."""
    quadratic, determinant = _quadratic(logs, sums)
    free = sums.votes - 1
    return float(
        free * np.log(quadratic / free) + determinant + sums.stimuli.sum() * logs[0] + len(sums.votes_by_observer) * logs[1]
    )


def _quadratic(logs: Floats, sums: _Sums) -> tuple[float, float]:
    """y'Py (times the residual) and ln det of the mixed model equations; unknowns: mean and observers, stimuli absorbed."""
    logs = np.clip(logs, -FAR, FAR)
    weight = 1 / (sums.sizes + np.exp(-logs[0]))
    system = -sums.products(weight)
    system[0, 0] += sums.votes
    system[0, 1:] += sums.votes_by_observer
    system[1:, 0] += sums.votes_by_observer
    own = np.arange(1, len(system))
    system[own, own] += sums.votes_by_observer + np.exp(-logs[1])
    right = sums.totals - weight @ sums.by_total
    try:
        factor = linalg.cho_factor(system, overwrite_a=True)
    except linalg.LinAlgError:
        return sums.squares, np.inf
    determinant = 2 * float(np.log(np.diag(factor[0])).sum())
    explained = float(right @ linalg.cho_solve(factor, right)) + float(weight @ sums.squared_totals)
    return max(sums.squares - explained, 1e-300), float(determinant - sums.stimuli @ np.log(weight))
