"""Colour: diffusion (04), shift (05), quantization (06), saturation in HSV (07) and in Lab (08)."""

from __future__ import annotations

import cv2
import numpy as np

from distort.types.arrays import Pixels
from distort.types.lab import Lab, to_rgb


def saturate_hsv(rgb: Pixels, factor: float) -> Pixels:
    """HSV's S times `factor` (-1..1), V kept: c' = v - (v - c) x factor with v = max(R, G, B). KADID-10k type 07.

    A negative factor turns hues to their complement and is clipped at 255.
    """
    red, green, blue = cv2.split(rgb)
    value = cv2.max(cv2.max(red, green), blue)
    distance = np.arange(256)
    fall = np.ceil(distance * abs(factor) - 0.5) if factor >= 0 else np.floor(distance * abs(factor) + 0.5)
    table = np.clip(fall, 0, 255).astype(np.uint8)
    move = cv2.subtract if factor >= 0 else cv2.add
    return np.asarray(cv2.merge([move(value, cv2.LUT(cv2.subtract(value, plane), table)) for plane in (red, green, blue)]))


def saturate_lab(rgb: Pixels, factor: float, *, lab: Lab | None = None) -> Pixels:
    """Lab's a and b times `factor` (0..9), L kept. KADID-10k type 08."""
    planes = (lab or Lab(rgb)).planes
    k = float(factor)
    stretch = np.array([[k, 1 - k, 0], [0, 1, 0], [0, 1 - k, k]], dtype=np.float32)
    return to_rgb(np.asarray(cv2.transform(planes, stretch), dtype=np.float32))
