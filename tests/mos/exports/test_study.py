from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mos.exports.study import StudyData, image_names, votes_hash
from tests.mos.studies import small_study
from workspace.errors import StudyFault, TableFault


def test_scores_are_means_of_first_presentations(tmp_path: Path) -> None:
    """MOS, SD and n come from each observer's first vote; repeats change nothing."""
    study = small_study(tmp_path)
    table = study.scores()
    some = table.iloc[3]
    votes = study.select(some["panel"], some["question"])
    first = votes.loc[(votes["stimulus"] == some["stimulus"]) & (votes["rep"] == 0), "score"].to_numpy()
    assert some["mos"] == pytest.approx(first.mean())
    assert some["sd"] == pytest.approx(first.std(ddof=1))
    assert some["n"] == len(first) == some["n_simulated"]


def test_votes_hash_ignores_the_order_of_rows(tmp_path: Path) -> None:
    """The hash stays with shuffled rows and changes with one vote."""
    votes = small_study(tmp_path).votes
    shuffled = votes.sample(frac=1, random_state=3)
    other = votes.copy()
    other.loc[0, "score"] += 1
    assert votes_hash(shuffled) == votes_hash(votes) != votes_hash(other)


def test_votes_on_unknown_images_are_refused(tmp_path: Path) -> None:
    """A vote on an image that the study does not list is a TableFault that names it."""
    study = small_study(tmp_path)
    with pytest.raises(TableFault, match="unknown images \\(P0000_blur_1\\)"):
        StudyData(
            "x", study.votes, study.stimuli.loc[study.stimuli["stimulus"] != "P0000_blur_1"], study.observers, study.questions
        )


def test_missing_columns_are_named() -> None:
    """A votes table without scores says which column is missing and what it has."""
    with pytest.raises(TableFault, match="no column 'score'; it has: stimulus, observer"):
        votes_hash(pd.DataFrame({"stimulus": ["a"], "observer": ["b"]}))


def test_file_names_never_collide() -> None:
    """Two images that would get one file name are refused."""
    with pytest.raises(StudyFault, match=r"would both become a_b\.png"):
        image_names(pd.DataFrame({"stimulus": ["a/b", "a b"], "file": ["x.png", "y.png"]}))


def test_an_unknown_question_names_the_known_ones(tmp_path: Path) -> None:
    """Asking for a question that was not asked lists those that were."""
    with pytest.raises(StudyFault, match="it has: quality"):
        small_study(tmp_path).scale("beauty")
    assert np.isfinite(small_study(tmp_path).scale("quality")).all()
