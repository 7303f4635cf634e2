"""Upright, rotated, masked, cropped and fitted: what happens to an original's pixels before it is written.

The frame that crop and masks are given in is the upright original after `rotation`. Order: orientation, rotation, masks,
crop, fit. Everything is applied to the original, so no second compression stands in between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from distort.types.arrays import Pixels
from workspace.errors import PhotoFault

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Edits:
    """Rotation in degrees clockwise; crop and masks as `(x, y, width, height)` in pixels of the upright, rotated original."""

    rotation: float = 0.0
    crop: Box | None = None
    masks: tuple[Box, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rotation % 360 or self.crop or self.masks)


def edits_of(crop: str, rotation: str, masks: str) -> Edits:
    """The cells of `sources.csv` as Edits. Raises PhotoFault for cells that can't be read."""
    try:
        boxes = tuple(_box(text) for text in masks.split(";") if text.strip())
        return Edits(float(rotation.strip() or 0), _box(crop) if crop.strip() else None, boxes)
    except ValueError:
        raise PhotoFault(f"crop {crop!r}, rotation {rotation!r} or masks {masks!r} in sources.csv can't be read") from None


def _box(text: str) -> Box:
    x, y, width, height = (int(part) for part in text.split())
    if min(x, y) < 0 or min(width, height) < 1:
        raise ValueError(text)
    return x, y, width, height


def upright(rgb: Pixels, orientation: int) -> Pixels:
    """`(H, W, 3)` turned as the EXIF orientation 1..8 says (CIPA DC-008, tag 274); other values count as 1."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(rgb)


def edit(rgb: Pixels, edits: Edits) -> Pixels:
    """Rotate, black out the masks, crop. Raises PhotoFault when the crop or a mask lies outside."""
    rgb = rotate(rgb, edits.rotation)
    height, width = rgb.shape[:2]
    for what, box in [*(("mask", m) for m in edits.masks), *([("crop", edits.crop)] if edits.crop else [])]:
        x, y, w, h = box
        if x + w > width or y + h > height:
            raise PhotoFault(f"the {what} {x} {y} {w} {h} reaches out of the photo ({width} x {height}): correct sources.csv")
    if edits.masks:
        rgb = rgb.copy()
        for x, y, w, h in edits.masks:
            rgb[y : y + h, x : x + w] = 0
    if edits.crop:
        x, y, w, h = edits.crop
        rgb = rgb[y : y + h, x : x + w]
    return np.ascontiguousarray(rgb)


def rotate(rgb: Pixels, degrees: float) -> Pixels:
    """Turn clockwise; quarter turns are exact, other angles are bicubic and keep the largest upright picture without empty corners."""
    import cv2

    turns, rest = divmod(degrees % 360, 90)
    if rest == 0:
        return np.ascontiguousarray(np.rot90(rgb, -int(turns)))
    height, width = rgb.shape[:2]
    new_width, new_height = inscribed(width, height, degrees)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    matrix[:, 2] += ((new_width - width) / 2, (new_height - height) / 2)
    turned = cv2.warpAffine(rgb, matrix, (new_width, new_height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, dtype=np.uint8)


def inscribed(width: int, height: int, degrees: float) -> tuple[int, int]:
    """Width and height of the largest upright rectangle inside a `width` x `height` one that is turned by `degrees`."""
    angle = math.radians(degrees)
    sine, cosine = abs(math.sin(angle)), abs(math.cos(angle))
    long, short = max(width, height), min(width, height)
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-10:
        half = short / 2
        w, h = (half / sine, half / cosine) if width >= height else (half / cosine, half / sine)
    else:
        double = cosine * cosine - sine * sine
        w, h = (width * cosine - height * sine) / double, (height * cosine - width * sine) / double
    return max(1, math.floor(w)), max(1, math.floor(h))


def fit(rgb: Pixels, side: int) -> Pixels:
    """Area-averaged so that the largest side is at most `side` pixels; never enlarged."""
    import cv2

    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb
    size = max(1, math.floor(width * scale + 0.5)), max(1, math.floor(height * scale + 0.5))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
