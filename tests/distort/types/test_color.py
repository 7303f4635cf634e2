"""Colour distortions against the formulas written out in double precision with other libraries."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from scipy import ndimage
from skimage.color import lab2rgb, rgb2lab

from distort.types.color import diffuse, edge_weight, quantize, saturate_hsv, saturate_lab, shift
from distort.types.palette import least_variance_palette
from tests.distort.types.pictures import grey, noise, smooth


@pytest.mark.parametrize("amount", [1, 3])
def test_diffuse_is_a_blur_of_a_and_b(amount: float) -> None:
    """Type 04 equals scikit-image's Lab with a and b blurred by scipy (sigma 1.5 A + 2, cut at 2 sigma) and scaled, within 1."""
    image = smooth()
    image = (image // 4 + 96).astype(np.uint8)
    lab = rgb2lab(image)
    sigma = 1.5 * amount + 2
    for k in (1, 2):
        reach = int(np.ceil(2 * sigma))
        lab[..., k] = amount * ndimage.gaussian_filter(lab[..., k], sigma, mode="nearest", truncate=reach / sigma)
    inside = np.all((lab[..., :1] > 20) & (np.abs(lab[..., 1:]) < 60), axis=-1)
    expected = np.floor(np.clip(lab2rgb(lab), 0, 1) * 255 + 0.5)
    difference = np.abs(diffuse(image, amount).astype(int) - expected)[inside]
    assert inside.mean() > 0.9
    assert difference.max() <= 1


def test_saturation_in_lab_agrees_with_another_library() -> None:
    """Type 08 at factor 2 equals scikit-image's Lab with a and b doubled within 1, where the result stays inside the gamut."""
    image = (smooth() // 4 + 96).astype(np.uint8)
    lab = rgb2lab(image)
    lab[..., 1:] *= 2
    expected = np.floor(lab2rgb(lab) * 255 + 0.5)
    assert np.abs(saturate_lab(image, 2).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("factor", [0.4, 0.2, 0.1, 0.0])
def test_saturation_in_hsv_agrees_with_the_standard_library(factor: float) -> None:
    """Type 07 equals Python's own colorsys with S times the factor, within 1 at exact ties of rounding."""
    image = noise(6, 7)
    expected = [
        [colorsys.hsv_to_rgb(h, s * factor, v) for h, s, v in (colorsys.rgb_to_hsv(*(p / 255 for p in pixel)) for pixel in row)]
        for row in image.tolist()
    ]
    difference = np.abs(saturate_hsv(image, factor).astype(int) - np.floor(np.array(expected) * 255 + 0.5))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


def test_grey_has_no_colour_to_change() -> None:
    """A grey photo is left as it is by both saturations and by diffusion: the identity that the manifest flags."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(8, axis=0)
    np.testing.assert_array_equal(saturate_hsv(ramp, 0.1), ramp)
    np.testing.assert_array_equal(saturate_lab(ramp, 3), ramp)
    np.testing.assert_array_equal(diffuse(ramp, 3), ramp)


def test_shift_moves_green_alone() -> None:
    """Type 05 leaves red and blue as they are, and where its weight is 1 green comes from the place it was moved from."""
    image = noise(40, 50)
    found = shift(image, 12, rng=np.random.RandomState(4))
    np.testing.assert_array_equal(found[..., [0, 2]], image[..., [0, 2]])
    draw = np.random.RandomState(4).random_sample(2)
    down, right = np.floor(draw / np.sqrt((draw**2).sum()) * 12 + 0.5).astype(int)
    assert np.hypot(down, right) == pytest.approx(12, abs=1)
    weight = edge_weight(image)
    y, x = np.nonzero(weight[down:, right:] >= 1)
    assert len(y)
    np.testing.assert_array_equal(found[y + down, x + right, 1], image[y, x, 1])


def test_the_edge_weight_spans_nothing_to_all() -> None:
    """The weight runs from 0 to 1, is greatest at an edge, and a flat picture has the same weight everywhere."""
    image = grey(60, 64, 64)
    image[:, 32:] = 200
    weight = edge_weight(image)
    assert (weight.min(), weight.max()) == (0, 1)
    assert weight[:, 31:33].min() == 1
    assert weight[:, :8].max() == 0
    assert np.ptp(edge_weight(grey(90))) == 0


def test_quantize_uses_no_more_colours_than_said() -> None:
    """Type 06 gives at most n colours, and every colour when the photo has no more than that."""
    image = smooth()
    for count in (64, 16, 8):
        assert len(np.unique(quantize(image, count).reshape(-1, 3), axis=0)) <= count
    few = np.repeat(np.array([[[10, 20, 30], [200, 100, 50], [90, 250, 4]]], dtype=np.uint8), 5, axis=0)
    np.testing.assert_array_equal(quantize(few, 8), few)


def test_the_palette_is_the_means_of_well_parted_groups() -> None:
    """Three far groups of colours give their three means as a palette of three."""
    draw = np.random.RandomState(1)
    middles = np.array([[40, 60, 50], [200, 60, 90], [90, 210, 220]])
    image = (middles[draw.randint(0, 3, 900)] + draw.randint(-3, 4, (900, 3))).astype(np.uint8).reshape(30, 30, 3)
    found = least_variance_palette(image, 3).astype(int)
    for middle in middles:
        assert np.abs(found - middle).max(axis=1).min() <= 1


def test_more_colours_are_nearer_to_the_photo() -> None:
    """The palette's squared error falls with its size."""
    image = smooth().reshape(-1, 3).astype(int)
    errors = []
    for count in (8, 16, 32, 48, 64):
        palette = least_variance_palette(smooth(), count).astype(int)
        errors.append(((image[:, None] - palette[None]) ** 2).sum(axis=2).min(axis=1).mean())
    assert errors == sorted(errors, reverse=True)
