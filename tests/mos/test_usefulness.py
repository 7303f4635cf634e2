from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats

from mos import usefulness
from mos.votes import from_matrix
from workspace.errors import UsageFault

FLEISS = np.array(
    [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0],
     [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]], float,
)  # fmt: skip


def answers(seed: int = 1, contents: int = 30) -> tuple[object, object]:
    """Yes/no answers that follow MOS (half at 5) and quality votes, 4 images per content, 9 observers."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1.5, 9.5, contents * 4)
    content = tuple(np.repeat([f"c{i}" for i in range(contents)], 4))
    quality = np.clip(np.round(truth[:, None] + rng.normal(0, 1, (len(truth), 9))), 1, 10)
    yes = (rng.random((len(truth), 9)) < special.expit(1.2 * (truth - 5))[:, None]).astype(float)
    made = from_matrix(yes, 0, 1, content=content), from_matrix(quality, 1, 10, content=content)
    for votes in made:
        votes.info["axis"] = np.tile(["blur", "blur", "jpeg", "jpeg"], contents)
        votes.info["skin_tone"] = np.repeat(np.where(np.arange(contents) % 2, "II", "V"), 4)
    return made


def test_wilson_equals_scipy() -> None:
    """Shares and intervals of several counts equal scipy's Wilson interval."""
    for yes, n in ((0, 10), (3, 10), (10, 10), (57, 380)):
        found = usefulness.wilson(yes, n)
        expected = stats.binomtest(yes, n).proportion_ci(method="wilson")
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert usefulness.wilson(0, 0).reason == "no votes"


def test_published_agreement() -> None:
    """Fleiss' kappa of the textbook table is .210; Gwet's example 118/5/2/0 has AC1 .9408 where kappa is below 0."""
    _, kappa = usefulness.agreement(FLEISS)
    assert kappa.value == pytest.approx(0.210, abs=0.0005)
    gwet = np.array([[2, 0]] * 118 + [[1, 1]] * 7, float)
    ac1, paradox = usefulness.agreement(gwet)
    assert ac1.value == pytest.approx(0.9408, abs=0.00005)
    assert paradox.value is not None
    assert paradox.value < 0
    assert ac1.low is not None
    assert ac1.high is not None
    assert ac1.low < 0.9408 < ac1.high


def test_unanimous_answers_say_why_there_is_no_kappa() -> None:
    """Everyone says yes: AC1 is 1, kappa undefined with a reason; one vote per image gives neither."""
    ac1, kappa = usefulness.agreement(np.array([[0, 5], [0, 4]], float))
    assert ac1.value == 1.0
    assert kappa.reason.startswith("everyone gave the same answer")
    assert usefulness.agreement(np.array([[1, 0], [0, 1]], float))[0].reason == "no image has two votes"


def test_the_curve_is_the_maximum_of_the_likelihood() -> None:
    """Intercept and slope equal a general optimiser's."""
    rng = np.random.default_rng(2)
    mos, n = rng.uniform(1, 10, 80), np.full(80, 9.0)
    yes = rng.binomial(9, special.expit(0.8 * (mos - 5))).astype(float)
    found = usefulness.fit_curve(mos, yes, n, np.arange(80) // 4, 1, 10)

    def loss(b: np.ndarray) -> float:
        line = b[0] + b[1] * mos
        return float(np.sum(n * np.logaddexp(0, line) - yes * line))

    best = optimize.minimize(loss, [0.0, 0.0]).x
    assert (found.intercept, found.slope) == pytest.approx(tuple(best), abs=1e-3)
    p, low, high = found.at(np.array([2.0, 5.0, 8.0]))
    assert (low < p).all()
    assert (p < high).all()


def test_the_cutoff_follows_the_cost_and_covers() -> None:
    """Costlier unfit images move the cut-off up; over 100 studies its interval holds the truth in at least 88 %."""
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        mos = rng.uniform(1, 10, 120)
        yes = rng.binomial(9, special.expit(1.2 * (mos - 5))).astype(float)
        curve = usefulness.fit_curve(mos, yes, np.full(120, 9.0), np.arange(120) // 4, 1, 10)
        found = curve.cutoff(usefulness.needed_probability(4, 1))
        truth = 5 + special.logit(0.8) / 1.2
        hits += found.low <= truth <= found.high  # type: ignore[operator]
    assert hits >= 88
    assert curve.cutoff(0.9).value > curve.cutoff(0.5).value  # type: ignore[operator]
    assert "above the needed probability" in curve.cutoff(1 - 1e-9).reason


def test_the_table_has_a_row_per_axis_and_skin_tone() -> None:
    """All, each axis and each tone with share, agreement, curve and cut-off."""
    yes, quality = answers()
    table = usefulness.usefulness_table(yes, quality, costs=(4, 1), draws=100)  # type: ignore[arg-type]
    assert tuple(table.columns) == usefulness.COLUMNS
    assert table[["grouping", "name"]].to_numpy().tolist() == [
        ["all", "all"], ["axis", "blur"], ["axis", "jpeg"], ["skin_tone", "II"], ["skin_tone", "V"],
    ]  # fmt: skip
    whole = table.iloc[0]
    assert whole["cutoff_low"] < whole["cutoff_mos"] < whole["cutoff_high"]
    assert whole["p_needed"] == 0.8
    assert whole["crossed_high"] - whole["crossed_low"] > whole["wilson_high"] - whole["wilson_low"]


def test_separated_answers_have_no_curve() -> None:
    """Yes above and no below one MOS: no curve, with the reason."""
    mos = np.linspace(1, 10, 40)
    yes = np.where(mos > 5, 9.0, 0.0)
    found = usefulness.fit_curve(mos, yes, np.full(40, 9.0), np.arange(40) // 4, 1, 10)
    assert "without overlap" in found.cutoff(0.8).reason
    flat = usefulness.fit_curve(mos, np.full(40, 3.0), np.full(40, 9.0), np.arange(40) // 4, 1, 10)
    assert flat.cutoff(0.5).reason.startswith("needs three contents")


def test_a_choice_question_lists_every_answer() -> None:
    """One of three: a row per answer whose shares add up to 1."""
    votes = from_matrix(np.random.default_rng(3).integers(1, 4, (20, 6)).astype(float), 1, 3)
    table = usefulness.usefulness_table(votes, draws=50)
    assert table["answer"].tolist() == ["1", "2", "3"]
    assert table["share"].sum() == pytest.approx(1)


def test_costs_must_be_positive() -> None:
    """A cost of 0 is refused."""
    with pytest.raises(UsageFault, match="both must be above 0"):
        usefulness.needed_probability(0, 1)
