"""Spatial: jitter (19), non-eccentricity patch (20), pixelate (21), quantization (22), colour block (23)."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from distort.types.arrays import Pixels, to_uint8
from distort.types.palette import otsu_thresholds

Float32 = NDArray[np.float32]


def jitter(rgb: Pixels, amount: float, *, rng: RandomState) -> Pixels:
    """Five times each pixel fetched from a place off by normal noise of `amount` pixels, bicubic. KADID-10k type 19."""
    image = rgb.astype(np.float32)
    for _ in range(5):
        dx, dy = (rng.standard_normal(rgb.shape[:2]) * amount for _ in range(2))
        image = warp(image, dx, dy)
    return to_uint8(image)


def _cubic_weights(part: NDArray[np.float64]) -> list[Float32]:
    """Keys' four weights (a = -1/2) at distances part + 1, part, 1 - part, 2 - part."""
    t = part
    first = ((-0.5 * t + 1) * t - 0.5) * t
    second = (1.5 * t - 2.5) * t * t + 1
    third = ((-1.5 * t + 2) * t + 0.5) * t
    return [w.astype(np.float32) for w in (first, second, third, 1 - first - second - third)]


def warp(image: Float32, dx: NDArray[np.float64], dy: NDArray[np.float64]) -> Float32:
    """`(H, W, C)` fetched at (x + dx, y + dy) by Keys' cubic convolution, edges repeated. Source: Keys, IEEE TASSP 1981."""
    height, width = image.shape[:2]
    x, y = np.arange(width) + dx, np.arange(height)[:, None] + dy
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    across, down = _cubic_weights(x - left), _cubic_weights(y - top)
    flat = image.reshape(height * width, -1)
    columns = [np.clip(left + k, 0, width - 1) for k in (-1, 0, 1, 2)]
    result = np.zeros_like(image)
    for k, weight_y in zip((-1, 0, 1, 2), down, strict=True):
        start = np.clip(top + k, 0, height - 1) * width
        for column, weight_x in zip(columns, across, strict=True):
            result += flat[start + column] * (weight_y * weight_x)[..., None]
    return result


def patches(rgb: Pixels, count: float, *, rng: RandomState) -> Pixels:
    """`count` times a 16 x 16 patch copied to a place at most 8 pixels away in each direction. KADID-10k type 20.

    Patches start 16 pixels or more from the edges where the photo is large enough for that.
    """
    result = rgb.copy()
    sides = [min(16, n) for n in rgb.shape[:2]]
    for _ in range(int(count)):
        source, target = [], []
        for length, side in zip(rgb.shape[:2], sides, strict=True):
            low = min(16, (length - side) // 2)
            start = low + _round(rng.random_sample() * max(0, length - side - 2 * low))
            place = start + _round((rng.random_sample() - 0.5) * 16)
            source.append(slice(start, start + side))
            place = min(max(place, 0), length - side)
            target.append(slice(place, place + side))
        result[target[0], target[1]] = result[source[0], source[1]].copy()
    return result


def blocks(rgb: Pixels, count: float, *, rng: RandomState) -> Pixels:
    """`count` squares of 32 x 32 pixels at random places, each of one random colour. KADID-10k type 23."""
    result = rgb.copy()
    for _ in range(int(count)):
        places = [slice(p, p + 32) for p in (_round(rng.random_sample() * max(0, n - 32)) for n in rgb.shape[:2])]
        result[places[0], places[1]] = np.floor(rng.random_sample(3) * 255 + 0.5).astype(np.uint8)
    return result


def _round(value: float) -> int:
    return math.floor(value + 0.5)


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


def posterize(rgb: Pixels, thresholds: float) -> Pixels:
    """Otsu's `thresholds` over all samples; each class takes its upper threshold, the lowest 0, the highest 255. KADID-10k type 22."""
    counts = np.bincount(rgb.ravel(), minlength=256).astype(float)
    cuts = otsu_thresholds(counts, int(thresholds))
    values = np.array([0, *cuts[1:], 255], dtype=np.uint8)
    if not cuts:
        return rgb.copy()
    return values[np.searchsorted(cuts, np.arange(256), side="left")][rgb]
