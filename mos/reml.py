"""Stimulus and observer variances by restricted maximum likelihood, for any pattern of missing votes.

Model: vote = mean + stimulus + observer + residual (Patterson and Thompson 1971). The likelihood is evaluated through
Henderson's mixed model equations with the stimuli absorbed. Stimuli with equally many votes are absorbed with equal
weight, so their sums are made once and a step costs K x I^2 for K different numbers of votes, not votes^3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TwoWay:
    """Variances of stimuli, observers and residual, in squared points of the scale."""

    stimulus: float
    observer: float
    residual: float


def two_way(matrix: Floats) -> TwoWay:
    """REML fit of stimuli x observers `(J, I)`, nan = missing; equals the analysis of variance on complete data with
    positive components. Needs two stimuli, two observers and more votes than both together."""
    known = ~np.isnan(matrix)
    y = np.where(known, matrix - np.nanmean(matrix), 0.0)
    present = known.astype(float)
    sums = _Sums.of(y, present)
    spread = float(np.var(matrix[known]))
    if spread == 0:
        return TwoWay(0.0, 0.0, 0.0)
    start = np.log(_start(y, present))
    bounds = [(-14.0, 10.0), (-14.0, 10.0)]
    fit = optimize.minimize(_deviance, np.clip(start, -14, 10), (sums,), method="L-BFGS-B", bounds=bounds,
                            options={"ftol": 1e-14, "gtol": 1e-9})  # fmt: skip
    fit = optimize.minimize(_deviance, fit.x, (sums,), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-10})
    ratio = np.where(fit.x < -13, 0.0, np.exp(fit.x))
    residual = _quadratic(fit.x, sums)[0] / (int(known.sum()) - 1)
    return TwoWay(float(ratio[0] * residual), float(ratio[1] * residual), float(residual))


def _start(y: Floats, present: Floats) -> Floats:
    rows = y.sum(1) / np.maximum(present.sum(1), 1)
    columns = y.sum(0) / np.maximum(present.sum(0), 1)
    rest = (y - (rows[:, None] + columns[None, :]) * present)[present > 0]
    noise = max(float(np.var(rest)), 1e-9)
    return np.maximum(np.array([np.var(rows), np.var(columns)]) / noise, 1e-4)


@dataclass(frozen=True)
class _Sums:
    """For each of K numbers of votes per stimulus: how many stimuli, their design products, weighted and squared totals."""

    votes: Floats
    stimuli: Floats
    products: Floats
    weighted: Floats
    squared: Floats
    own: Floats
    right: Floats
    total: float

    @classmethod
    def of(cls, y: Floats, present: Floats) -> _Sums:
        """From votes less their mean `(J, I)`, 0 where missing, and the pattern of votes."""
        number, totals = present.sum(1), y.sum(1)
        votes, which = np.unique(number, return_inverse=True)
        side = present.shape[1] + 1
        products, weighted = np.zeros((len(votes), side, side)), np.zeros((len(votes), side))
        for k, n in enumerate(votes):
            rows = present[which == k]
            design = np.column_stack([np.full(len(rows), n), rows])
            products[k], weighted[k] = design.T @ design, design.T @ totals[which == k]
        own = np.diag(np.concatenate([[present.sum()], present.sum(0)]))
        own[0, 1:] = own[1:, 0] = present.sum(0)
        right = np.concatenate([[y.sum()], y.sum(0)])
        squared = np.asarray(np.bincount(which, totals**2), float)
        return cls(votes, np.bincount(which).astype(float), products, weighted, squared, own, right, float(np.sum(y**2)))


def _deviance(logs: Floats, sums: _Sums) -> float:
    """-2 x profiled restricted log likelihood, up to a constant; `logs` are ln of the variance ratios to the residual."""
    quadratic, determinant = _quadratic(logs, sums)
    free = sums.own[0, 0] - 1
    levels = sums.stimuli.sum() * logs[0] + (len(sums.right) - 1) * logs[1]
    return float(free * np.log(quadratic / free) + determinant + levels)


def _quadratic(logs: Floats, sums: _Sums) -> tuple[float, float]:
    """y'Py (times the residual) and ln det of the mixed model equations; unknowns: mean and observers, stimuli absorbed."""
    absorbed = 1.0 / (sums.votes + np.exp(-logs[0]))
    system = sums.own - np.tensordot(absorbed, sums.products, axes=1)
    system[np.diag_indices_from(system)] += np.concatenate([[0.0], np.full(len(system) - 1, np.exp(-logs[1]))])
    right = sums.right - absorbed @ sums.weighted
    sign, determinant = np.linalg.slogdet(system)
    explained = float(right @ np.linalg.solve(system, right)) + float(absorbed @ sums.squared)
    absorbed_determinant = -float(sums.stimuli @ np.log(absorbed))
    return max(sums.total - explained, 1e-300), float(determinant + absorbed_determinant) if sign > 0 else np.inf
