"""Colour: diffusion (04), shift (05), quantization (06), saturation in HSV (07) and in Lab (08)."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from distort.types.arrays import Pixels, to_uint8
from distort.types.blur import gaussian_taps
from distort.types.lab import Lab, to_rgb
from distort.types.palette import least_variance_palette

Float64 = NDArray[np.float64]


def diffuse(rgb: Pixels, amount: float, *, lab: Lab | None = None) -> Pixels:
    """Lab's a and b blurred by a Gaussian of sigma 1.5 amount + 2 pixels, then times amount; L kept. KADID-10k type 04."""
    planes = (lab or Lab(rgb)).planes
    taps = gaussian_taps(1.5 * amount + 2)
    bright = planes[..., 1:2]
    colour = np.ascontiguousarray(planes - bright)
    spread = cv2.sepFilter2D(colour, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_REPLICATE)
    return to_rgb(np.asarray(bright + np.float32(amount) * np.asarray(spread), dtype=np.float32))


def shift(rgb: Pixels, amount: float, *, rng: RandomState) -> Pixels:
    """The green channel moved by `amount` pixels right and down in a random direction, mixed in where edges are. KADID-10k type 05.

    The weight is the gradient of luma, blurred by sigma 4, spread over 0..1, held within 0.1..1 and its middle 98 % spread
    over 0..1 again.
    """
    direction = rng.random_sample(2)
    move = np.floor(direction / np.hypot(*direction) * amount + 0.5).astype(int)
    reach = int(move.max())
    green = rgb[..., 1].astype(np.float64)
    height, width = green.shape
    padded = np.pad(green, reach, mode="symmetric")
    top, left = reach - move[0], reach - move[1]
    moved = padded[top : top + height, left : left + width]
    weight = edge_weight(rgb)
    result = rgb.copy()
    result[..., 1] = to_uint8(weight * moved + (1 - weight) * green)
    return result


def edge_weight(rgb: Pixels) -> Float64:
    """`(H, W)` on 0..1: how strongly the colour shift is mixed in."""
    luma = rgb.astype(np.float64) @ np.array([0.2989, 0.5870, 0.1140]) / 255.0
    steep = np.hypot(_slope(luma, 0), _slope(luma, 1))
    taps = gaussian_taps(4)
    steep = np.asarray(cv2.sepFilter2D(steep, cv2.CV_64F, taps, taps, borderType=cv2.BORDER_REPLICATE), dtype=np.float64)
    steep = _spread(np.clip(_spread(steep, steep.min(), steep.max()), 0.1, 1), 0.1, 1)
    return _spread(steep, *np.percentile(steep, (1, 99)))


def _slope(plane: Float64, axis: int) -> Float64:
    return np.asarray(np.gradient(plane, axis=axis)) if plane.shape[axis] > 1 else np.zeros_like(plane)


def _spread(plane: Float64, low: float, high: float) -> Float64:
    return np.clip((plane - low) / (high - low), 0, 1) if high > low else np.clip(plane, 0, 1)


def quantize(rgb: Pixels, colours: float) -> Pixels:
    """The photo in `colours` colours: least-variance palette, error diffused by Floyd and Steinberg. KADID-10k type 06 (rgb2ind)."""
    from PIL import Image

    palette = least_variance_palette(rgb, int(colours))
    holder = Image.new("P", (1, 1))
    holder.putpalette(np.resize(palette, (256, 3)).tobytes())
    indexed = Image.fromarray(rgb).quantize(palette=holder, dither=Image.Dither.FLOYDSTEINBERG)
    return np.asarray(np.resize(palette, (256, 3))[np.asarray(indexed)], dtype=np.uint8)


def saturate_hsv(rgb: Pixels, factor: float) -> Pixels:
    """HSV's S times `factor` (-1..1), V kept: c' = v - (v - c) x factor with v = max(R, G, B). KADID-10k type 07.

    A negative factor turns hues to their complement and is clipped at 255.
    """
    red, green, blue = cv2.split(rgb)
    value = cv2.max(cv2.max(red, green), blue)
    distance = np.arange(256)
    fall = np.ceil(distance * factor - 0.5) if factor >= 0 else np.floor(-distance * factor + 0.5)
    table = np.clip(fall, 0, 255).astype(np.uint8)
    move = cv2.subtract if factor >= 0 else cv2.add
    return np.asarray(cv2.merge([move(value, cv2.LUT(cv2.subtract(value, plane), table)) for plane in (red, green, blue)]))


def saturate_lab(rgb: Pixels, factor: float, *, lab: Lab | None = None) -> Pixels:
    """Lab's a and b times `factor` (0..9), L kept. KADID-10k type 08."""
    planes = (lab or Lab(rgb)).planes
    k = float(factor)
    if math.isclose(k, 1):
        return rgb.copy()
    stretch = np.array([[k, 1 - k, 0], [0, 1, 0], [0, 1 - k, k]], dtype=np.float32)
    return to_rgb(np.asarray(cv2.transform(planes, stretch), dtype=np.float32))
