from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mos.conduct import drift, longest_runs, repeat_differences
from mos.correlations import agreement_with_others
from mos.screening import RULES, bt500, check_rules, observer_table, rejected_by
from mos.votes import Votes, from_matrix
from tests.mos.golden import SETS, golden_json, golden_votes
from workspace.errors import UsageFault


@pytest.mark.parametrize("name", SETS)
def test_bt500_is_the_strict_rule(shared: Path, name: str) -> None:
    """Counts above and below the limits and the rejected observers equal the reference computation."""
    votes, wanted = golden_votes(shared, name), golden_json(shared, name)["bt500_strict"]
    found = bt500(votes)
    assert list(found.p) == wanted["P"]
    assert list(found.q) == wanted["Q"]
    assert [votes.observers[i] for i in np.flatnonzero(found.rejected)] == wanted["rejected"]


def test_unanimous_images_make_nobody_an_outlier() -> None:
    """On images that all agree on, no vote lies outside, whatever their number."""
    found = bt500(from_matrix(np.tile(np.arange(1.0, 6)[:, None], (1, 20)), 1, 5))
    assert found.p.sum() + found.q.sum() == 0
    assert not found.rejected.any()


def test_the_share_is_of_the_observers_own_votes() -> None:
    """An observer with few votes is judged by them: one high and one low outlier among 20 own votes is 10 %."""
    rng = np.random.default_rng(0)
    grid = np.round(rng.normal(50, 2, (200, 30)))
    grid[:20, 0], grid[20:, 0] = 50, np.nan
    grid[0, 0], grid[1, 0] = 100, 0
    found = bt500(from_matrix(grid, 0, 100))
    assert found.n[0] == 20
    assert found.share[0] == pytest.approx(2 / 20)
    assert found.rejected[0]


@pytest.mark.parametrize("name", SETS)
def test_correlations_leave_the_observer_out(shared: Path, name: str) -> None:
    """Pearson with the mean of the others equals the reference; it lies below the correlation with everyone."""
    wanted = golden_json(shared, name)
    r = agreement_with_others(golden_votes(shared, name)).pearson
    np.testing.assert_allclose(r, wanted["pearson_observer_vs_mos_of_others"], rtol=0, atol=1e-9)
    assert (r < np.array(wanted["pearson_observer_vs_mos"])).all()


def test_too_few_or_constant_votes_are_not_assessable() -> None:
    """Two images, or one vote for all, give no correlation and no verdict."""
    grid = np.array([[1.0, 2, 3, 3], [2, 3, 3, 4], [4, np.nan, 3, 5], [5, np.nan, 3, 6]])
    table = observer_table(from_matrix(grid, 1, 10)).set_index("observer")
    assert table.loc["o0001", "vqeg_verdict"] == table.loc["o0002", "vqeg_verdict"] == "not assessable"
    assert table.loc["o0000", "vqeg_verdict"] == "keep"


def _session(scores: np.ndarray, **columns: np.ndarray) -> Votes:
    """Votes in the order of columns of stimuli x observers."""
    stimuli, observers = scores.shape
    frame = pd.DataFrame(
        {
            "stimulus": np.tile([f"s{j:03d}" for j in range(stimuli)], observers),
            "observer": np.repeat([f"o{i}" for i in range(observers)], stimuli),
            "score": scores.T.ravel(),
            "position": np.tile(np.arange(stimuli), observers),
            **columns,
        }
    )
    return Votes.from_frame(frame, 1, 10)


