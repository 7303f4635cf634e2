"""Is one model better than another on the same images: tests that know that both share the scores (P.1401 7.7 and after)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mos.estimate import Estimate
from mos.evaluation import Statistic, fisher_interval, resample_groups

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A difference between two models with its 95 % interval and two-sided p (None where undefined, with a reason)."""

    value: float
    low: float | None
    high: float | None
    p: float | None
    reason: str = ""


def independent_correlations(r1: float, r2: float, n: int) -> float:
    """p of P.1401's test of two correlations as if they were independent: Z = (z1 - z2) / sqrt(2 / (n - 3))."""
    z = (np.arctanh(r1) - np.arctanh(r2)) / (2 / (n - 3)) ** 0.5
    return float(2 * (stats.t.sf(abs(z), n - 3) if n < 30 else stats.norm.sf(abs(z))))


def steiger(r1: float, r2: float, r12: float, n: int) -> float:
    """p of Steiger's test (1980, Z2*) of two correlations with the same scores; `r12` between the two models' outputs."""
    mean = (r1 + r2) / 2
    covariance = r12 * (1 - 2 * mean**2) - 0.5 * mean**2 * (1 - 2 * mean**2 - r12**2)
    shared = covariance / (1 - mean**2) ** 2
    z = (np.arctanh(r1) - np.arctanh(r2)) * (n - 3) ** 0.5 / (2 - 2 * shared) ** 0.5
    return float(2 * stats.norm.sf(abs(z)))


def zou(r1: float, r2: float, r12: float, n: int) -> tuple[float, float]:
    """95 % interval of r1 - r2 for correlations with the same scores (Zou 2007, Psychological Methods 12, eq. 13 and 15)."""
    (low1, high1), (low2, high2) = fisher_interval(r1, n), fisher_interval(r2, n)
    shared = ((r12 - 0.5 * r1 * r2) * (1 - r1**2 - r2**2 - r12**2) + r12**3) / ((1 - r1**2) * (1 - r2**2))
    below = (r1 - low1) ** 2 + (high2 - r2) ** 2 - 2 * shared * (r1 - low1) * (high2 - r2)
    above = (high1 - r1) ** 2 + (r2 - low2) ** 2 - 2 * shared * (high1 - r1) * (r2 - low2)
    return r1 - r2 - below**0.5, r1 - r2 + above**0.5


def paired_bootstrap(
    statistic: Statistic, first: Floats, second: Floats, mos: Floats, groups: Sequence[Any] | NDArray[Any], *, draws: int = 1000,
    seed: int = 0,
) -> Difference:  # fmt: skip
    """statistic(first, mos) - statistic(second, mos), interval and p by resampling whole groups for both at once.

    t with G - 1 degrees of freedom on the SD of the draws.
    """
    value = statistic(first, mos) - statistic(second, mos)
    count = len(np.unique(np.asarray(groups).astype(str)))
    if count < 3 or not np.isfinite(value):
        return Difference(value, None, None, None, f"{count} groups: no interval" if count < 3 else "undefined")
    picks = resample_groups(groups, draws, seed)
    spread = np.array([statistic(first[i], mos[i]) - statistic(second[i], mos[i]) for i in picks])
    sd = float(np.nanstd(spread, ddof=1))
    if sd == 0:
        return Difference(value, value, value, None, "the same in every resample")
    half = float(stats.t.ppf(0.975, count - 1)) * sd
    return Difference(value, value - half, value + half, float(2 * stats.t.sf(abs(value) / sd, count - 1)))


def nadeau_bengio(differences: Sequence[float] | Floats, test_share: float) -> Difference:
    """Mean difference over k random splits with the corrected resampled t test (Nadeau and Bengio 2003).

    `test_share` is the test part divided by the training part (.2 / .7 for splits of .7 / .1 / .2); variance x (1/k + share).
    """
    d = np.asarray(differences, float)
    k = len(d)
    if k < 2 or d.std(ddof=1) == 0:
        reason = "needs two splits" if k < 2 else "the same in every split"
        return Difference(float(d.mean()) if k else float("nan"), None, None, None, reason)
    se = float(np.sqrt(d.var(ddof=1) * (1 / k + test_share)))
    mean, half = float(d.mean()), float(stats.t.ppf(0.975, k - 1)) * se
    return Difference(mean, mean - half, mean + half, float(2 * stats.t.sf(abs(mean) / se, k - 1)))


