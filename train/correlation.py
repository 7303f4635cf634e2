"""Agreement between scores and predictions: PLCC (the paper's eq. 2, raw), SROCC (eq. 3, ties by average ranks), KRCC, RMSE."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def plcc(labels: Floats, outputs: Floats) -> float:
    """Pearson's linear correlation of raw outputs with the scores; nan when either side is constant."""
    x, y = np.asarray(labels, float), np.asarray(outputs, float)
    if len(x) < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    if scale <= 1e-12 * len(x):
        return float("nan")
    return float(np.clip((x @ y) / scale, -1.0, 1.0))


def srocc(labels: Floats, outputs: Floats) -> float:
    """Spearman's rank correlation: Pearson's on average ranks (the paper's eq. 3 holds without ties only)."""
    from scipy.stats import rankdata

    return plcc(rankdata(labels), rankdata(outputs))


def krcc(labels: Floats, outputs: Floats) -> float:
    """Kendall's tau-b; nan when either side is constant."""
    from scipy.stats import kendalltau

    if len(labels) < 2 or np.ptp(labels) == 0 or np.ptp(outputs) == 0:
        return float("nan")
    return float(kendalltau(labels, outputs).statistic)


def rmse(labels: Floats, outputs: Floats) -> float:
    """Root of the mean squared difference, on the labels' scale."""
    return float(np.sqrt(np.mean((np.asarray(labels, float) - np.asarray(outputs, float)) ** 2)))
