"""Brightness: brighten (16), darken (17), mean shift (18)."""

from __future__ import annotations

import cv2
import numpy as np

from distort.types.arrays import Pixels, Plane, curve_table
from distort.types.lab import Lab, to_unit


def parabola(x: Plane, amount: float) -> Plane:
    """The parabola through (0, 0), (.5, .5 + amount / 2), (1, 1), clipped to 0..1."""
    return np.clip(x + 2 * amount * x * (1 - x), 0, 1)


def brighten(rgb: Pixels, amount: float, *, lab: Lab | None = None) -> Pixels:
    """Two parts the parabola on R, G, B, one part the parabola on Lab's L. KADID-10k type 16; amount 0..1.1."""
    lab = lab or Lab(rgb)
    change = (parabola(lab.lightness, amount) - lab.lightness) * np.float32(100 / 116)
    light = to_unit(lab.planes, change)
    light *= 85
    light += cv2.LUT(rgb, (parabola(np.arange(256) / 255.0, amount) * 170.0 + 0.5).astype(np.float32))
    return np.asarray(light.astype(np.uint8))


def darken(rgb: Pixels, amount: float) -> Pixels:
    """The parabola through (.5, .5 - amount / 2) on R, G, B. KADID-10k type 17; amount 0..0.8."""
    return np.asarray(cv2.LUT(rgb, curve_table(parabola, -amount)))


def _shift(x: Plane, amount: float) -> Plane:
    return x + amount


def mean_shift(rgb: Pixels, amount: float) -> Pixels:
    """`amount` (of the full range) added to every sample and clipped. KADID-10k type 18; amount -1..1."""
    return np.asarray(cv2.LUT(rgb, curve_table(_shift, amount)))
