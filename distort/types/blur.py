"""Blur: Gaussian (01), lens (02), motion (03)."""

from __future__ import annotations

import math

import cv2
import numpy as np

from distort.types.arrays import Pixels, to_uint8


def gaussian(rgb: Pixels, sigma: float) -> Pixels:
    """Gaussian blur of `sigma` pixels, kernel 2 ceil(2 sigma) + 1 wide, edges repeated. KADID-10k type 01 (imgaussfilt)."""
    reach = math.ceil(2 * sigma)
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2.0 * sigma**2))
    taps /= taps.sum()
    return to_uint8(np.asarray(cv2.sepFilter2D(rgb, cv2.CV_64F, taps, taps, borderType=cv2.BORDER_REPLICATE), dtype=np.float64))
