"""Sharpness of a photo at its native size: shrinking 12 megapixels to a network's input hides blur, tiles don't."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from distort.intake.judge import blur
from train.pixels import Pixels

TILE = 256
LEAST_SPREAD = 4.0


@dataclass(frozen=True)
class Sharpness:
    """`best`: sharpness of the sharpest tenth of the tiles, `middle`: of the middle tile, 0 blurred to 1; `tiles` that had detail."""

    best: float
    middle: float
    tiles: int


def tile_sharpness(rgb: Pixels) -> Sharpness | None:
    """Sharpness of 256 px tiles of `(H, W, 3)` uint8 RGB; None where no tile has detail (luma SD of 4 or more).

    Source: the blur effect of Crete et al. 2007, one minus it, tile by tile: out-of-focus backgrounds do not count against a photo
    whose subject is sharp.
    """
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    tall, wide = (max(1, size // TILE) for size in grey.shape)
    values = []
    for down in np.array_split(grey, tall, axis=0):
        for tile in np.array_split(down, wide, axis=1):
            if float(tile.std()) >= LEAST_SPREAD:
                values.append(1.0 - blur(np.ascontiguousarray(tile)))
    if not values:
        return None
    return Sharpness(float(np.quantile(values, 0.9)), float(np.median(values)), len(values))
