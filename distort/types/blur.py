"""Blur: Gaussian (01), lens (02), motion (03); every sRGB channel alone, edges repeated."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from distort.types.arrays import Pixels, to_uint8

Kernel = NDArray[np.float64]


def gaussian_taps(sigma: float) -> Kernel:
    """The 2 ceil(2 sigma) + 1 weights of a Gaussian of `sigma` pixels, sum 1."""
    reach = math.ceil(2 * sigma)
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2.0 * sigma**2))
    return np.asarray(taps / taps.sum())


def gaussian(rgb: Pixels, sigma: float) -> Pixels:
    """Gaussian blur of `sigma` pixels, kernel 2 ceil(2 sigma) + 1 wide. KADID-10k type 01 (imgaussfilt)."""
    taps = gaussian_taps(sigma)
    return to_uint8(np.asarray(cv2.sepFilter2D(rgb, cv2.CV_64F, taps, taps, borderType=cv2.BORDER_REPLICATE)))


def lens(rgb: Pixels, radius: float) -> Pixels:
    """Mean over a disk of `radius` pixels, each pixel by the part of it inside the disk. KADID-10k type 02 (fspecial disk)."""
    return _filter(rgb, disk(radius))


def motion(rgb: Pixels, length: float, *, rng: RandomState) -> Pixels:
    """Mean along a line of `length` pixels at a random whole angle of 0..180 degrees. KADID-10k type 03 (fspecial motion)."""
    return _filter(rgb, line(length, int(rng.randint(0, 181))))


def _filter(rgb: Pixels, kernel: Kernel) -> Pixels:
    return to_uint8(np.asarray(cv2.filter2D(rgb, cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)))


def _quarter(x: Kernel, y: Kernel, radius: float) -> Kernel:
    """Area of the disk within 0..x, 0..y (x, y >= 0), in closed form; odd in x and in y for negative values."""
    sign = np.sign(x) * np.sign(y)
    x, y = np.minimum(np.abs(x), radius), np.minimum(np.abs(y), radius)
    start = np.minimum(np.sqrt(radius**2 - y**2), x)

    def integral(u: Kernel) -> Kernel:
        return np.asarray((u * np.sqrt(radius**2 - u**2) + radius**2 * np.arcsin(u / radius)) / 2)

    return np.asarray(sign * (y * start + integral(x) - integral(start)))


def disk(radius: float) -> Kernel:
    """The weights of a disk's mean: for each pixel the area that it shares with the disk, over the whole area."""
    reach = math.ceil(radius - 0.5)
    edges = np.arange(-reach, reach + 2, dtype=np.float64) - 0.5
    corner = _quarter(np.asarray(edges[None, :]), np.asarray(edges[:, None]), radius)
    area = np.diff(np.diff(corner, axis=0), axis=1)
    return np.asarray(area / area.sum())


def line(length: float, angle: int) -> Kernel:
    """The weights along a line of `length` pixels at `angle` degrees, counter-clockwise: 1 less the distance to it, sum 1.

    Pixels farther from the middle than half the length are measured to the line's end.
    """
    half, phi = (max(1.0, length) - 1) / 2, math.radians(angle % 180)
    reach = math.ceil(half) + 1
    y, x = np.mgrid[reach : -reach - 1 : -1, -reach : reach + 1].astype(float)
    across = np.abs(y * math.cos(phi) - x * math.sin(phi))
    along = np.abs(x * math.cos(phi) + y * math.sin(phi))
    distance = np.where(np.hypot(x, y) >= half, np.hypot(across, half - along), across)
    weights = np.maximum(0, 1 - distance)
    return np.asarray(weights / weights.sum())
