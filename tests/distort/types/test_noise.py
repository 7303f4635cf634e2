"""Noise by its moments, on pictures far from clipping."""

from __future__ import annotations

import numpy as np
import pytest

from distort.catalogue import CATALOGUE
from distort.types.noise import impulse, multiplicative, white, white_ycbcr
from tests.distort.types.pictures import grey, smooth


def state() -> np.random.RandomState:
    """The same random state for each call."""
    return np.random.RandomState(7)


@pytest.mark.parametrize("variance", CATALOGUE[11].levels)
def test_white_noise_has_its_variance_and_no_mean(variance: float) -> None:
    """Type 11 adds noise of the said variance (on 0..1, and 1/12 grey level squared of rounding) with mean 0."""
    image = grey(128, 200, 200)
    noise = white(image, variance, rng=state()) - 128.0
    assert noise.mean() == pytest.approx(0, abs=4 * 255 * variance**0.5 / image.size**0.5)
    assert noise.var() == pytest.approx(variance * 255**2 + 1 / 12, rel=0.02)


@pytest.mark.parametrize("variance", CATALOGUE[12].levels)
def test_noise_in_ycbcr_lies_on_those_planes(variance: float) -> None:
    """Type 12 read back as studio Y, Cb, Cr has the said variance on each plane, against BT.601's own equations."""
    image = grey(128, 200, 200)
    r, g, b = (white_ycbcr(image, variance, rng=state()).astype(float) / 255).transpose(2, 0, 1)
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    planes = (16 + 219 * luma, 128 + 224 * (b - luma) / 1.772, 128 + 224 * (r - luma) / 1.402)
    for plane in planes:
        assert plane.var() == pytest.approx(variance * 255**2, rel=0.05, abs=0.2)


@pytest.mark.parametrize("density", CATALOGUE[13].levels)
def test_impulses_are_counted(density: float) -> None:
    """Type 13 turns the said share of samples black or white, half each, and leaves every other sample as it was."""
    image = grey(128, 300, 300)
    found = impulse(image, density, rng=state())
    tolerance = 4 * (density / image.size) ** 0.5
    assert (found == 0).mean() == pytest.approx(density / 2, abs=tolerance)
    assert (found == 255).mean() == pytest.approx(density / 2, abs=tolerance)
    assert set(np.unique(found)) == {0, 128, 255}


@pytest.mark.parametrize("variance", CATALOGUE[14].levels)
def test_multiplicative_noise_is_uniform_and_grows_with_light(variance: float) -> None:
    """Type 14 is uniform noise in proportion to the sample: the said variance, bounded by sqrt(3 v), none on black."""
    image = grey(100, 200, 200)
    ratio = (multiplicative(image, variance, rng=state()) - 100.0) / 100
    assert ratio.var() == pytest.approx(variance, rel=0.03, abs=1e-5)
    assert np.abs(ratio).max() <= (3 * variance) ** 0.5 + 0.006
    np.testing.assert_array_equal(multiplicative(grey(0), variance, rng=state()), grey(0))


def test_noise_never_wraps() -> None:
    """Noise on nearly white and nearly black is clipped: no bright sample turns dark, no dark one bright."""
    assert white(grey(254), 0.01, rng=state()).min() > 100
    assert white(grey(1), 0.01, rng=state()).max() < 150
    assert multiplicative(grey(250), 0.05, rng=state()).min() > 100


def test_the_same_state_gives_the_same_noise() -> None:
    """A random type depends on its random state alone."""
    for distortion in (d for d in CATALOGUE.values() if d.random and not d.needs_weights and d.number != 115):
        amount = distortion.levels[2]
        first, second = (distortion.apply(smooth(), amount, rng=state()) for _ in range(2))
        other = distortion.apply(smooth(), amount, rng=np.random.RandomState(8))
        np.testing.assert_array_equal(first, second)
        assert (first != other).any(), distortion.name
