from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mos import repeats
from mos.votes import Votes


def test_agreement_by_hand() -> None:
    """Differences 0, 1, -1, 2 give s_w = sqrt(6/8), exact .25, within one .75, shift .5."""
    found = repeats.agreement(np.array([3.0, 4, 6, 7]), np.array([3.0, 5, 5, 9]))
    assert found.pairs == 4
    assert (found.exact, found.within_one) == (0.25, 0.75)
    assert found.within_sd == pytest.approx((6 / 8) ** 0.5)
    assert found.repeatability == pytest.approx(1.96 * 2**0.5 * (6 / 8) ** 0.5)
    assert found.shift.value == 0.5
    assert found.r.value == pytest.approx(np.corrcoef([3, 4, 6, 7], [3, 5, 5, 9])[0, 1])


def test_pairs_are_first_and_second_votes_of_one_observer() -> None:
    """Pairs follow rep whatever the order of rows; a third vote and single votes are left out."""
    frame = pd.DataFrame(
        {"stimulus": ["a", "a", "a", "b", "a"], "observer": ["x", "x", "x", "x", "y"], "score": [5, 3, 9, 4, 7],
         "rep": [1, 0, 2, 0, 0]}
    )  # fmt: skip
    first, second, observer = repeats.pairs_of(Votes.from_frame(frame, 1, 10))
    assert (first.tolist(), second.tolist(), observer.tolist()) == ([3.0], [5.0], [0])
    found = repeats.by_observer(Votes.from_frame(frame, 1, 10))
    assert list(found) == ["x"]
    assert found["x"].r.reason == "fewer than three pairs, or constant votes"


def test_no_repeats_say_so() -> None:
    """A study without repeats has no agreement, with the reason."""
    frame = pd.DataFrame({"stimulus": ["a"], "observer": ["x"], "score": [5]})
    assert repeats.retest(Votes.from_frame(frame, 1, 10)).reason == "no image was rated twice"
