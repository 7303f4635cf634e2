"""CIELAB in own float32, kept as the three cube-rooted planes, clipped only at the very end.

With f = (f(X/Xn), f(Y/Yn), f(Z/Zn)) every step that the catalogue needs is a sum: L = 116 f_Y - 16, a = 500 (f_X - f_Y),
b = 200 (f_Y - f_Z). A change of L by d adds d / 116 to all three planes; a factor on a and b stretches f_X and f_Z away
from f_Y. Source: CIE 15:2004, clause 8.2.1; sRGB by IEC 61966-2-1; white D65.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from distort.types.arrays import Pixels

Float32 = NDArray[np.float32]

SRGB_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = SRGB_TO_XYZ.sum(axis=1)
KNEE = 6 / 29
STEPS = 2**18


@lru_cache(maxsize=1)
def decode_table() -> Float32:
    """Linear light 0..1 of the 256 sRGB values."""
    x = np.arange(256) / 255.0
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB values of linear light, both on 0..1."""
    power: NDArray[np.float64] = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, power)


@lru_cache(maxsize=2)
def encode_table(eight_bit: bool) -> NDArray[np.uint8] | Float32:
    """sRGB values of linear light in STEPS steps: rounded to uint8, or as float32 on 0..1.

    One step is 0.013 of a grey level where the curve is steepest.
    """
    values = encode(np.arange(STEPS + 1) / STEPS)
    return np.floor(values * 255 + 0.5).astype(np.uint8) if eight_bit else values.astype(np.float32)


def _strips(height: int) -> Iterator[slice]:
    """Rows in strips whose intermediate results stay in the processor's cache; a third of the time of whole planes."""
    return (slice(top, top + 32) for top in range(0, height, 32))


def _forward(rgb: Pixels) -> Float32:
    matrix = (SRGB_TO_XYZ / WHITE[:, None]).astype(np.float32)
    planes = np.empty(rgb.shape, dtype=np.float32)
    for rows in _strips(rgb.shape[0]):
        ratio = np.asarray(cv2.transform(cv2.LUT(rgb[rows], decode_table()), matrix), dtype=np.float32)
        root = np.cbrt(ratio, out=planes[rows])
        dark = ratio <= np.float32(KNEE**3)
        if dark.any():
            np.copyto(root, ratio * np.float32(841 / 108) + np.float32(4 / 29), where=dark)
    return planes


def _looked_up(planes: Float32, raised: Float32 | None, table: NDArray[Any]) -> NDArray[Any]:
    """Planes to linear light, clipped to 0..1, counted in STEPS steps and looked up in a table of that many."""
    matrix = (np.linalg.inv(SRGB_TO_XYZ) * WHITE * STEPS).astype(np.float32)
    result = np.empty(planes.shape, dtype=table.dtype)
    for rows in _strips(planes.shape[0]):
        part = planes[rows] if raised is None else planes[rows] + raised[rows, :, None]
        ratio = part * part * part
        dark = part <= np.float32(KNEE)
        if dark.any():
            np.copyto(ratio, (part - np.float32(4 / 29)) * np.float32(108 / 841), where=dark)
        linear = np.asarray(cv2.transform(ratio, matrix), dtype=np.float32)
        linear += np.float32(0.5)
        np.take(table, np.clip(linear, 0, STEPS, out=linear).astype(np.intp), out=result[rows], mode="clip")
    return result


def to_rgb(planes: Float32, raised: Float32 | None = None) -> Pixels:
    """The three planes back to uint8 sRGB; colours out of the gamut are clipped here and nowhere before.

    `raised`, `(H, W)`, is added to all three planes first: a change of L by 116 times as much.
    """
    return _looked_up(planes, raised, encode_table(True))


def to_unit(planes: Float32, raised: Float32 | None = None) -> Float32:
    """As `to_rgb`, but float32 on 0..1, not rounded to 8 bits."""
    return _looked_up(planes, raised, encode_table(False))


class Lab:
    """What the Lab distortions of one photo share, each computed when first asked for and then kept."""

    def __init__(self, rgb: Pixels) -> None:
        self._rgb = rgb

    @cached_property
    def planes(self) -> Float32:
        """`(H, W, 3)` float32: f(X/Xn), f(Y/Yn), f(Z/Zn); 4/29 for black, 1 for white."""
        planes = _forward(self._rgb)
        planes.setflags(write=False)
        return planes

    @cached_property
    def lightness(self) -> Float32:
        """`(H, W)` float32: L / 100, 0..1."""
        return np.asarray(self.planes[..., 1] * np.float32(1.16) - np.float32(0.16))

    @cached_property
    def detail(self) -> Float32:
        """`(H, W)` float32: f_Y less its Gaussian mean of sigma 3 over 13 x 13, edges repeated."""
        taps = np.exp(-(np.arange(-6, 7) ** 2) / 18.0)
        taps /= taps.sum()
        middle = np.ascontiguousarray(self.planes[..., 1])
        mean = cv2.sepFilter2D(middle, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(middle - mean)
