"""Variance components: how much of the votes' variance comes from variants, contents, observers and their mixtures.

Model: vote = mean + variant + content + variant x content + observer + observer x content + residual, all random.
Estimates are Henderson's method 1 (Henderson 1953, Biometrics 9: quadratic forms of level totals and their expectations),
unbiased for any pattern of missing votes and equal to the analysis of variance on complete data. Intervals are the modified
large-sample ones (Ting, Burdick, Graybill, Jeyaratnam and Lu 1990), exact in their degrees of freedom on complete data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mos.estimate import Estimate
from mos.votes import Votes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TERMS = ("variant", "content", "variant x content", "observer", "observer x content", "residual")


@dataclass(frozen=True)
class Components:
    """`values[term]` is a variance in squared points of the scale with its 95 % interval; `shares` are parts of their sum."""

    values: dict[str, Estimate]
    shares: dict[str, float]
    votes: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        table = {term: self.values[term].as_dict() | {"share": self.shares.get(term)} for term in self.values}
        return {"votes": self.votes, "components": table}


def henderson(score: Floats, factors: Sequence[Ints]) -> Floats:
    """Variances of random factors and, last, of the residual, shape `(len(factors) + 1,)`; may be negative.

    `score` `(V,)`; each factor int64 codes `(V,)` from 0. Henderson's method 1.
    """
    n = len(score)
    y = score - score.mean()
    levels = [*factors, np.zeros(n, np.int64), np.arange(n)]
    counts = [np.bincount(f).astype(float) for f in levels]
    totals = np.array([np.sum(np.bincount(f, y) ** 2 / np.maximum(c, 1)) for f, c in zip(levels, counts, strict=True)])
    terms = [*factors, np.arange(n)]
    expected = np.empty((len(levels), len(terms) + 1))
    for row, (level, count) in enumerate(zip(levels, counts, strict=True)):
        for column, term in enumerate(terms):
            expected[row, column] = _expected(level, count, term)
        expected[row, -1] = n
    solved: Floats = np.linalg.lstsq(expected, totals, rcond=None)[0][:-1]
    return solved


def _expected(level: Ints, count: Floats, term: Ints) -> float:
    """Sum over levels l and term values m of n(l, m)^2 / n(l): the weight of a variance in the expectation of a total."""
    pair = level * (int(term.max()) + 1) + term
    cells, sizes = np.unique(pair, return_counts=True)
    return float(np.sum(sizes.astype(float) ** 2 / count[cells // (int(term.max()) + 1)]))


def crossed(score: Floats, variant: Ints, content: Ints, observer: Ints) -> Components:
    """Components of votes `(V,)` with int64 codes `(V,)` of variant, content and observer (one vote per triple).

    Needs two levels of each; a term that the design can't tell apart is None with a reason.
    """
    sizes = [len(np.unique(f)) for f in (variant, content, observer)]
    if min(sizes) < 2:
        named = dict(zip(("variant", "content", "observer"), sizes, strict=True))
        poor = ", ".join(f"{name}s: {size}" for name, size in named.items() if size < 2)
        return Components({t: Estimate.none(f"needs two of each ({poor})") for t in TERMS}, {}, len(score))
    v, c, o = (np.unique(f, return_inverse=True)[1].astype(np.int64) for f in (variant, content, observer))
    cell = np.unique(v * (c.max() + 1) + c, return_inverse=True)[1].astype(np.int64)
    pair = np.unique(o * (c.max() + 1) + c, return_inverse=True)[1].astype(np.int64)
    variances = henderson(score, [v, c, cell, o, pair])
    estimates = _intervals(variances, (v, c, cell, o, pair), len(score))
    positive = np.maximum(variances, 0)
    shares = dict(zip(TERMS, (positive / positive.sum()).tolist() if positive.sum() else [0.0] * 6, strict=True))
    return Components(dict(zip(TERMS, estimates, strict=True)), shares, len(score))


def _intervals(variances: Floats, factors: tuple[Ints, ...], n: int) -> list[Estimate]:
    """Each component as a sum of mean squares with their degrees of freedom, and its interval."""
    v, c, cell, o, pair = factors
    a, b, i = (int(f.max()) + 1 for f in (v, c, o))
    per_cell, per_pair = _harmonic(cell), _harmonic(pair)
    per_variant, per_content, per_observer = _harmonic(v), _harmonic(c), _harmonic(o)
    s_v, s_c, s_vc, s_o, s_oc, s_e = np.maximum(variances, 0)
    squares = np.array([
        s_e + per_cell * s_vc + per_variant * s_v,
        s_e + per_cell * s_vc + per_pair * s_oc + per_content * s_c,
        s_e + per_cell * s_vc,
        s_e + per_pair * s_oc + per_observer * s_o,
        s_e + per_pair * s_oc,
        s_e,
    ])  # fmt: skip
    free_vc, free_oc = int(cell.max()) + 1 - a - b + 1, int(pair.max()) + 1 - b - i + 1
    free_e = n - 1 - (a - 1) - (b - 1) - (i - 1) - free_vc - free_oc
    free = np.array([a - 1, b - 1, free_vc, i - 1, free_oc, free_e])
    weights = np.zeros((6, 6))
    weights[0, [0, 2]] = np.array([1, -1]) / per_variant
    weights[1, [1, 2, 4, 5]] = np.array([1, -1, -1, 1]) / per_content
    weights[2, [2, 5]] = np.array([1, -1]) / per_cell
    weights[3, [3, 4]] = np.array([1, -1]) / per_observer
    weights[4, [4, 5]] = np.array([1, -1]) / per_pair
    weights[5, 5] = 1
    return [_one(float(x), w, squares, free) for x, w in zip(variances, weights, strict=True)]


def _one(value: float, weights: Floats, squares: Floats, free: Ints) -> Estimate:
    if (free[weights != 0] < 1).any():
        return Estimate.of(max(value, 0.0), reason="no degrees of freedom left for an interval")
    low, high = large_sample_interval(weights, squares, free)
    return Estimate.of(max(value, 0.0), max(low, 0.0), max(high, 0.0), "" if value >= 0 else "estimate below 0, shown as 0")


def _harmonic(codes: Ints) -> float:
    """Harmonic mean of the levels' sizes."""
    return float(1 / np.mean(1 / np.bincount(codes)))


