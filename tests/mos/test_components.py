from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mos.components import TERMS, Henderson, crossed, henderson, large_sample_interval, residual_square, variance_components
from mos.reml import two_way
from tests.mos.made import SD, known_votes

TRUE = dict(zip(TERMS, [SD[k] ** 2 for k in ("variant", "content", "mixed", "observer", "pair", "noise")], strict=True))


def test_henderson_equals_the_analysis_of_variance() -> None:
    """On complete data the two-way components are (MSR - MSE)/k, (MSC - MSE)/n and MSE."""
    matrix = known_votes(np.random.default_rng(1)).matrix()
    j, i = matrix.shape
    rows, columns = np.nonzero(~np.isnan(matrix))
    found = henderson(matrix[rows, columns], [rows.astype(np.int64), columns.astype(np.int64)])
    centred = matrix - matrix.mean(1, keepdims=True) - matrix.mean(0) + matrix.mean()
    error = (centred**2).sum() / ((j - 1) * (i - 1))
    stimuli = matrix.mean(1).var(ddof=1) - error / i
    observers = matrix.mean(0).var(ddof=1) - error / j
    assert found == pytest.approx([stimuli, observers, error], rel=1e-9)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_components_are_unbiased(missing: float) -> None:
    """The mean estimate over 60 simulated studies is the truth within 4 standard errors, with and without missing votes."""
    found = []
    for seed in range(60):
        votes = known_votes(np.random.default_rng(seed), missing=missing)
        values = variance_components(votes).values
        found.append([values[t].value for t in TERMS])
    table = np.array(found, float)
    error = table.std(0, ddof=1) / len(table) ** 0.5
    for term, mean, se in zip(TERMS, table.mean(0), error, strict=True):
        assert mean == pytest.approx(TRUE[term], abs=4 * se + 0.005), term


def test_one_mean_square_gets_the_exact_interval() -> None:
    """A single mean square's interval is the chi-square one."""
    from scipy import stats

    low, high = large_sample_interval(np.array([1.0]), np.array([2.0]), np.array([9]))
    assert (low, high) == pytest.approx((2 * 9 / stats.chi2.ppf(0.975, 9), 2 * 9 / stats.chi2.ppf(0.025, 9)))


def test_missing_levels_are_named() -> None:
    """One content only: every term is None and says how many contents there are."""
    codes = np.zeros(6, np.int64)
    found = crossed(np.arange(6.0), np.arange(6) % 3, codes, np.arange(6) % 2)
    assert found.values["content"].reason == "needs two of each (contents: 1)"
    votes = known_votes(np.random.default_rng(1))
    del votes.info["variant"]
    assert variance_components(votes).values["observer"].reason == "the stimuli have no column variant"


def test_reml_equals_the_analysis_of_variance_when_complete() -> None:
    """REML and analysis of variance agree to 1e-5 on complete data with positive components."""
    matrix = known_votes(np.random.default_rng(3)).matrix()
    fit = two_way(matrix)
    from mos.reliability import mean_squares

    s = mean_squares(matrix)
    expected = [(s.rows - s.error) / s.k, (s.columns - s.error) / s.n, s.error]
    assert [fit.stimulus, fit.observer, fit.residual] == pytest.approx(expected, rel=1e-5)


def test_the_simulated_spread_is_that_of_chi_square() -> None:
    """On complete one-way data the residual's sampling variance is 2 sigma^4 / (n - groups), the same at every call."""
    groups = np.repeat(np.arange(40), 6).astype(np.int64)
    method = Henderson([groups])
    found = method.spread(np.array([1.0, 4.0]))
    assert found[1] == pytest.approx(2 * 16 / 200, rel=0.25)
    assert np.array_equal(found, method.spread(np.array([1.0, 4.0])))


def test_missing_votes_widen_the_intervals() -> None:
    """With a third of the votes gone each interval reflects the pattern; complete data keep the exact degrees of freedom."""
    rng = np.random.default_rng(4)
    v, c, o = (x.ravel() for x in np.meshgrid(np.arange(6), np.arange(20), np.arange(12), indexing="ij"))
    parts = [rng.normal(0, s, k) for s, k in ((1.5, 6), (0.5, 20), (0.7, 12))]
    score = parts[0][v] + parts[1][c] + parts[2][o] + rng.normal(0, 0.4, (6, 20))[v, c] + rng.normal(0, 0.3, (20, 12))[c, o]
    score = score + rng.normal(0, 1.2, len(score))
    whole = crossed(score, v, c, o).values["residual"]
    free = 6 * 20 * 12 - 1 - 5 - 19 - 11 - 5 * 19 - 19 * 11
    exact = [whole.value * free / stats.chi2.ppf(q, free) for q in (0.975, 0.025)]  # type: ignore[operator]
    assert [whole.low, whole.high] == pytest.approx(exact)
    kept = rng.random(len(score)) > 1 / 3
    part = crossed(score[kept], v[kept], c[kept], o[kept]).values["residual"]
    share = (part.high - part.low) / (whole.high - whole.low)  # type: ignore[operator]
    assert 1.3 < share < 2.5


def test_the_residual_is_that_of_least_squares() -> None:
    """With holes and an unlinked part: the same mean square and degrees of freedom as a dense fit with dummies."""
    rng = np.random.default_rng(8)
    cell, pair = rng.integers(0, 12, 60).astype(np.int64), rng.integers(0, 9, 60).astype(np.int64)
    cell, pair = np.append(cell, [12, 12]), np.append(pair, [9, 9])
    score = rng.normal(size=62)
    dummies = np.hstack([np.eye(13)[cell], np.eye(10)[pair]])
    left = score - dummies @ np.linalg.lstsq(dummies, score, rcond=None)[0]
    free = 62 - int(np.linalg.matrix_rank(dummies))
    square, found = residual_square(score, cell, pair)
    assert found == free
    assert square == pytest.approx(left @ left / free)
    assert residual_square(np.array([1.0, 2.0]), np.array([0, 1]), np.array([0, 0]))[1] == 0
