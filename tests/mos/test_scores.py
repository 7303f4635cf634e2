from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mos.bounded import bounded_interval, student_half
from mos.counts import quantiles
from mos.dmos import crush, dmos_table
from mos.scores import SCORE_COLUMNS, reference_lines, score_reasons, score_table
from mos.sos import sos
from mos.votes import Votes, from_matrix
from tests.mos.golden import SETS, golden_json, golden_table, golden_votes
from workspace.errors import UsageFault


@pytest.mark.parametrize("name", SETS)
def test_mos_sd_and_dmos_are_sureals(shared: Path, name: str) -> None:
    """Mean, SD, SE and DMOS of four public sets equal sureal's to 1e-9."""
    votes = golden_votes(shared, name)
    table = score_table(votes)
    expected = golden_table(shared, name, "MOS.csv", votes)
    differential = golden_table(shared, name, "DMOS.csv", votes)
    assert expected is not None
    assert differential is not None
    for ours, theirs in (("mos", "score"), ("sd", "sd"), ("se", "se")):
        np.testing.assert_allclose(table[ours], expected[theirs], rtol=0, atol=1e-9)
    np.testing.assert_allclose(table["dmos"], differential["score"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", SETS)
def test_sos_and_the_mean_interval_are_the_reference_values(shared: Path, name: str) -> None:
    """The SOS parameter and the mean half width of Student's interval equal the reference computation."""
    votes, wanted = golden_votes(shared, name), golden_json(shared, name)
    assert sos(votes).a == pytest.approx(wanted["sos_a_least_squares_ddof0"], abs=1e-9)
    table = score_table(votes)
    half = student_half(table["se"].to_numpy(), table["n"].to_numpy(float))
    assert half.mean() == pytest.approx(wanted["mean_student_ci95_halfwidth"], abs=1e-9)


def test_the_columns_are_the_final_ones() -> None:
    """scores.csv holds its columns in order, a whole scale's histogram at the end and none on 0..100."""
    votes = from_matrix(np.array([[1, 10], [4, 5]]), 1, 10)
    head = ["stimulus", "panel", "question", "content", "is_ref", *SCORE_COLUMNS]
    assert list(score_table(votes).columns) == head + [f"votes_{k}" for k in range(1, 11)]
    assert list(score_table(from_matrix(np.array([[1, 99.0]]), 0, 100)).columns) == head


def test_a_case_worked_by_hand() -> None:
    """Votes 2, 4, 6, 8 on 1..10: every descriptive as computed on paper."""
    row = score_table(from_matrix(np.array([[2.0, 4, 6, 8]]), 1, 10)).iloc[0]
    assert row["mos"] == 5
    assert row["sd"] == pytest.approx(np.sqrt(20 / 3))
    assert row["ci95_high"] == pytest.approx(5 + 3.182446305 * np.sqrt(20 / 3) / 2)
    assert (row["median"], row["q25"], row["q75"]) == (5, 3.5, 6.5)
    assert (row["good_or_better"], row["poor_or_worse"]) == (0.25, 0.25)
    assert [row[f"votes_{k}"] for k in range(1, 11)] == [0, 1, 0, 1, 0, 1, 0, 1, 0, 0]
    a = 5 / ((5 - 1) * (10 - 5))
    trials = 4 / a
    k = trials * 4 / 9
    low = 1 + 9 * stats.beta.ppf(0.025, k, trials - k + 1)
    assert row["ci95_bounded_low"] == pytest.approx(low)


def test_unanimous_votes_get_the_bounded_interval() -> None:
    """Ten votes of 10 are no certainty: the interval is one-sided and wide, and the reason is said."""
    votes = from_matrix(np.vstack([np.full(10, 10.0), np.arange(1, 11)]), 1, 10)
    table = score_table(votes)
    assert table["ci95_high"][0] == 10
    assert 7 < table["ci95_low"][0] < 10
    reasons = score_reasons(votes, table)
    assert "unanimous" in reasons.set_index("stimulus").loc["s0000"].query("columns == 'ci95'")["reason"].iloc[0]


def test_one_vote_and_no_vote_are_null_with_a_reason() -> None:
    """A single vote has a mean and nothing else; an image without votes stands with n = 0."""
    votes = from_matrix(np.array([[3, np.nan], [np.nan, np.nan], [1, 2]]), 1, 5)
    table = score_table(votes)
    assert list(table["n"]) == [1, 0, 2]
    assert table.loc[0, ["sd", "se", "ci95_low", "ci95_bounded_low"]].isna().all()
    assert table.loc[1, ["mos", "median", "dmos"]].isna().all()
    reasons = score_reasons(votes, table)
    said = {(r.stimulus, r.reason) for r in reasons.itertuples()}
    assert ("s0000", "one vote") in said
    assert ("s0001", "no vote") in said
    assert ("s0002", "reference missing") in said


def test_dmos_pairs_each_observer_with_the_own_reference_vote() -> None:
    """Observers without a vote on the reference drop out; values above the top are valid; the SE is that of differences."""
    grid = np.array([[9.0, 7, 8, np.nan], [5, 6, 9, 2]])
    votes = from_matrix(grid, 1, 10, content=("c", "c"), is_ref=np.array([True, False]))
    table = dmos_table(votes)
    differences = np.array([5 - 9, 6 - 7, 9 - 8]) + 10.0
    assert table.n[1] == 3
    assert table.dmos[1] == pytest.approx(differences.mean())
    assert table.se[1] == pytest.approx(differences.std(ddof=1) / np.sqrt(3))
    assert differences.max() == 11
    assert table.dmos[0] == 10
    assert np.isnan(table.ci95_low[0])


def test_several_references_of_a_content_give_no_dmos() -> None:
    """Two references of one content are named as the reason, not averaged in silence."""
    votes = from_matrix(np.array([[5.0, 5], [4, 5], [1, 2]]), 1, 5, content=("c",) * 3, is_ref=np.array([True, True, False]))
    table = score_table(votes)
    assert table["dmos"].isna().all()
    assert set(score_reasons(votes, table)["reason"]) >= {"content has several references"}


def test_crushing_keeps_the_top_and_presses_what_lies_above() -> None:
    """P.910's example on 1..5: 6 becomes 7 * 6 / 8; the scaled form on 1..10 takes c = 4.5; 5 stays 5."""
    np.testing.assert_allclose(crush(np.array([5.0, 6.0, 3.0]), 5, 1, "literal"), [5, 5.25, 3])
    np.testing.assert_allclose(crush(np.array([12.0]), 10, 1, "scaled"), [14.5 * 12 / 16.5])
    with pytest.raises(UsageFault, match="choose none, literal, scaled"):
        crush(np.array([1.0]), 5, 1, "hard")


def test_panels_and_questions_have_rows_of_their_own() -> None:
    """An image that only one panel rated stands under that panel alone; one that nobody rated stands in each."""
    frame = pd.DataFrame(
        {"stimulus": ["a", "a", "b"], "observer": ["1", "2", "1"], "score": [3, 4, 5], "panel": ["lay", "expert", "lay"]}
    )
    votes = Votes.from_frame(frame, 1, 5, pd.DataFrame({"stimulus": ["a", "b", "c"]}))
    table = score_table(votes)
    assert list(zip(table["panel"], table["stimulus"], table["n"], strict=True)) == [
        ("expert", "a", 1), ("expert", "c", 0), ("lay", "a", 1), ("lay", "b", 1), ("lay", "c", 0)
    ]  # fmt: skip


def test_only_first_presentations_count() -> None:
    """A repeated image counts once per observer, with its first vote by rep; n is observers."""
    frame = pd.DataFrame({"stimulus": ["a"] * 3, "observer": ["1", "1", "2"], "score": [5, 1, 3], "rep": [1, 0, 0]})
    row = score_table(Votes.from_frame(frame, 1, 5)).iloc[0]
    assert (row["n"], row["mos"]) == (2, 2)


def test_simulated_votes_are_counted() -> None:
    """n_simulated says how many of the n votes come from model observers."""
    frame = pd.DataFrame({"stimulus": ["a", "a"], "observer": ["1", "2"], "score": [5, 4], "simulated": [0, 1]})
    assert score_table(Votes.from_frame(frame, 1, 5))["n_simulated"][0] == 1


def test_references_below_good_are_one_line_per_study() -> None:
    """The line says how many references are below good, and the scores stay."""
    votes = from_matrix(np.array([[5.0, 6], [2, 3]]), 1, 10, content=("c", "c"), is_ref=np.array([True, False]))
    assert reference_lines(votes, score_table(votes)) == [
        "main, quality: 1 of 1 references score below 7.75 (mean 5.50); P.910 asks that a reference is good or better"
    ]


def test_the_bounded_interval_never_leaves_the_scale() -> None:
    """Near the ends it stays inside where Student's leaves; at the ends it closes on them."""
    low, high = bounded_interval(np.array([1.0, 1.1, 9.9, 10.0]), np.full(4, 5.0), 0.2, 1, 10)
    assert low.min() == 1
    assert high.max() == 10
    assert low[0] == 1
    assert high[3] == 10
    assert high[0] > 1.5


@given(st.lists(st.lists(st.integers(1, 10) | st.none(), min_size=3, max_size=3), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_quantiles_are_numpys(rows: list[list[int | None]]) -> None:
    """Median and quartiles of any votes equal NumPy's linear ones."""
    grid = np.array([[np.nan if v is None else v for v in row] for row in rows], float)
    votes = from_matrix(grid, 1, 10)
    if not len(votes):
        return
    found = quantiles(votes.stimulus, len(grid), votes.score, (0.25, 0.5, 0.75))
    for j, row in enumerate(grid):
        known = row[~np.isnan(row)]
        if len(known):
            np.testing.assert_allclose([f[j] for f in found], np.quantile(known, [0.25, 0.5, 0.75]))
