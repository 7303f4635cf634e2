"""What a photo goes through before the network: the training images' own chain, so that a model trained at 512 sees 512."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from distort.intake.identify import Marks
from distort.intake.judge import THRESHOLDS, measure
from distort.intake.one import pristine
from distort.intake.read import read_photo
from distort.intake.shape import edits_of, fit
from train.pixels import Pixels, square
from workspace.errors import PhotoFault

SAMPLES = 200
WORKING_SIDE = 512


def largest_side(paths: Sequence[str]) -> int:
    """The largest side in pixels among (at most 200, evenly taken) training images."""
    step = max(1, len(paths) // SAMPLES)
    side = 0
    for path in paths[::step]:
        with Image.open(path) as image:
            side = max(side, *image.size)
    return side


def describe(facts: Mapping[str, Any]) -> str:
    """The chain in one line."""
    chain = facts["input"]
    ways = {"shorter_side": "centre square", "squash": "both sides (proportions lost)", "letterbox": "whole photo on grey"}
    return (
        f"upright, sRGB -> largest side at most {chain['largest_side']} px -> {ways[chain['resize']]} of {chain['size']} px "
        f"-> {facts['shape']['backbone']}"
    )


@dataclass(frozen=True)
class Photo:
    """A photo as scoring needs it: `pixels` the network's input `(S, S, 3)`, `working` `(H, W, 3)` sRGB of at most 512 px,
    `full` the upright original `(H, W, 3)` where it was asked for, `flags` of reading and judging. All uint8 RGB."""

    pixels: Pixels
    working: Pixels
    flags: tuple[str, ...] = ()
    full: Pixels | None = None


def prepared(rgb: Pixels, facts: Mapping[str, Any]) -> Pixels:
    """Upright sRGB pixels `(H, W, 3)` uint8 as the network's input `(S, S, 3)`: averaged down to the training images' side, made square."""
    chain = facts["input"]
    return square(Image.fromarray(fit(rgb, int(chain["largest_side"]))), int(chain["size"]), str(chain["resize"]))


def from_pixels(rgb: Pixels, facts: Mapping[str, Any], *, keep_full: bool = False) -> Photo:
    """Decoded pixels `(H, W, 3)` uint8 sRGB as a Photo. Raises PhotoFault for another shape or type."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape[:2]) < 1:
        raise PhotoFault(
            f"an array of shape {rgb.shape} and type {rgb.dtype} was given: (height, width, 3) uint8 RGB was expected"
        )
    return Photo(prepared(rgb, facts), fit(rgb, WORKING_SIDE), (), rgb if keep_full else None)


def read(path: Path, facts: Mapping[str, Any], *, flagged: bool = False, keep_full: bool = False) -> Photo:
    """A photo file of any kind that `prepare` reads, by the same reader. Raises PhotoFault for a broken file.

    `flagged` judges it by `prepare`'s table but for faces, text and bar codes (tens of milliseconds); `keep_full` keeps the
    upright original in sRGB.
    """
    if not path.exists():
        raise PhotoFault(f"{path} is not there")
    try:
        original = read_photo(path)
        side = max(original.rgb.shape[:2])
        reach = side if keep_full else max(WORKING_SIDE, int(facts["input"]["largest_side"]))
        rgb, flags = pristine(original, edits_of("", "", ""), reach)
    except PhotoFault as fault:
        raise PhotoFault(f"{path}: {fault}") from None
    working = fit(rgb, WORKING_SIDE)
    if flagged:
        numbers = measure(working, original, side / max(working.shape[:2]), Marks())
        flags = [*flags, *(row.flag for row in THRESHOLDS if row.met(numbers))]
    return Photo(prepared(rgb, facts), working, tuple(flags), rgb if keep_full else None)
