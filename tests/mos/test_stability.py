from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mos import stability
from tests.mos.made import known_votes
from tests.mos.test_reliability import golden


def test_split_half_of_public_votes(shared: Path) -> None:
    """NFLX public: .990, as published for it."""
    votes, _ = golden(shared, "nflx_public")
    found = stability.split_half(votes.matrix())
    assert found.value == pytest.approx(0.990, abs=0.001)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high  # type: ignore[operator]


def test_split_half_is_the_reliability_of_the_mean() -> None:
    """Under the model the lengthened split half estimates ICC(C,k)."""
    matrix = known_votes(np.random.default_rng(1), contents=30, observers=24).matrix()
    from mos.reliability import icc

    assert stability.split_half(matrix).value == pytest.approx(icc(matrix)["ICC(C,k)"].value, abs=0.01)


def test_rank_stability_grows_with_n() -> None:
    """More observers give more similar orders, and sizes stop at half of all."""
    rows = stability.rank_stability(known_votes(np.random.default_rng(3), observers=20).matrix())
    values = [row.srocc for row in rows]
    assert [row.n for row in rows] == [2, 3, 5, 8, 10]
    assert values == sorted(values)  # type: ignore[type-var]


def test_two_groups_without_a_common_image_are_found() -> None:
    """Observers that share no image with the others form a part of their own."""
    matrix = np.full((6, 4), np.nan)
    matrix[:3, :2], matrix[3:, 2:] = 5, 6
    found = stability.connectedness(matrix)
    assert (found.parts, found.groups.tolist(), found.common_least) == (2, [0, 0, 1, 1], 0)
    assert "can't be compared" in found.as_dict()["reason"]
    matrix[3, 1] = 4
    assert stability.connectedness(matrix).parts == 1


def test_few_observers_give_a_reason() -> None:
    """Three observers can't be split in halves of two."""
    assert stability.split_half(np.ones((9, 3))).reason == "needs four observers and three stimuli"
    assert stability.rank_stability(np.ones((9, 3))) == []