def large_sample_interval(weights: Floats, squares: Floats, free: Ints, level: float = 0.95) -> tuple[float, float]:
    """Interval of sum(weights x mean squares), any signs: the modified large-sample one (Ting et al. 1990).

    `weights`, `squares` (mean squares) and `free` (their degrees of freedom) have shape `(k,)`.
    """
    alpha = (1 - level) / 2
    used = weights != 0
    terms, freedoms, signs = np.abs(weights[used]) * squares[used], free[used].astype(float), np.sign(weights[used])
    shrink = 1 - freedoms / stats.chi2.ppf(1 - alpha, freedoms)
    grow = freedoms / stats.chi2.ppf(alpha, freedoms) - 1
    plus, minus = np.flatnonzero(signs > 0), np.flatnonzero(signs < 0)
    below = np.sum((shrink[plus] * terms[plus]) ** 2) + np.sum((grow[minus] * terms[minus]) ** 2)
    above = np.sum((grow[plus] * terms[plus]) ** 2) + np.sum((shrink[minus] * terms[minus]) ** 2)
    for q in plus:
        for r in minus:
            f1 = float(stats.f.ppf(1 - alpha, freedoms[q], freedoms[r]))
            f2 = float(stats.f.ppf(alpha, freedoms[q], freedoms[r]))
            below += ((f1 - 1) ** 2 - (shrink[q] * f1) ** 2 - grow[r] ** 2) / f1 * terms[q] * terms[r]
            above += ((1 - f2) ** 2 - (grow[q] * f2) ** 2 - shrink[r] ** 2) / f2 * terms[q] * terms[r]
    value = float(np.sum(signs * terms))
    return value - float(np.sqrt(max(below, 0.0))), value + float(np.sqrt(max(above, 0.0)))


def variance_components(votes: Votes) -> Components:
    """Components of one panel's votes on one question: first presentations, `variant` and `content` from the stimuli's table.

    A reference counts as one more variant. Without the columns the terms are None with a reason.
    """
    first = votes.first()
    info = first.info
    if "variant" not in info or not info["content"].astype(bool).any():
        missing = "variant" if "variant" not in info else "content"
        return Components({t: Estimate.none(f"the stimuli have no column {missing}") for t in TERMS}, {}, len(first))
    variant = np.where(info["is_ref"].to_numpy(bool), "reference", info["variant"].astype(str).to_numpy())
    content = info["content"].astype(str).to_numpy()
    codes = [np.unique(names.astype(str), return_inverse=True)[1].astype(np.int64) for names in (variant, content)]
    return crossed(first.score, codes[0][first.stimulus], codes[1][first.stimulus], first.observer)
