"""Sharpness of a photo at its native size: shrinking 12 megapixels to a network's input hides blur, tiles don't."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from train.pixels import Pixels

TILE = 256
LEAST_SPREAD = 4.0
NEAR, MIDDLE, FAR = 1.0, 2.0, 4.0
EDGES = 0.995
DOUBT = 1.2
NORMAL_MEDIAN, NORMAL_EDGE = 0.6745, 2.807
"""The middle and the 99.5 % point of a standard normal's absolute values; edges count from a fifth above the noise's power."""

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Sharpness:
    """`best`: sharpness of the sharpest tenth of the tiles, `middle`: of the middle tile, 0 blurred to 1; `tiles` that had detail."""

    best: float
    middle: float
    tiles: int


def tile_sharpness(rgb: Pixels) -> Sharpness | None:
    """Sharpness of 256 px tiles of `(H, W, 3)` uint8 RGB; None where no tile has detail (luma SD of 4 or more).

    The power of the strongest edges between Gaussians of 1 and 2 px, as a share of that and of the power between 2 and 4 px. Noise is
    taken off both: its spread in the finer band is the middle absolute value over .6745, since edges are few and noise is everywhere,
    so that grain does not make a blurred photo sharp. Tile by tile: an out-of-focus background does not count against a photo whose
    subject is sharp. Source of the noise's estimate: Donoho and Johnstone, Biometrika 81 (1994).
    """
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    tall, wide = (max(1, size // TILE) for size in grey.shape)
    values = []
    for down in np.array_split(grey, tall, axis=0):
        for tile in np.array_split(down, wide, axis=1):
            if float(tile.std()) >= LEAST_SPREAD:
                values.append(_share(tile.astype(np.float32)))
    if not values:
        return None
    return Sharpness(float(np.quantile(values, 0.9)), float(np.median(values)), len(values))


def _share(plane: Plane) -> float:
    fine, coarse = (np.abs(band[::2, ::2]) for band in _bands(plane))
    noise = (float(np.median(fine)) / NORMAL_MEDIAN * NORMAL_EDGE) ** 2
    sharp = max(0.0, float(np.quantile(fine, EDGES)) ** 2 - DOUBT * noise)
    soft = max(1e-3, float(np.quantile(coarse, EDGES)) ** 2 - noise * _white())
    return sharp / (sharp + soft)


def _bands(plane: Plane) -> tuple[Plane, Plane]:
    near, middle, far = (np.asarray(cv2.GaussianBlur(plane, (0, 0), width), np.float32) for width in (NEAR, MIDDLE, FAR))
    return near - middle, middle - far


@lru_cache(maxsize=1)
def _white() -> float:
    """White noise's energy in the coarser band over that in the finer one."""
    point = np.zeros((65, 65), np.float32)
    point[32, 32] = 1.0
    fine, coarse = _bands(point)
    return float((coarse * coarse).sum() / (fine * fine).sum())
