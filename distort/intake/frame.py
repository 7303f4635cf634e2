"""What surrounds the subject: a plain border, dark corners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def border(grey: Grey) -> float:
    """Width of the widest plain frame along a side, as a share of that side's length: 0 without one, 1 for a plain picture.

    A line counts as plain when its luma hardly varies and is that of the outermost line.
    """
    widest = 0.0
    for lines in (grey, grey[::-1], grey.T, grey.T[::-1]):
        means = lines.mean(axis=1, dtype=np.float32)
        plain = (lines.std(axis=1, dtype=np.float32) < 2.5) & (np.abs(means - means[0]) < 4)
        count = len(plain) if plain.all() else int(np.argmin(plain))
        widest = max(widest, count / len(plain))
    return widest


def vignette(grey: Grey) -> float:
    """How much darker the third darkest corner is than the middle: 1 - corner / middle of the median lumas, at least 0.

    Three dark corners of four are asked for, so that a dark background on one side doesn't count.
    """
    height, width = grey.shape
    deep, wide = max(1, height // 40), max(1, width // 40)
    corners = [grey[:deep, :wide], grey[:deep, -wide:], grey[-deep:, :wide], grey[-deep:, -wide:]]
    middle = float(np.median(grey[height // 4 : max(1, height * 3 // 4), width // 4 : max(1, width * 3 // 4)]))
    third = sorted(float(np.median(corner)) for corner in corners)[2]
    return max(0.0, 1.0 - third / middle) if middle > 0 else 0.0
