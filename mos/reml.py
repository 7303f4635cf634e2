"""Stimulus and observer variances by restricted maximum likelihood, for any pattern of missing votes.

Model: vote = mean + stimulus + observer + residual (Patterson and Thompson 1971). The likelihood is evaluated through
Henderson's mixed model equations with the stimuli absorbed, so a step costs J x I^2, not votes^3.
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
    spread = float(np.var(matrix[known]))
    if spread == 0:
        return TwoWay(0.0, 0.0, 0.0)
    start = np.log(_start(y, present))
    bounds = [(-14.0, 10.0), (-14.0, 10.0)]
    fit = optimize.minimize(_deviance, np.clip(start, -14, 10), (y, present), method="L-BFGS-B", bounds=bounds,
                            options={"ftol": 1e-14, "gtol": 1e-9})  # fmt: skip
    fit = optimize.minimize(_deviance, fit.x, (y, present), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-10})
    ratio = np.where(fit.x < -13, 0.0, np.exp(fit.x))
    residual = _quadratic(fit.x, y, present)[0] / (int(known.sum()) - 1)
    return TwoWay(float(ratio[0] * residual), float(ratio[1] * residual), float(residual))


def _start(y: Floats, present: Floats) -> Floats:
    rows = y.sum(1) / np.maximum(present.sum(1), 1)
    columns = y.sum(0) / np.maximum(present.sum(0), 1)
    rest = (y - (rows[:, None] + columns[None, :]) * present)[present > 0]
    noise = max(float(np.var(rest)), 1e-9)
    return np.maximum(np.array([np.var(rows), np.var(columns)]) / noise, 1e-4)


def _deviance(logs: Floats, y: Floats, present: Floats) -> float:
    """-2 x profiled restricted log likelihood, up to a constant; `logs` are ln of the variance ratios to the residual."""
    quadratic, determinant = _quadratic(logs, y, present)
    free = present.sum() - 1
    return float(free * np.log(quadratic / free) + determinant + y.shape[0] * logs[0] + y.shape[1] * logs[1])


def _quadratic(logs: Floats, y: Floats, present: Floats) -> tuple[float, float]:
    """y'Py (times the residual) and ln det of the mixed model equations; unknowns: mean and observers, stimuli absorbed."""
    by_stimulus = present.sum(1) + np.exp(-logs[0])
    design = np.column_stack([present.sum(1), present])
    left = design.T @ (design / by_stimulus[:, None])
    own = np.zeros_like(left)
    own[0, 0] = present.sum()
    own[0, 1:] = own[1:, 0] = present.sum(0)
    own[1:, 1:] = np.diag(present.sum(0) + np.exp(-logs[1]))
    totals = y.sum(1)
    right = np.concatenate([[y.sum()], y.sum(0)]) - design.T @ (totals / by_stimulus)
    system = own - left
    sign, determinant = np.linalg.slogdet(system)
    explained = float(right @ np.linalg.solve(system, right)) + float(np.sum(totals**2 / by_stimulus))
    return max(float(np.sum(y**2)) - explained, 1e-300), float(determinant + np.sum(np.log(by_stimulus))) if sign > 0 else np.inf
