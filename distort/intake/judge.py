"""Judging a photo: measures at the working size and the flags that follow from them by one table of thresholds."""

from __future__ import annotations

import numpy as np

from distort.intake.read import Original
from distort.types.arrays import Pixels


def judge(rgb: Pixels, original: Original, *, yunet: str = "") -> tuple[dict[str, str], list[str]]:
    """Measures by name (as text) and the flags of one photo at its working size, `(H, W, 3)` uint8 sRGB."""
    grey = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    measures = {"brightness": f"{grey.mean():.2f}"}
    flags = ["too_small"] if max(original.rgb.shape[:2]) < 256 else []
    return measures, flags
