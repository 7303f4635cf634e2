"""Stimulus and observer variances by restricted maximum likelihood, for any pattern of missing votes.

Model: vote = mean + stimulus + observer + residual (Patterson and Thompson 1971). The likelihood is evaluated through
Henderson's mixed model equations with the stimuli absorbed. Stimuli with equally many votes are absorbed with equal
weight, so their sums are made once and a step costs K x I^2 for K different numbers of votes, not votes^3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Floats = NDArray[np.float64]

LIMITS = (-14.0, 10.0)
# Up to so many observers the fit is polished to 1e-8; beyond, the gradient search alone is good to 1e-5.
POLISHED = 100


@dataclass(frozen=True)
class TwoWay:
    """Variances of stimuli, observers and residual, in squared points of the scale."""

    stimulus: float
    observer: float
    residual: float


@dataclass(frozen=True)
class _Sums:
    """What the likelihood needs: stimuli with equally many votes share one weight, so their sums are added up once.

    For K different numbers of votes `sizes` `(K,)`: how many stimuli, sum of squared totals, products of totals and design
    `(K, I + 1)`, and of the design with itself `(K, I + 1, I + 1)`; the design's first column counts votes, the others
    mark observers.
    """

    sizes: Floats
    stimuli: Floats
    squared_totals: Floats
    by_total: Floats
    products: Floats
    votes_by_observer: Floats
    totals: Floats
    squares: float

    @property
    def votes(self) -> float:
        """All votes."""
        return float(self.votes_by_observer.sum())


def _sums(y: Floats, present: Floats) -> _Sums:
    counts, totals = present.sum(1), y.sum(1)
    sizes, group = np.unique(counts, return_inverse=True)
    width = present.shape[1] + 1
    by_total, products = np.zeros((len(sizes), width)), np.zeros((len(sizes), width, width))
    for k, size in enumerate(sizes):
        rows = group == k
        design = np.column_stack([np.full(int(rows.sum()), size), present[rows]])
        products[k] = design.T @ design
        by_total[k] = design.T @ totals[rows]
    return _Sums(
        sizes, np.bincount(group).astype(float), np.asarray(np.bincount(group, totals**2), float), by_total, products, present.sum(0),
        np.concatenate([[y.sum()], y.sum(0)]), float(np.sum(y**2)),
    )  # fmt: skip


def two_way(matrix: Floats) -> TwoWay:
    """REML fit of stimuli x observers `(J, I)`, nan = missing; equals the analysis of variance on complete data with
    positive components. Needs two stimuli, two observers and more votes than both together."""
    known = ~np.isnan(matrix)
    spread = float(np.nanvar(matrix))
    if spread == 0:
        return TwoWay(0.0, 0.0, 0.0)
    y = np.where(known, matrix - np.nanmean(matrix), 0.0)
    present = known.astype(float)
    start = np.clip(np.log(_start(y, present)), *LIMITS)
    sums = _sums(y, present)
    fit = optimize.minimize(
        _deviance, start, (sums,), method="L-BFGS-B", bounds=[LIMITS, LIMITS], options={"ftol": 1e-14, "gtol": 1e-9}
    )
    if matrix.shape[1] <= POLISHED:
        polish: Any = {"xatol": 1e-8, "fatol": 1e-9, "maxiter": 200}
        fit = optimize.minimize(_deviance, fit.x, (sums,), method="Nelder-Mead", options=polish)
    ratio = np.where(fit.x < LIMITS[0] + 1, 0.0, np.exp(fit.x))
    residual = _quadratic(fit.x, sums)[0] / (sums.votes - 1)
    return TwoWay(float(ratio[0] * residual), float(ratio[1] * residual), float(residual))


def _start(y: Floats, present: Floats) -> Floats:
    rows = y.sum(1) / np.maximum(present.sum(1), 1)
    columns = y.sum(0) / np.maximum(present.sum(0), 1)
    rest = (y - (rows[:, None] + columns[None, :]) * present)[present > 0]
    noise = max(float(np.var(rest)), 1e-9)
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
    weight = 1 / (sums.sizes + np.exp(-logs[0]))
    system = -np.tensordot(weight, sums.products, axes=1)
    system[0, 0] += sums.votes
    system[0, 1:] += sums.votes_by_observer
    system[1:, 0] += sums.votes_by_observer
    own = np.arange(1, len(system))
    system[own, own] += sums.votes_by_observer + np.exp(-logs[1])
    right = sums.totals - weight @ sums.by_total
    sign, determinant = np.linalg.slogdet(system)
    if sign <= 0:
        return sums.squares, np.inf
    explained = float(right @ np.linalg.solve(system, right)) + float(weight @ sums.squared_totals)
    return max(sums.squares - explained, 1e-300), float(determinant - sums.stimuli @ np.log(weight))