def _honest(stimuli: int = 120, observers: int = 8, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(2, 9, stimuli)
    return np.clip(np.round(truth[:, None] + rng.normal(0, 1, (stimuli, observers))), 1, 10)


def test_straight_lining_is_found() -> None:
    """An observer who gives one vote for 15 images on end is named, honest ones are not."""
    grid = _honest()
    grid[30:45, 2] = 7
    votes = _session(grid)
    assert longest_runs(votes)[2] >= 15
    assert rejected_by(votes, ["straight"]) == {"o2": ["straight"]}


def test_drift_is_measured_in_points() -> None:
    """An observer whose votes fall by two points over the session has a drift of about -2, and is named."""
    rng = np.random.default_rng(2)
    grid = _honest().astype(float)
    grid[:, 3] = np.clip(np.round(grid[:, 3] + np.linspace(1, -1, 120) + rng.normal(0, 0.1, 120)), 1, 10)
    votes = _session(grid)
    assert drift(votes)[0][3] == pytest.approx(-1.75, abs=0.4)
    assert set(rejected_by(votes, ["drift"])) == {"o3"}


def test_fast_answers_are_found() -> None:
    """More than a tenth of answers within 400 ms is named; unknown times are not assessable."""
    grid = _honest()
    times = np.full(grid.size, 1500.0)
    times[:30] = 200
    assert set(rejected_by(_session(grid, response_ms=times), ["speed"])) == {"o0"}
    assert observer_table(_session(grid))["speed_verdict"].eq("not assessable").all()


def test_repeats_compare_first_and_second_votes() -> None:
    """s_w = sqrt(sum d^2 / 2n) of the first against the second vote of the same image; three repeats at the least."""
    rows = [("a", 5, 0), ("a", 9, 1), ("b", 2, 0), ("b", 6, 1), ("c", 9, 0), ("c", 3, 1), ("c", 1, 2)]
    frame = pd.DataFrame([("x", *row) for row in rows], columns=["observer", "stimulus", "score", "rep"])
    votes = Votes.from_frame(frame, 1, 10)
    within, n = repeat_differences(votes)
    assert n[0] == 3
    assert within[0] == pytest.approx(np.sqrt((16 + 16 + 36) / 6))
    assert rejected_by(votes, ["repeats"]) == {"x": ["repeats"]}


def test_gold_images_have_an_expected_range() -> None:
    """Fewer than 70 % of the gold votes within gold_low..gold_high is named."""
    votes = _session(_honest())
    info = votes.info.assign(gold_low="", gold_high="")
    info.loc["s000", ["gold_low", "gold_high"]] = ["1", "1"]
    gold = Votes.from_frame(votes.frame(), 1, 10, info)
    missed = {name for name, s in zip(gold.frame()["observer"], gold.frame()["score"], strict=True) if s > 1}
    assert set(rejected_by(gold, ["gold"])) <= missed
    assert observer_table(gold)["gold_n"].eq(1).all()


def test_gold_images_may_stand_apart() -> None:
    """Counts of gold votes that are no scored votes are judged by the same rule."""
    votes = replace(_session(_honest()), gold={"o1": (1, 6), "o2": (6, 6)})
    assert rejected_by(votes, ["gold"]) == {"o1": ["gold"]}
    table = observer_table(votes).set_index("observer")
    assert (table.loc["o2", "gold_share"], table.loc["o2", "gold_n"]) == (1, 6)
    assert table.loc["o3", "gold_verdict"] == "not assessable"


def test_careless_observers_are_found_by_inconsistency() -> None:
    """Random votes stand out by more than twice the panel's inconsistency; honest ones do not."""
    grid = _honest()
    grid[:, 5] = np.random.default_rng(3).integers(1, 11, 120)
    assert set(rejected_by(_session(grid), ["inconsistency"])) == {"o5"}
    assert set(rejected_by(_session(grid), ["samviq"])) == {"o5"}


def test_vqeg_multimedia_needs_both_correlations_low() -> None:
    """An observer noisy per image but right per variant is kept by vqeg_mm though vqeg alone would reject."""
    rng = np.random.default_rng(4)
    variant = np.repeat(np.arange(6), 30)
    grid = variant[:, None] * 0.7 + 3 + rng.normal(0, 0.6, (180, 8))
    grid[:, 1] += rng.normal(0, 2.5, 180)
    votes = from_matrix(np.clip(grid, 1, 10), 1, 10)
    votes.info["variant"] = [f"v{v}" for v in variant]
    table = observer_table(votes).set_index("observer")
    assert table.loc["o0001", "vqeg_verdict"] == "reject"
    assert table.loc["o0001", "vqeg_mm_verdict"] == "keep"


def test_every_rule_has_statistic_threshold_and_verdict() -> None:
    """observers.csv holds three columns for each rule."""
    columns = set(observer_table(_session(_honest())).columns)
    for rule in RULES:
        assert {f"{rule}_statistic", f"{rule}_threshold", f"{rule}_verdict"} <= columns


def test_an_unknown_rule_is_refused_with_the_nearest() -> None:
    """A misspelt rule is a wrong call."""
    with pytest.raises(UsageFault, match=r"'bt50' is not known \(did you mean 'bt500'\?\)"):
        check_rules(["bt50"])


def test_no_votes_at_all_give_an_empty_table() -> None:
    """A study that nobody has rated yet: no observer, no row, no fault."""
    votes = Votes.from_frame(
        pd.DataFrame({"stimulus": [], "observer": [], "score": []}), 1, 10, pd.DataFrame({"stimulus": ["a", "b"]})
    )
    assert len(observer_table(votes)) == 0
