"""Small pictures that the tests of distortions share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    """Uniform random samples."""
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)


def grey(value: int, height: int = 40, width: int = 60) -> Pixels:
    """One grey level everywhere."""
    return np.full((height, width, 3), value, dtype=np.uint8)


def smooth(height: int = 96, width: int = 128) -> Pixels:
    """Slow waves of colour, skin-like, none clipped."""
    y, x = np.mgrid[:height, :width]
    red = 170 + 50 * np.sin(x / 17) * np.cos(y / 23)
    green = 120 + 40 * np.sin(x / 11 + 1)
    blue = 100 + 35 * np.cos(y / 13)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)
