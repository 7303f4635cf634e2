from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mos import evaluation
from mos.mapping import fit
from workspace.errors import UsageFault


def sample(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """A saturating relation with noise: outputs in 0..1, scores in 1..10."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, n)
    return x, 1 + 9 / (1 + np.exp(-(x - 0.3) * 20)) + rng.normal(0, 0.3, n)


def test_correlations_equal_scipy() -> None:
    """PLCC, SROCC and KRCC equal scipy's on data with ties."""
    rng = np.random.default_rng(1)
    x, y = np.round(rng.normal(0, 2, 80)), np.round(rng.normal(0, 2, 80))
    assert evaluation.plcc(x, y) == pytest.approx(stats.pearsonr(x, y).statistic)
    assert evaluation.srocc(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert evaluation.krcc(x, y) == pytest.approx(stats.kendalltau(x, y).statistic)


def test_equal_means_tie_in_ranks() -> None:
    """Means that differ in the last bit count as equal."""
    y = np.array([0.1 + 0.2, 0.3, 1.0, 2.0])
    assert evaluation.srocc(np.array([2.0, 1, 3, 4]), y) == evaluation.srocc(np.array([1.0, 2, 3, 4]), y)


def test_constant_values_have_no_correlation() -> None:
    """nan from the plain function, None with a reason from the evaluation."""
    assert np.isnan(evaluation.plcc(np.ones(5), np.arange(5.0)))
    found = evaluation.evaluate(np.ones(9), np.arange(9.0), mapping="none")
    assert found.figures["plcc"].value is None
    assert found.figures["plcc"].reason


def test_errors_by_hand() -> None:
    """rmse over N - 1; rmse* counts what lies beyond the interval over N - d; the outlier ratio its share."""
    prediction, mos, ci = np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 3, 2]), np.full(4, 0.5)
    assert evaluation.rmse(prediction, mos) == pytest.approx((5 / 3) ** 0.5)
    assert evaluation.rmse_star(prediction, mos, ci, 2) == pytest.approx(((0.25 + 2.25) / 2) ** 0.5)
    assert evaluation.outlier_ratio(prediction, mos, ci) == 0.5


@pytest.mark.parametrize("kind", ["linear", "cubic", "logistic4", "logistic5"])
@pytest.mark.parametrize("sign", [1, -1])
def test_mappings_are_monotonic_and_follow_the_direction(kind: str, sign: int) -> None:
    """No mapping turns on the range of the data (logistic5 hardly), also when lower outputs are better."""
    x, y = sample()
    curve = fit(sign * x, y, kind)
    steps = np.diff(curve.apply(np.linspace(np.min(sign * x), np.max(sign * x), 2000)))
    assert (sign * steps >= (-1e-3 if kind == "logistic5" else -1e-9)).all()
    assert evaluation.rmse(curve.apply(sign * x), y) <= evaluation.rmse(fit(sign * x, y, "linear").apply(sign * x), y) + 1e-9


def test_the_bounded_cubic_is_the_best_one() -> None:
    """The monotonic cubic has the least error that a general solver finds under the same condition."""
    from scipy.optimize import minimize

    x, y = sample()
    t = (x - x.min()) / np.ptp(x)
    design, grid = np.vander(t, 4, increasing=True), np.linspace(0, 1, 400)
    slope = np.stack([0 * grid, 1 + 0 * grid, 2 * grid, 3 * grid**2], axis=1)
    solved = minimize(
        lambda b: np.sum((design @ b - y) ** 2), [1, 1, 0, 0], jac=lambda b: 2 * design.T @ (design @ b - y), method="SLSQP",
        constraints={"type": "ineq", "fun": lambda b: slope @ b, "jac": lambda b: slope}, options={"maxiter": 999, "ftol": 1e-14},
    )  # fmt: skip
    assert np.sum((fit(x, y, "cubic").apply(x) - y) ** 2) == pytest.approx(solved.fun, rel=1e-4)


def test_a_cubic_that_rises_by_itself_is_the_free_fit() -> None:
    """Where the free cubic is monotonic it is taken as it is."""
    x = np.linspace(0, 2, 50)
    y = 1 + x + 0.3 * x**3
    assert fit(x, y, "cubic").apply(x) == pytest.approx(y)


def test_intervals_resample_whole_subjects() -> None:
    """With images of 20 subjects the group interval is much wider than Fisher's, and covers where Fisher's does not."""
    hits = {"group": 0, "fisher": 0}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(20), 19)
        a = np.repeat(rng.normal(0, 1, 20), 19)
        b = 0.7 * a + np.repeat(rng.normal(0, (1 - 0.49) ** 0.5, 20), 19)
        found = evaluation.group_interval(evaluation.plcc, a, b, groups, draws=200, seed=seed)
        low, high = evaluation.fisher_interval(found.value or 0.0, len(a))
        hits["group"] += found.low <= 0.7 <= found.high  # type: ignore[operator]
        hits["fisher"] += low <= 0.7 <= high
    assert hits["group"] / 150 >= 0.85
    assert hits["fisher"] / 150 < 0.6


def test_raw_and_mapped_plcc_have_two_names() -> None:
    """A saturating model has a higher mapped than raw PLCC; SROCC is the same either way."""
    x, y = sample()
    found = evaluation.evaluate(x, y, ci95=np.full(300, 0.3), mapping="logistic4", draws=100)
    assert found.figures["plcc_mapped"].value > found.figures["plcc"].value + 0.05  # type: ignore[operator]
    assert found.figures["outlier_ratio"].value is not None
    assert found.figures["rmse_star"].value < found.figures["rmse"].value  # type: ignore[operator]
    assert found.as_dict()["mapping"] == "logistic4"


def test_bad_input_is_one_line() -> None:
    """Unequal lengths, nan and unknown mappings are UsageFaults."""
    with pytest.raises(UsageFault, match="3 predictions for 4 scores"):
        evaluation.evaluate(np.ones(3), np.ones(4))
    with pytest.raises(UsageFault, match="not a finite number"):
        evaluation.evaluate(np.array([1.0, np.nan]), np.ones(2))
    with pytest.raises(UsageFault, match="no mapping 'spline'"):
        fit(np.ones(3), np.ones(3), "spline")
