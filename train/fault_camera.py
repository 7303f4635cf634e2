"""What a camera adds that the catalogue of distortions lacks: exposure and white balance in linear light, haze, a sensor's noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from train.pixels import Pixels

Floats = NDArray[np.float64]
VALUES = np.arange(256) / 255.0


def linear(values: Floats) -> Floats:
    """sRGB 0..1 as light 0..1 (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(light: Floats) -> Floats:
    """Light, clipped to 0..1, as sRGB 0..1 (IEC 61966-2-1)."""
    light = light.clip(0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _table(values: Floats) -> Pixels:
    return np.floor(255.0 * values + 0.5).clip(0, 255).astype(np.uint8)


def exposed(rgb: Pixels, stops: float) -> Pixels:
    """`(H, W, 3)` uint8 with 2 ** `stops` times the light, highlights clipped."""
    return np.asarray(cv2.LUT(rgb, _table(encoded(linear(VALUES) * 2.0**stops))))


def tinted(rgb: Pixels, warm: float, green: float) -> Pixels:
    """`(H, W, 3)` uint8 under a wrong white balance: red by `warm` stops, blue by minus as much, green by `green`."""
    tables = [_table(encoded(linear(VALUES) * 2.0**stops)) for stops in (warm, green, -warm)]
    return np.asarray(cv2.merge([np.asarray(cv2.LUT(rgb[..., i], tables[i])) for i in range(3)]))


def hazed(rgb: Pixels, share: float) -> Pixels:
    """`(H, W, 3)` uint8 behind a veil: `share` of every sample is replaced by light grey (200), as by a dirty lens or stray light."""
    return np.asarray(cv2.LUT(rgb, _table((1 - share) * VALUES + share * 200 / 255)))


def noisy(rgb: Pixels, level: float, grain: float, rng: np.random.Generator) -> Pixels:
    """`(H, W, 3)` uint8 with normal noise of standard deviation `level` (in 255ths), two thirds of it shared by the channels.

    `grain` is the width in pixels (1 to 3) to which the camera's smoothing spreads it. Shadows have as much as lights, as after the
    camera's tone curve.
    """
    height, width = rgb.shape[:2]
    small = max(1, round(height / grain)), max(1, round(width / grain))
    noise = rng.standard_normal((*small, 1)) * 0.82 + rng.standard_normal((*small, 3)) * 0.58
    wide = np.asarray(cv2.resize(noise.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    wide *= np.float32(level / max(float(wide.std()), 1e-6))
    return np.asarray(np.floor(rgb + wide + 0.5).clip(0, 255).astype(np.uint8))
