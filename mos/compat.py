"""sureal's own screened scores, faults included, for comparison with results that others published.

What differs from the rules: outliers are counted with ddof 0, a unanimous image is an outlier for everyone, shares are
of all images instead of the observer's own, and the correlation is with a mean that contains the observer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from mos.fits import Z95, Fit, simple_fit
from mos.votes import Bools, Floats, Votes

MCT = 0.7


def _mean(grid: Floats, axis: int) -> Floats:
    known = ~np.isnan(grid)
    return np.asarray(np.where(known, grid, 0).sum(axis) / np.maximum(known.sum(axis), 1), float)


def _spread(grid: Floats, axis: int, ddof: int) -> Floats:
    known = ~np.isnan(grid)
    centred = np.where(known, grid - np.expand_dims(_mean(grid, axis), axis), 0)
    return np.asarray(np.sqrt((centred**2).sum(axis) / np.maximum(known.sum(axis) - ddof, 1)), float)


def bt500_faulty(grid: Floats) -> tuple[Bools, Floats, Floats]:
    """Who sureal rejects on stimuli x observers `(J, I)`, and its two statistics `(I,)`."""
    known = ~np.isnan(grid)
    centre, sigma = _mean(grid, 1), _spread(grid, 1, 0)
    away = np.where(known, grid - centre[:, None], 0)
    m2, m4 = (away**2).sum(1) / known.sum(1), (away**4).sum(1) / known.sum(1)
    kurtosis = np.divide(m4, m2**2, out=np.full(len(m2), np.nan), where=m2 > 0)
    width = np.where((kurtosis >= 2) & (kurtosis <= 4), 2.0, np.sqrt(20)) * sigma
    p = (known & (grid >= (centre + width)[:, None])).sum(0).astype(float)
    q = (known & (grid <= (centre - width)[:, None])).sum(0).astype(float)
    share = (p + q) / len(grid)
    balance = np.divide(np.abs(p - q), p + q, out=np.full(len(p), np.nan), where=p + q > 0)
    rejected = (share > 0.05) & (balance < 0.3)
    return (np.zeros_like(rejected) if rejected.all() else rejected), share, balance


def correlation_faulty(grid: Floats, *, ranks: bool) -> tuple[Bools, Floats]:
    """Who falls to mean - SD (ddof 0) or .7 of the correlations with the mean of all, and the correlations `(I,)`."""
    mean = np.round(_mean(grid, 1), 9)
    r = np.full(grid.shape[1], np.nan)
    for i in range(grid.shape[1]):
        known = ~np.isnan(grid[:, i])
        a, b = grid[known, i], mean[known]
        if ranks:
            a, b = rankdata(a), rankdata(b)
        if len(a) > 1 and np.ptp(a) > 0 and np.ptp(b) > 0:
            r[i] = float(np.corrcoef(a, b)[0, 1])
    typical = float(np.nanmean(r) - np.nanstd(r))
    return r <= (MCT if typical > MCT else typical), r


def _screened(name: str, votes: Votes, change: Callable[[Floats], tuple[Floats, dict[str, Floats]]], rule: str) -> Fit:
    """Change the matrix, reject by a rule, then mean with 1.96 SE."""
    grid, observers = change(votes.matrix())
    if rule == "bt500":
        rejected, first, second = bt500_faulty(grid)
        columns = {"reject_stat1": first, "reject_stat2": second}
    else:
        rejected, r = correlation_faulty(grid, ranks=rule == "srcc")
        columns = {"reject_stat1": r}
    kept = grid[:, ~rejected]
    n = (~np.isnan(kept)).sum(1)
    score = np.where(n > 0, _mean(kept, 1), np.nan)
    se = np.where(n > 1, _spread(kept, 1, 1) / np.sqrt(np.maximum(n, 1)), np.nan)
    people = {**observers, "rejected": rejected.astype(float), **columns}
    made = simple_fit(name, votes, score, se, Z95 * se, observers=people)
    return Fit(name, n, made.score, se, made.ci95_low, made.ci95_high, observers=people)


def _plain(grid: Floats) -> tuple[Floats, dict[str, Floats]]:
    return grid, {}


def _z(grid: Floats) -> tuple[Floats, dict[str, Floats]]:
    return (grid - _mean(grid, 0)) / _spread(grid, 0, 1), {}


def _unbiased(grid: Floats) -> tuple[Floats, dict[str, Floats]]:
    bias = _mean(grid - _mean(grid, 1)[:, None], 0)
    return grid - bias, {"bias": bias}


SUREAL_MODELS: dict[str, Callable[[Votes], Fit]] = {
    "SR_MOS_BT500": lambda votes: _screened("SR_MOS_BT500", votes, _plain, "bt500"),
    "ZS_SR_MOS": lambda votes: _screened("ZS_SR_MOS", votes, _z, "bt500"),
    "BR_SR_MOS_P913_BT500": lambda votes: _screened("BR_SR_MOS_P913_BT500", votes, _unbiased, "bt500"),
    "SR_MOS_PCC": lambda votes: _screened("SR_MOS_PCC", votes, _plain, "pcc"),
    "SR_MOS_SRCC": lambda votes: _screened("SR_MOS_SRCC", votes, _plain, "srcc"),
}
