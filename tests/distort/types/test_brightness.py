"""Brightness against the curves' published points and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from distort.catalogue import CATALOGUE
from distort.types.brightness import brighten, darken, mean_shift, parabola
from distort.types.sharpness import contrast, sharpen, spline
from tests.distort.types.pictures import grey, noise, smooth


@pytest.mark.parametrize("amount", CATALOGUE[17].levels)
def test_darken_is_the_parabola_through_three_points(amount: float) -> None:
    """Type 17 equals the parabola through (0, 0), (.5, .5 - A/2), (1, 1) fitted by NumPy, rounded half up and clipped."""
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    fit = np.polyfit([0, 0.5, 1], [0, 0.5 - amount / 2, 1], 2)
    exact = np.polyval(fit, np.arange(256) / 255) * 255
    safe = np.abs(exact % 1 - 0.5) > 1e-6
    np.testing.assert_array_equal(darken(ramp, amount)[0, safe, 0], np.clip(np.floor(exact + 0.5), 0, 255)[safe])


@pytest.mark.parametrize("amount", CATALOGUE[25].levels)
def test_contrast_is_the_not_a_knot_spline(amount: float) -> None:
    """Type 25's closed form equals scipy's not-a-knot cubic spline through its five points."""
    x = np.linspace(0, 1, 1001)
    knots = CubicSpline([0, 0.3, 0.5, 0.7, 1], [0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1], bc_type="not-a-knot")
    np.testing.assert_allclose(spline(x, amount), knots(x), atol=1e-12)


def test_contrast_of_minus_a_fifth_is_the_identity() -> None:
    """A = -0.2 changes nothing; more strengthens, less weakens."""
    image = noise(30, 30)
    np.testing.assert_array_equal(contrast(image, -0.2), image)
    spreads = [contrast(smooth(), a).astype(float).std() for a in (-0.6, -0.4, -0.2, 0, 0.15, 0.3)]
    assert spreads == sorted(spreads)


@pytest.mark.parametrize("amount", CATALOGUE[18].levels)
def test_mean_shift_adds_and_clips(amount: float) -> None:
    """Type 18 equals floor(clip(x + 255 A) + 1/2) sample by sample: no wrap-around at either end."""
    image = noise(40, 40)
    expected = np.floor(np.clip(image / 255.0 + amount, 0, 1) * 255 + 0.5)
    np.testing.assert_array_equal(mean_shift(image, amount), expected)


def test_brighten_of_grey_is_known() -> None:
    """For grey both paths are known in closed form: 2/3 of the parabola on the sample, 1/3 of the one on L."""
    amount = 0.4
    for value in (20, 90, 128, 200):
        x = value / 255
        linear = ((x + 0.055) / 1.055) ** 2.4 if x > 0.04045 else x / 12.92
        lightness = (1.16 * np.cbrt(linear) - 0.16) if linear > 216 / 24389 else 9.033 * linear
        light = parabola(np.array(lightness), amount)
        back = ((light + 0.16) / 1.16) ** 3
        path = 1.055 * back ** (1 / 2.4) - 0.055
        expected = 255 * (2 * parabola(np.array(x), amount) + path) / 3
        assert brighten(grey(value), amount)[0, 0, 0] == pytest.approx(float(expected), abs=0.6)


def test_levels_brighten_and_darken_in_order() -> None:
    """The mean rises with each level of type 16 and falls with each of type 17."""
    up = [brighten(smooth(), a).mean() for a in (0, *CATALOGUE[16].levels)]
    down = [darken(smooth(), a).mean() for a in (0, *CATALOGUE[17].levels)]
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)


def test_sharpen_leaves_flat_pictures_and_colour_alone() -> None:
    """Type 24 works on detail of L alone: one colour everywhere stays, and stronger levels raise the spread of a picture."""
    flat = np.full((20, 20, 3), (180, 120, 90), dtype=np.uint8)
    np.testing.assert_array_equal(sharpen(flat, 12), flat)
    draw = np.random.RandomState(0)
    image = (smooth() + draw.randint(-10, 11, (96, 128, 1))).astype(np.uint8)
    spreads = [sharpen(image, a).astype(float).std() for a in (0, *CATALOGUE[24].levels)]
    assert spreads == sorted(spreads)
