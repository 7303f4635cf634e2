"""Scores on [1, 10]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.scale import to_ten
from workspace.errors import DatasetFault, UsageFault

SCORES = np.array([1.0, 2.0, 3.0, 5.0])


def test_nominal_is_the_papers_linear_map() -> None:
    """1 to 5 becomes 1, 3.25, 5.5, 10."""
    np.testing.assert_allclose(to_ten(SCORES, 1, 5), [1, 3.25, 5.5, 10])


def test_min_max_uses_the_scores_own_ends() -> None:
    """The worst image of the set gets 1 and the best 10."""
    np.testing.assert_allclose(to_ten(np.array([20.0, 50.0, 80.0]), 0, 100, "minmax"), [1, 5.5, 10])


def test_affine_map_of_the_nominal_axis() -> None:
    """KADID's measured map onto KonIQ's axis, .694 x + .71, is applied to the nominal value."""
    np.testing.assert_allclose(to_ten(SCORES, 1, 5, "affine:0.694,0.71"), 0.694 * np.array([1, 3.25, 5.5, 10]) + 0.71)


def test_map_file_is_interpolated(tmp_path: Path) -> None:
    """A file of knots is a rising piecewise linear map."""
    path = tmp_path / "m.csv"
    path.write_text("score,score10\n1,2\n3,4\n5,9\n")
    np.testing.assert_allclose(to_ten(SCORES, 1, 5, f"map:{path}"), [2, 3, 4, 9])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("score,score10\n1,4\n5,2\n", "must rise"),
        ("score,score10\n2,4\n5,6\n", "covers 2 to 5"),
        ("a,b\n1,2\n3,4\n", "needs the columns"),
        ("score,score10\n1,2\n", "two rows or more"),
    ],
)
def test_bad_maps_are_named(tmp_path: Path, text: str, says: str) -> None:
    """A falling, too short or foreign map is refused."""
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(DatasetFault, match=says):
        to_ten(SCORES, 1, 5, f"map:{path}")


def test_leaving_the_axis_is_a_fault() -> None:
    """A map that leads outside [1, 10] is refused: eq. 4's levels end there."""
    with pytest.raises(DatasetFault, match=r"outside \[1, 10\]"):
        to_ten(SCORES, 1, 5, "affine:1.44,-1.0")


@pytest.mark.parametrize("scale", ["linear", "affine:1", "affine:-1,2", "affine:x,y"])
def test_unknown_scale(scale: str) -> None:
    """A misspelled scale says what was expected."""
    with pytest.raises(UsageFault, match=r"expected|slope"):
        to_ten(SCORES, 1, 5, scale)


def test_equal_scores_have_no_min_max() -> None:
    """One value can't be stretched."""
    with pytest.raises(DatasetFault, match="two different"):
        to_ten(np.array([3.0, 3.0]), 1, 5, "minmax")
