from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mos import model_tests
from mos.evaluation import plcc


def test_zou_equals_the_published_example() -> None:
    """Zou 2007: r = .396 and .179 with .088 between them, n = 66: [-.093, .517]."""
    assert model_tests.zou(0.396, 0.179, 0.088, 66) == pytest.approx((-0.093, 0.517), abs=0.0005)


def test_steiger_sees_what_the_independent_test_misses() -> None:
    """Two outputs that agree with each other: Steiger's p is far below the one for independent correlations."""
    assert model_tests.steiger(0.9, 0.88, 0.95, 200) < 0.05 < model_tests.independent_correlations(0.9, 0.88, 200)


def test_steiger_keeps_its_level() -> None:
    """Two equally good models are called different in about 5 % of 600 simulated data sets."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(600):
        truth = rng.normal(size=100)
        shared = rng.normal(size=100)
        a, b = (truth + 0.6 * shared + 0.6 * rng.normal(size=100) for _ in range(2))
        found += model_tests.steiger(plcc(a, truth), plcc(b, truth), plcc(a, b), 100) < 0.05
    assert 0.025 <= found / 600 <= 0.08


def test_the_paired_bootstrap_knows_its_groups() -> None:
    """The better of two models is found over 30 groups; two groups give no interval but a reason."""
    rng = np.random.default_rng(4)
    mos, groups = rng.normal(size=600), np.repeat(np.arange(30), 20)
    good, bad = mos + rng.normal(0, 0.3, 600), mos + rng.normal(0, 1.0, 600)
    found = model_tests.paired_bootstrap(plcc, good, bad, mos, groups, draws=300)
    assert found.low is not None
    assert found.low > 0.1
    assert found.p is not None
    assert found.p < 0.001
    assert model_tests.paired_bootstrap(plcc, good, bad, mos, groups // 15).reason == "2 groups: no interval"


def test_nadeau_bengio_by_hand() -> None:
    """t = mean / sqrt(var (1/k + test / train)), k - 1 degrees of freedom."""
    d = np.array([0.02, 0.03, 0.01, 0.04, 0.02])
    found = model_tests.nadeau_bengio(d, 0.2 / 0.7)
    t = d.mean() / (d.var(ddof=1) * (1 / 5 + 2 / 7)) ** 0.5
    assert found.p == pytest.approx(2 * stats.t.sf(t, 4))
    assert model_tests.nadeau_bengio([0.1], 0.3).reason == "needs two splits"


def test_rmse_and_outlier_tests() -> None:
    """Equal figures give p of .5 (one sided F) and 1; clearly different ones a small p."""
    assert model_tests.rmse_test(0.5, 0.5, 100) == pytest.approx(0.5)
    assert model_tests.rmse_test(0.5, 0.8, 100) < 0.001
    assert model_tests.outlier_test(0.3, 0.3, 100) == pytest.approx(1)
    assert model_tests.outlier_test(0.1, 0.4, 100) < 0.001
    total = model_tests.over_databases(np.array([[0.5, 0.5], [0.5, 2.0]]), [100, 100])
    assert total[0] == 0
    assert total[1] == pytest.approx(16 - stats.f.ppf(0.95, 99, 99))


def test_auc_equals_counting_pairs() -> None:
    """The area is the share of pairs in the right order, ties half."""
    rng = np.random.default_rng(5)
    a, b = np.round(rng.normal(1, 1, 40), 1), np.round(rng.normal(0, 1, 30), 1)
    gap = a[:, None] - b[None, :]
    assert model_tests.auc(a, b).value == pytest.approx(np.mean(gap > 0) + 0.5 * np.mean(gap == 0))
    assert model_tests.auc(a, np.empty(0)).reason == "no pairs of one kind"


def test_krasula_of_a_perfect_and_a_blind_model() -> None:
    """The scores themselves order every differing pair; noise stands at one half."""
    rng = np.random.default_rng(6)
    mos = rng.uniform(1, 10, 120)
    perfect = model_tests.krasula(mos, mos, np.full(120, 0.3))
    assert perfect.correct == 1.0
    assert perfect.better.value == 1.0
    assert perfect.different.value == pytest.approx(1.0, abs=0.001)
    blind = model_tests.krasula(rng.normal(size=120), mos, np.full(120, 0.3))
    assert blind.better.value == pytest.approx(0.5, abs=0.1)
    assert perfect.pairs_different + perfect.pairs_similar == 120 * 119 // 2
