"""Blur against sums written out and against kernels measured by counting."""

from __future__ import annotations

import math

import numpy as np
import pytest

from distort.types.blur import disk, gaussian, lens, line, motion
from tests.distort.types.pictures import grey, noise


def test_gaussian_is_the_direct_sum() -> None:
    """Blur of sigma 1 equals the two-dimensional sum over 5 x 5 neighbours with repeated edges, rounded half up."""
    image = noise(9, 11)
    offsets = range(-2, 3)
    weights = {(i, j): math.exp(-(i * i + j * j) / 2) for i in offsets for j in offsets}
    total = sum(weights.values())
    expected = np.empty(image.shape)
    for y in range(9):
        for x in range(11):
            near = (w * image[min(max(y + i, 0), 8), min(max(x + j, 0), 10)].astype(float) for (i, j), w in weights.items())
            expected[y, x] = sum(near, np.zeros(3)) / total
    np.testing.assert_array_equal(gaussian(image, 1), np.floor(expected + 0.5))


@pytest.mark.parametrize("radius", [1, 2, 3.3, 4, 6, 8])
def test_disk_weights_are_shared_areas(radius: float) -> None:
    """Each weight of the disk is the pixel's area inside the circle, counted on 200 x 200 points to 1 %, and all sum to 1."""
    kernel = disk(radius)
    reach = len(kernel) // 2
    fine = (np.arange(200) + 0.5) / 200 - 0.5
    for i in range(len(kernel)):
        inside = np.hypot(fine[None, :] + (i - reach), fine[:, None]) <= radius
        assert kernel[reach, i] * math.pi * radius**2 == pytest.approx(inside.mean(), abs=0.01)
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-15)


def test_disk_of_radius_one_is_the_published_kernel() -> None:
    """The disk of radius 1 is .3183 in the middle, .1453 beside, .0251 at the corners."""
    np.testing.assert_allclose(disk(1)[1], [0.1453, 0.3183, 0.1453], atol=5e-5)
    np.testing.assert_allclose(disk(1)[0], [0.0251, 0.1453, 0.0251], atol=5e-5)


def test_line_along_the_axes() -> None:
    """A line of 5 pixels is five equal weights in a row at 0 and 180 degrees, and in a column at 90."""
    row = line(5, 0)
    middle = len(row) // 2
    np.testing.assert_allclose(row[middle, middle - 2 : middle + 3], 0.2)
    np.testing.assert_allclose(line(5, 180), row, atol=1e-12)
    np.testing.assert_allclose(line(5, 90), row.T, atol=1e-12)


def test_line_turns_counter_clockwise() -> None:
    """At 45 degrees the weights rise to the upper right and are symmetric about the middle."""
    kernel = line(9, 45)
    middle = len(kernel) // 2
    assert kernel[middle - 2, middle + 2] > 0.05
    assert kernel[middle + 2, middle + 2] == 0
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-12)


def test_motion_of_length_one_changes_nothing() -> None:
    """A line of one pixel is the identity at any angle, as level 1 of the catalogue."""
    image = noise(20, 30)
    for seed in range(5):
        np.testing.assert_array_equal(motion(image, 1, rng=np.random.RandomState(seed)), image)


def test_a_flat_picture_stays_flat() -> None:
    """No blur changes a picture of one grey level: the edges are repeated, not darkened."""
    for value in (0, 17, 255):
        image = grey(value)
        np.testing.assert_array_equal(gaussian(image, 5), image)
        np.testing.assert_array_equal(lens(image, 8), image)
        np.testing.assert_array_equal(motion(image, 10, rng=np.random.RandomState(1)), image)