def rmse_test(first: float, second: float, n: int, parameters: tuple[int, int] = (1, 1)) -> float:
    """p of P.1401's F test of two rmse (or rmse*): q = (max / min)^2 with N - d degrees of freedom each."""
    big, small = (0, 1) if first >= second else (1, 0)
    values = (first, second)
    if values[small] == 0:
        return 0.0 if values[big] > 0 else 1.0
    ratio = (values[big] / values[small]) ** 2
    return float(stats.f.sf(ratio, n - parameters[big], n - parameters[small]))


def over_databases(errors: Floats, n: Sequence[int], parameters: int = 1) -> Floats:
    """P.1401's sum over databases for each model, lower is better: errors (rmse or rmse*) models x databases `(M, K)`.

    Per database d = max(0, (rmse / smallest rmse)^2 - F(.95, N - d, N - d)), added over the databases of N images each.
    """
    free = np.asarray(n) - parameters
    worst = stats.f.ppf(0.95, free, free)
    distance = np.maximum(0, (errors / errors.min(0)) ** 2 - worst)
    return np.asarray(distance.sum(1), float)


def outlier_test(first: float, second: float, n: int) -> float:
    """p of the z test of two outlier ratios with the pooled share (P.1401 7.7)."""
    pooled = (first + second) / 2
    if pooled in (0.0, 1.0):
        return 1.0
    return float(2 * stats.norm.sf(abs(first - second) / (2 * pooled * (1 - pooled) / n) ** 0.5))


@dataclass(frozen=True)
class Krasula:
    """Areas under the curve: telling pairs that differ from similar ones, and the better from the worse; `correct` is the
    share of differing pairs put in the right order (Krasula et al., QoMEX 2016); intervals by DeLong 1988."""

    different: Estimate
    better: Estimate
    correct: float | None
    pairs_different: int
    pairs_similar: int


def krasula(prediction: Floats, mos: Floats, se: Floats, *, level: float = 0.95, most: int = 2_000_000, seed: int = 0) -> Krasula:
    """Krasula's analysis of outputs `(N,)` against scores and their standard errors `(N,)`, higher = better.

    A pair differs when |difference| / sqrt(se_a^2 + se_b^2) exceeds the two-sided normal quantile of `level`.
    More than `most` pairs are sampled.
    """
    a, b = np.triu_indices(len(mos), 1)
    if len(a) > most:
        kept = np.random.default_rng(seed).choice(len(a), most, replace=False)
        a, b = a[kept], b[kept]
    gap, guess = mos[a] - mos[b], prediction[a] - prediction[b]
    error = np.sqrt(se[a] ** 2 + se[b] ** 2)
    differ = np.abs(gap) > float(stats.norm.ppf((1 + level) / 2)) * error
    signed = np.where(gap[differ] > 0, guess[differ], -guess[differ])
    right = float(np.mean(signed > 0) + 0.5 * np.mean(signed == 0)) if len(signed) else None
    return Krasula(
        auc(np.abs(guess[differ]), np.abs(guess[~differ])), auc(signed, -signed), right, int(differ.sum()), int((~differ).sum())
    )


def auc(positive: Floats, negative: Floats) -> Estimate:
    """Area under the curve of scores of positives against negatives with DeLong's 95 % interval, ties counting half."""
    m, n = len(positive), len(negative)
    if m == 0 or n == 0:
        return Estimate.none("no pairs of one kind")
    both = stats.rankdata(np.concatenate([positive, negative]))
    above = (both[:m] - stats.rankdata(positive)) / n
    below = 1 - (both[m:] - stats.rankdata(negative)) / m
    value = float(above.mean())
    if m < 2 or n < 2:
        return Estimate.of(value, reason="one pair of a kind: no interval")
    half = 1.959963984540054 * float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
    return Estimate.of(value, max(0.0, value - half), min(1.0, value + half))
