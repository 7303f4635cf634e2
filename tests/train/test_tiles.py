"""Sharpness at native size: blur is seen that shrinking hides, and grain is not taken for detail."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from distort.intake.shape import fit
from train.tiles import tile_sharpness


def noisy(rgb: np.ndarray, spread: float) -> np.ndarray:
    """With white noise of an SD in sRGB steps."""
    return np.clip(rgb + np.random.default_rng(0).normal(0, spread, rgb.shape), 0, 255).astype(np.uint8)


def best(rgb: np.ndarray) -> float:
    """Sharpness of the sharpest tenth of the tiles."""
    found = tile_sharpness(rgb)
    assert found is not None
    return found.best


def test_blur_that_shrinking_hides_shows_at_full_size(demo_photos: Path) -> None:
    """A 12 megapixel photo blurred by 4 px looks the same at 512 px; its sharpest tiles at native size lose half of their sharpness."""
    small = cv2.imread(str(demo_photos / "erythema_migrans_dark.jpg"))
    sharp = np.ascontiguousarray(np.pad(small, ((0, 3000), (0, 4000), (0, 0)), mode="symmetric")[:3000, :4000])
    soft = cv2.GaussianBlur(sharp, (0, 0), 4.0)
    shrunk = [fit(image, 512).astype(int) for image in (sharp, soft)]
    assert np.abs(shrunk[0] - shrunk[1]).mean() < 2.5
    before, after = tile_sharpness(sharp), tile_sharpness(soft)
    assert before is not None
    assert after is not None
    assert before.tiles > 100
    assert after.best < before.best / 2
    assert after.middle < before.middle / 2


@pytest.mark.parametrize("name", ["erythema_migrans_dark.jpg", "nummular_eczema.jpg", "poison_oak_arm.jpg"])
def test_grain_does_not_sharpen(demo_photos: Path, name: str) -> None:
    """Noise and its JPEG copy leave a blurred photo blurred and a sharp one sharp."""
    photo = cv2.imread(str(demo_photos / name))
    soft = cv2.GaussianBlur(photo, (0, 0), max(photo.shape) / 250)
    copy = cv2.imdecode(cv2.imencode(".jpg", noisy(soft, 6), [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_COLOR)
    assert best(photo) > 0.2
    assert best(noisy(photo, 6)) == pytest.approx(best(photo), abs=0.08)
    for blurred in (soft, noisy(soft, 6), copy):
        assert best(blurred) < min(0.18, 0.6 * best(photo))


def test_pure_noise_and_plain_areas_have_no_sharpness() -> None:
    """A plain photo has no tile to judge; white noise alone has no edges."""
    assert tile_sharpness(np.full((600, 600, 3), 90, np.uint8)) is None
    assert best(noisy(np.full((600, 600, 3), 128.0), 20)) < 0.1
