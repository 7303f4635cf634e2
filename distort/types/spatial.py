"""Spatial: jitter (19), non-eccentricity patch (20), pixelate (21), quantization (22), colour block (23)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from distort.types.arrays import Pixels


def _down(size: int, scale: float) -> NDArray[np.intp]:
    """For each of ceil(scale x size) output places the nearest input place."""
    count = math.ceil(scale * size)
    places = np.floor((np.arange(count) + 0.5) / scale).astype(np.intp)
    return np.asarray(np.minimum(places, size - 1), dtype=np.intp)


def _up(size: int, count: int) -> NDArray[np.intp]:
    """For each of `size` output places the nearest of `count` input places, in whole numbers so that ties are exact."""
    return np.asarray(((2 * np.arange(size) + 1) * count) // (2 * size), dtype=np.intp)


def pixelate(rgb: Pixels, amount: float) -> Pixels:
    """Nearest neighbour down by z = .95 - amount^.6 (ceil of each side) and back up. KADID-10k type 21; amount 0..0.9."""
    scale = 0.95 - amount**0.6
    height, width = rgb.shape[:2]
    rows, columns = _down(height, scale), _down(width, scale)
    rows, columns = rows[_up(height, len(rows))], columns[_up(width, len(columns))]
    return np.take(np.take(rgb, rows, axis=0), columns, axis=1)
