"""Confidence intervals of a mean opinion score: Student's, and one that can't leave the scale."""

from __future__ import annotations

import numpy as np
from scipy import special

from mos.votes import Floats


def student_half(se: Floats, n: Floats, level: float = 0.95) -> Floats:
    """Half width of Student's interval, t(n - 1) x SE; nan with fewer than two votes."""
    df = np.where(n > 1, n - 1, np.nan)
    return np.asarray(special.stdtrit(df, 0.5 + level / 2) * se, float)


def bounded_interval(
    mos: Floats, n: Floats, a: float | None, low: float, high: float, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Clopper-Pearson interval of k = N (MOS-L)/(H-L) successes in N = n / a trials, mapped to the scale.

    `a` is the study's own SOS parameter, so that the trials carry the votes' real variance; None (or 0) takes
    1 / (H - L), the value for which a vote is one binomial count. Nan with fewer than two votes.
    Source: Hossfeld et al., "Confidence interval estimators for MOS values", 2018, with N from the study's SOS.
    """
    trials = np.where(n > 1, n, np.nan) / (a or 1.0 / (high - low))
    share = np.clip((mos - low) / (high - low), 0.0, 1.0)
    share = np.where(share < 1e-12, 0.0, np.where(share > 1 - 1e-12, 1.0, share))
    hits, misses, tail = trials * share, trials * (1 - share), (1 - level) / 2
    inner_low = special.betaincinv(np.where(hits > 0, hits, 1.0), misses + 1, tail)
    inner_high = special.betaincinv(hits + 1, np.where(misses > 0, misses, 1.0), 1 - tail)
    under = np.where(hits == 0, 0.0, inner_low)
    over = np.where(misses == 0, 1.0, inner_high)
    return low + (high - low) * under, low + (high - low) * over
