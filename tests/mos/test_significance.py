from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mos import significance
from tests.mos.made import known_votes


def test_all_pairs_equal_paired_t_tests() -> None:
    """Every pair of the matrix product equals scipy's paired t test on the common observers."""
    matrix = known_votes(np.random.default_rng(1), contents=1, missing=0.2).matrix()
    found = significance.paired_t(matrix)
    for a in range(len(matrix)):
        for b in range(a):
            both = ~np.isnan(matrix[a]) & ~np.isnan(matrix[b])
            expected = stats.ttest_rel(matrix[a, both], matrix[b, both])
            assert found.t[a, b] == pytest.approx(expected.statistic)
            assert found.p[a, b] == pytest.approx(expected.pvalue)
            assert found.n[a, b] == both.sum()


def test_wilcoxon_equals_scipy() -> None:
    """Ties, zeros and missing values included, p equals scipy's normal approximation."""
    d = np.round(np.random.default_rng(2).normal(0.4, 1.5, (20, 30)))
    d[d > 3] = np.nan
    found = significance.wilcoxon(d)
    for row, p in zip(d, found, strict=True):
        used = row[~np.isnan(row) & (row != 0)]
        assert p == pytest.approx(stats.wilcoxon(used, method="approx").pvalue)


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    """The textbook steps, with nan left out of the count."""
    p = np.array([0.01, 0.04, np.nan, 0.03])
    assert significance.holm(p) == pytest.approx([0.03, 0.06, np.nan, 0.06], nan_ok=True)
    assert significance.benjamini_hochberg(p) == pytest.approx([0.03, 0.04, np.nan, 0.04], nan_ok=True)


def test_image_pairs_stay_inside_a_content() -> None:
    """Seven variants give 21 pairs in each of 12 contents, corrected within it."""
    table = significance.image_pairs(known_votes(np.random.default_rng(4), whole=True))
    assert len(table) == 12 * 21
    assert (table["p_holm"] >= table["p"]).all()
    assert (table.groupby("content").size() == 21).all()


def test_variant_pairs_find_what_was_put_in() -> None:
    """Equal variants stay unmarked and shifted ones are found, with the crossed interval around the true difference."""
    votes = known_votes(np.random.default_rng(5), contents=20, observers=20, sd={"variant": 0.0})
    shifted = votes.score + 2.0 * (votes.info["variant"] == "v03").to_numpy()[votes.stimulus]
    from dataclasses import replace

    table = significance.variant_pairs(replace(votes, score=shifted)).set_index(["a", "b"])
    found = table.loc[("v02", "v03")]
    assert found["ci95_low"] < -2.0 < found["ci95_high"]
    assert found["p_holm"] < 1e-6
    assert table.loc[("v01", "v02"), "p_holm"] > 0.05
    assert table.loc[("reference", "v01"), "contents"] == 20


def test_equal_images_have_no_p() -> None:
    """Two images with the same votes differ by 0 and have no test, silently wrong p values included."""
    matrix = np.tile(np.array([[3.0, 4, 5, 6]]), (2, 1))
    found = significance.paired_t(matrix)
    assert found.difference[0, 1] == 0
    assert np.isnan(found.p[0, 1])
