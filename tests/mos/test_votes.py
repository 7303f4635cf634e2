from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mos.models import MODELS, fit
from mos.scores import score_table
from mos.screening import observer_table
from mos.votes import Votes, from_matrix, truth
from workspace.errors import TableFault

FRAME = pd.DataFrame({"stimulus": ["b", "a", "b"], "observer": ["y", "x", "x"], "score": [3, 4, 5]})


def test_names_become_sorted_codes() -> None:
    """Codes follow the sorted names, so the order of rows decides nothing; a stimuli table keeps its own order."""
    votes = Votes.from_frame(FRAME, 1, 5)
    assert votes.stimuli == ("a", "b")
    assert votes.observers == ("x", "y")
    assert list(votes.stimulus) == [1, 0, 1]
    assert Votes.from_frame(FRAME, 1, 5, pd.DataFrame({"stimulus": ["b", "a"]})).stimuli == ("b", "a")


def test_a_missing_column_is_named() -> None:
    """The fault names the column and what there is."""
    with pytest.raises(TableFault, match="no column 'score'; they have: stimulus, observer"):
        Votes.from_frame(FRAME[["stimulus", "observer"]], 1, 5)


def test_a_score_out_of_scale_is_named_with_its_row() -> None:
    """The fault names value, row and scale."""
    with pytest.raises(TableFault, match=r"score '5' \(row 3 of the votes\) is not a number from 1 to 4"):
        Votes.from_frame(FRAME, 1, 4)


def test_unknown_and_doubled_stimuli_are_named() -> None:
    """A vote on an unlisted stimulus and a stimulus listed twice are faults."""
    with pytest.raises(TableFault, match=r"'b' \(row 1 of the votes\) is not in the stimuli"):
        Votes.from_frame(FRAME, 1, 5, pd.DataFrame({"stimulus": ["a"]}))
    with pytest.raises(TableFault, match="'a' stands twice"):
        Votes.from_frame(FRAME, 1, 5, pd.DataFrame({"stimulus": ["a", "a", "b"]}))


def test_first_presentations_go_by_rep_then_time_then_row() -> None:
    """The earliest of an observer's votes on a stimulus stays, by whatever tells the order."""
    frame = pd.DataFrame({"stimulus": ["a", "a"], "observer": ["x", "x"], "score": [1, 2]})
    assert Votes.from_frame(frame, 1, 5).first().score[0] == 1
    assert Votes.from_frame(frame.assign(rep=[1, 0]), 1, 5).first().score[0] == 2
    timed = frame.assign(time=["2026-05-01T10:00:00Z", "2026-05-01T09:00:00+00:00"])
    assert Votes.from_frame(timed, 1, 5).first().score[0] == 2


def test_the_matrix_and_the_long_table_are_the_same_votes() -> None:
    """A matrix gives its own cells back, missing ones as nan."""
    grid = np.array([[1.0, np.nan], [3, 4], [np.nan, 5]])
    votes = from_matrix(grid, 1, 5)
    np.testing.assert_array_equal(votes.matrix(), grid)
    np.testing.assert_array_equal(Votes.from_frame(votes.frame(), 1, 5).matrix(), grid)


def test_references_are_found_by_content() -> None:
    """Each stimulus points to the one reference of its content; none or several give -1."""
    votes = from_matrix(np.ones((5, 2)), 1, 5, content=("a", "a", "b", "b", ""), is_ref=np.array([1, 0, 1, 1, 0], bool))
    assert list(votes.references()) == [0, 0, -1, -1, -1]


@pytest.mark.parametrize(("said", "meant"), [("1", True), ("yes", True), ("TRUE", True), (1.0, True), ("0", False), ("", False)])
def test_yes_has_several_spellings(said: object, meant: bool) -> None:
    """Cells of yes-or-no columns are read in the common spellings."""
    assert truth(said) is meant


GRIDS = st.integers(2, 6).flatmap(
    lambda people: st.lists(st.lists(st.integers(1, 10) | st.none(), min_size=people, max_size=people), min_size=2, max_size=8)
)


def _votes(rows: list[list[int | None]], shift: float = 0) -> Votes:
    grid = np.array([[np.nan if v is None else v + shift for v in row] for row in rows], float)
    content = tuple(f"c{j // 2}" for j in range(len(rows)))
    return from_matrix(grid, 1 + shift, 10 + shift, content=content, is_ref=np.arange(len(rows)) % 2 == 0)


@given(GRIDS, st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_order_of_rows_and_names_of_observers_change_nothing(rows: list[list[int | None]], random: object) -> None:
    """Shuffled rows and renamed observers give the same scores, without warning."""
    votes = _votes(rows)
    if not len(votes):
        return
    frame = votes.frame().sample(frac=1, random_state=random.randrange(2**31))  # type: ignore[attr-defined]
    frame["observer"] = ["z" + str(99 - int(name[1:])) for name in frame["observer"]]
    again = Votes.from_frame(frame, 1, 10, votes.info.reset_index())
    pd.testing.assert_frame_equal(score_table(again), score_table(votes), rtol=1e-9, atol=1e-9)
    ours, theirs = observer_table(votes), observer_table(again)
    pd.testing.assert_series_equal(
        ours["r_spearman"].sort_values(ignore_index=True), theirs["r_spearman"].sort_values(ignore_index=True), atol=1e-9
    )


@given(GRIDS, st.sampled_from([m for m in MODELS if m not in ("GSD", "MLE_FULL")]))
@settings(max_examples=30, deadline=None)
def test_a_shift_of_the_scale_shifts_the_scores(rows: list[list[int | None]], model: str) -> None:
    """Votes and scale moved by 7 move every score by 7 (z-scores by nothing) and leave every error as it was."""
    votes, moved = _votes(rows), _votes(rows, 7)
    if not len(votes):
        return
    one, other = fit(model, votes), fit(model, moved)
    step = 0 if model in ("ZS_MOS", "LIVE_DMOS") else 7
    if any("collapsed" in note or "settle" in note for note in one.notes):
        return
    np.testing.assert_allclose(other.score, one.score + step, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other.se, one.se, rtol=1e-4, atol=1e-5)


@given(GRIDS)
@settings(max_examples=20, deadline=None)
def test_no_vote_pattern_gives_an_infinite_or_unexplained_number(rows: list[list[int | None]]) -> None:
    """Whatever is missing or equal, scores stay within the scale and an interval holds its mean."""
    table = score_table(_votes(rows))
    known = table["n"] > 1
    assert table["mos"][table["n"] > 0].between(1, 10).all()
    assert (table["ci95_low"][known] <= table["mos"][known] + 1e-9).all()
    assert (table["ci95_bounded_high"][known] >= table["mos"][known] - 1e-9).all()
    assert not np.isinf(table.select_dtypes("number").to_numpy(float)).any()
