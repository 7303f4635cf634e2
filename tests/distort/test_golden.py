"""The authors' own outputs, every image and every level."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from distort.catalogue import CATALOGUE
from distort.metrics import psnr
from distort.png import read_rgb
from distort.recipes import Recipe, Step, Variant
from distort.work import distorter, stretch

REFERENCES = ("astronaut128x96", "chelsea151x101", "ihc128x96", "ramp256x64", "retina127x127")
LARGEST_DIFFERENCE = {1: 0, 10: 0, 17: 0, 25: 0, 21: 0, 7: 1, 16: 1, 24: 1, 8: 2}


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("number", sorted(LARGEST_DIFFERENCE))
def test_equals_the_authors_output(shared: Path, number: int, name: str) -> None:
    """Types 01 10 17 21 25 equal the reference sample for sample; 07 16 24 within 1, 08 within 2; all at 64 dB or more."""
    reference = read_rgb(shared / "golden" / "ref" / f"{name}.png")
    distortion = CATALOGUE[number]
    for level in range(1, 6):
        expected = read_rgb(shared / "golden" / "raw" / name / f"{number:02d}_{level:02d}.png")
        found = distortion.apply(reference, distortion.amount(level))
        difference = int(np.abs(found.astype(int) - expected).max())
        assert difference <= LARGEST_DIFFERENCE[number], (level, difference)
        assert psnr(found, expected) >= 64, level


def test_psnr_of_equal_images_is_infinite_and_of_known_noise_known() -> None:
    """PSNR follows 10 lg(255^2 / MSE): a difference of 5 everywhere gives 34.15 dB."""
    grey = np.full((9, 7, 3), 100, dtype=np.uint8)
    assert psnr(grey, grey) == math.inf
    assert psnr(grey, grey + 5) == pytest.approx(10 * math.log10(255**2 / 25), abs=1e-12)


def test_the_strict_frame_is_stretch_distort_stretch() -> None:
    """A strict variant is within 2 grey levels of the whole frame computed in double precision with no rounding between."""
    image = (np.random.RandomState(3).randint(0, 256, (40, 50, 3)) * 0.6 + 40).astype(np.uint8)
    recipe = Recipe("r", (Variant("v", "a", (Step(17, None, 0.3),)),), strict=True)
    found = distorter(image, recipe, 0, "")(recipe.variants[0])
    x = (image - float(image.min())) / (float(image.max()) - image.min())
    y = np.clip(x - 0.6 * x * (1 - x), 0, 1)
    expected = (y - y.min()) / (y.max() - y.min()) * 255
    assert np.abs(found - expected).max() <= 2


def test_strict_frame_spreads_the_whole_range() -> None:
    """The strict frame maps the least sample of all channels to 0 and the greatest to 255, and leaves a full range alone."""
    ramp = np.tile(np.arange(50, 201, dtype=np.uint8)[None, :, None], (4, 1, 3))
    spread = stretch(ramp)
    assert (spread.min(), spread.max()) == (0, 255)
    np.testing.assert_array_equal(spread[0, :, 0], np.floor((np.arange(151) * 255 / 150) + 0.5).astype(np.uint8))
    full = cv2.merge([np.arange(256, dtype=np.uint8)[None]] * 3)
    assert stretch(full) is full
