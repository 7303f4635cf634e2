"""Variance components: how much of the votes' variance comes from variants, contents, observers and their mixtures.

Model: vote = mean + variant + content + variant x content + observer + observer x content + residual, all random.
Estimates are Henderson's method 1 (Henderson 1953, Biometrics 9: quadratic forms of level totals and their expectations),
unbiased for any pattern of missing votes and equal to the analysis of variance on complete data. Intervals are the modified
large-sample ones (Ting, Burdick, Graybill, Jeyaratnam and Lu 1990), exact in their degrees of freedom on complete data; with
missing votes the degrees of freedom shrink until the variance is that of the estimate, which votings simulated on the very
pattern give. The residual is then the mean square of the least-squares fit of both mixtures, which is chi-square whatever is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.sparse import csgraph

from mos.estimate import Estimate
from mos.votes import Votes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS, MANY = 200, 10_000
"""Simulated votings for the sampling variance with missing votes; half as many beyond MANY votes."""
MOST_TURNS = 500
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


class Henderson:
    """Henderson's method 1 on one pattern of votes: `estimate` gives the variances of the factors and, last, of the residual.

    Each factor is int64 codes `(V,)` from 0. What the pattern alone decides is worked out once.
    """

    def __init__(self, factors: Sequence[Ints]) -> None:
        n = len(factors[0])
        self.levels = [*factors, np.zeros(n, np.int64), np.arange(n)]
        self.counts = [np.maximum(np.bincount(f), 1).astype(float) for f in self.levels]
        terms = [*factors, np.arange(n)]
        expected = np.empty((len(self.levels), len(terms) + 1))
        for row, (level, count) in enumerate(zip(self.levels, self.counts, strict=True)):
            for column, term in enumerate(terms):
                expected[row, column] = _expected(level, count, term)
            expected[row, -1] = n
        self.solve = np.linalg.pinv(expected)

    def estimate(self, score: Floats) -> Floats:
        """Variances `(factors + 1,)` from votes `(V,)`; may be negative."""
        y = score - score.mean()
        totals = [np.sum(np.bincount(f, y) ** 2 / c) for f, c in zip(self.levels, self.counts, strict=True)]
        solved: Floats = (self.solve @ np.array(totals))[:-1]
        return solved

    def spread(self, variances: Floats, *, seed: int = 0) -> Floats:
        """Sampling variance of each estimate when `variances` are true and all effects normal: by simulation on this pattern."""
        rng = np.random.default_rng(seed)
        factors, n = self.levels[:-2], len(self.levels[0])
        sizes = [len(count) for count in self.counts]
        sd = np.sqrt(np.maximum(variances, 0))
        draws = DRAWS if n <= MANY else DRAWS // 2
        found = np.empty((draws, len(variances)))
        for row in range(draws):
            y = sd[-1] * rng.standard_normal(n)
            for codes, size, s in zip(factors, sizes, sd, strict=False):
                y += s * rng.standard_normal(size)[codes]
            found[row] = self.estimate(y)
        return np.asarray(found.var(axis=0, ddof=1), dtype=np.float64)


def henderson(score: Floats, factors: Sequence[Ints]) -> Floats:
    """Variances of random factors and, last, of the residual, shape `(len(factors) + 1,)`; may be negative.

    `score` `(V,)`; each factor int64 codes `(V,)` from 0. Henderson's method 1.
    """
    return Henderson(factors).estimate(score)


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
    method = Henderson([v, c, cell, o, pair])
    variances = method.estimate(score)
    if len(score) == sizes[0] * sizes[1] * sizes[2]:
        estimates = _intervals(variances, (v, c, cell, o, pair), len(score), None)
    else:
        square, free = residual_square(score, cell, pair)
        variances[-1] = square if free else variances[-1]
        estimates = _intervals(variances, (v, c, cell, o, pair), len(score), method.spread(variances))
        estimates[-1] = _one(square, np.ones(1), np.array([square]), np.array([free]), 1.0) if free else estimates[-1]
    positive = np.maximum(variances, 0)
    shares = dict(zip(TERMS, (positive / positive.sum()).tolist() if positive.sum() else [0.0] * 6, strict=True))
    return Components(dict(zip(TERMS, estimates, strict=True)), shares, len(score))


def residual_square(score: Floats, cell: Ints, pair: Ints) -> tuple[float, int]:
    """Mean square of what two crossed factors leave of votes `(V,)`, and its degrees of freedom: chi-square for any pattern.

    By turns the means of each factor's levels are taken away until nothing moves: least squares. (nan, 0) where nothing is left.
    """
    cells, pairs = int(cell.max()) + 1, int(pair.max()) + 1
    graph = sparse.coo_matrix((np.ones(len(score)), (cell, pair + cells)), shape=(cells + pairs, cells + pairs))
    free = len(score) - cells - pairs + int(csgraph.connected_components(graph, directed=False)[0])
    if free < 1:
        return float("nan"), 0
    left, before = score - score.mean(), np.inf
    per_cell, per_pair = np.bincount(cell), np.bincount(pair)
    for _ in range(MOST_TURNS):
        left = left - (np.bincount(cell, left) / per_cell)[cell]
        left = left - (np.bincount(pair, left) / per_pair)[pair]
        total = float(left @ left)
        if before - total <= 1e-9 * total:
            break
        before = total
    return total / free, free


def _intervals(variances: Floats, factors: tuple[Ints, ...], n: int, spread: Floats | None) -> list[Estimate]:
    """Each component as a sum of mean squares with their degrees of freedom, and its interval.

    `spread` is the sampling variance of the estimates on this pattern of missing votes (None: complete data). Where it is larger
    than the mean squares say, their degrees of freedom shrink in that ratio.
    """
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
    said = (weights**2) @ (2 * squares**2 / np.maximum(free, 1))
    keep = np.ones(6) if spread is None else np.minimum(1, said / np.maximum(spread, 1e-300))
    return [_one(float(x), w, squares, free, float(k)) for x, w, k in zip(variances, weights, keep, strict=True)]


def _one(value: float, weights: Floats, squares: Floats, free: Ints, keep: float) -> Estimate:
    """One component's interval, with a share `keep` of the degrees of freedom."""
    if (free[weights != 0] < 1).any():
        return Estimate.of(max(value, 0.0), reason="no degrees of freedom left for an interval")
    low, high = large_sample_interval(weights, squares, np.maximum(free * keep, 1.0))
    return Estimate.of(max(value, 0.0), max(low, 0.0), max(high, 0.0), "" if value >= 0 else "estimate below 0, shown as 0")


def _harmonic(codes: Ints) -> float:
    """Harmonic mean of the levels' sizes."""
    return float(1 / np.mean(1 / np.bincount(codes)))


def large_sample_interval(weights: Floats, squares: Floats, free: Floats, level: float = 0.95) -> tuple[float, float]:
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
