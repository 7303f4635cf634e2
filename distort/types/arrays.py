"""The array types that every distortion speaks, and the rounding that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""`(H, W, 3)` uint8 RGB, sRGB encoded."""
Plane = NDArray[np.floating]
"""`(H, W)` or `(H, W, 3)` floating point."""


def to_uint8(values: Plane) -> Pixels:
    """Values on 0..255 rounded half up and clipped to uint8, never truncated; `values` is used up as working space."""
    values += 0.5
    return np.asarray(np.clip(values, 0, 255, out=values).astype(np.uint8))


@lru_cache(maxsize=64)
def curve_table(curve: Callable[[Plane, float], Plane], amount: float) -> Pixels:
    """The 256 uint8 values that a tone curve on 0..1 gives, so that applying it is one look-up; exact, read-only."""
    table = to_uint8(curve(np.arange(256) / 255.0, amount) * 255.0)
    table.setflags(write=False)
    return table
