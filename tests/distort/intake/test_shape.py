"""Upright, rotated, masked, cropped, fitted."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from distort.intake.shape import Edits, edit, edits_of, fit, inscribed, rotate, upright
from tests.distort.intake.pictures import photo
from workspace.errors import PhotoFault


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_those_of_pillow(orientation: int) -> None:
    """Each of the eight orientations is turned as Pillow turns it."""
    image = Image.fromarray(photo(30, 50))
    exif = image.getexif()
    exif[274] = orientation
    image.info["exif"] = exif.tobytes()
    assert np.array_equal(upright(photo(30, 50), orientation), np.asarray(ImageOps.exif_transpose(image)))


def test_masks_and_crop_are_counted_on_the_rotated_original() -> None:
    """A quarter turn first, then the black-out, then the crop, all in pixels of the turned photo."""
    rgb = photo(60, 90)
    found = edit(rgb, Edits(rotation=90, crop=(10, 20, 30, 40), masks=((12, 22, 5, 6),)))
    expected = np.rot90(rgb, -1)[20:60, 10:40].copy()
    expected[2:8, 2:7] = 0
    assert np.array_equal(found, expected)
    assert np.array_equal(rgb, photo(60, 90))


def test_a_crop_that_reaches_out_is_refused() -> None:
    """The fault names the crop and the photo's size."""
    with pytest.raises(PhotoFault, match=r"the crop 80 0 20 20 reaches out of the photo \(90 x 60\): correct sources.csv"):
        edit(photo(60, 90), Edits(crop=(80, 0, 20, 20)))


def test_a_small_rotation_leaves_no_empty_corner() -> None:
    """A white photo turned by any angle is white to its corners."""
    white = np.full((80, 120, 3), 255, dtype=np.uint8)
    for degrees in (-7.5, 3, 30, 45, 135.5):
        assert rotate(white, degrees).min() == 255


def test_rotation_is_clockwise() -> None:
    """Half a degree short of a quarter turn is nearly the quarter turn."""
    rgb = photo(101, 101)
    near, exact = rotate(rgb, 89.5), rotate(rgb, 90)
    edge = (101 - near.shape[0]) // 2
    inner = exact[edge : edge + near.shape[0], edge : edge + near.shape[1]]
    assert np.abs(inner.astype(int) - near).mean() < 4


@given(st.integers(1, 4000), st.integers(1, 4000), st.floats(0, 360))
def test_the_inscribed_rectangle_lies_inside(width: int, height: int, degrees: float) -> None:
    """Its corners, turned back, lie within the photo."""
    w, h = inscribed(width, height, degrees)
    angle = math.radians(degrees)
    for x, y in ((w, h), (w, -h)):
        across = abs(x * math.cos(angle) + y * math.sin(angle)) / 2
        down = abs(-x * math.sin(angle) + y * math.cos(angle)) / 2
        assert w == 1 or h == 1 or (across <= width / 2 + 1e-6 and down <= height / 2 + 1e-6)


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(16, 128))
def test_fitting_averages_areas_and_never_enlarges(height: int, width: int, side: int) -> None:
    """The mean stays, the largest side becomes `side`, the shape stays within half a pixel; a small photo is left alone."""
    rgb = photo(height, width)
    found = fit(rgb, side)
    if max(height, width) <= side:
        assert found is rgb
        return
    assert max(found.shape[:2]) == side
    assert abs(min(found.shape[:2]) - max(1, min(height, width) * side / max(height, width))) <= 0.5
    if min(height, width) > 40:
        assert abs(float(found.mean()) - float(rgb.mean())) < 1.5


def test_whole_factors_are_plain_means() -> None:
    """At a fourth of the size every pixel is the mean of sixteen."""
    rgb = photo(256, 256)
    means = rgb.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(fit(rgb, 64) - means).max() <= 0.5


def test_cells_become_edits() -> None:
    """Crop, rotation and masks are read from the table's cells; nonsense is named."""
    assert edits_of("1 2 3 4", "-1.5", "0 0 5 5; 6 6 7 7") == Edits(-1.5, (1, 2, 3, 4), ((0, 0, 5, 5), (6, 6, 7, 7)))
    assert not edits_of("", "", "")
    with pytest.raises(PhotoFault, match="can't be read"):
        edits_of("1 2 3", "", "")


def test_fitting_agrees_with_opencv_area() -> None:
    """The working size is OpenCV's area interpolation."""
    rgb = photo(331, 517)
    assert np.array_equal(fit(rgb, 100), cv2.resize(rgb, (100, 64), interpolation=cv2.INTER_AREA))
