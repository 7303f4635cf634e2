"""A photo as the network's square input: decoded, shrunk with antialiasing, made square in one of three ways."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from workspace.errors import PhotoFault, UsageFault

Pixels = npt.NDArray[np.uint8]
RESIZES = ("shorter_side", "squash", "letterbox")
GREY = 128


def train_side(input_size: int) -> int:
    """The side of the training view: 12.5 % above the input (the paper, section 3.4), rounded half up."""
    return int(input_size * 1.125 + 0.5)


def open_rgb(source: Path | str | BinaryIO, at_least: int = 0, *, name: str | None = None) -> Image.Image:
    """The photo upright, in RGB. With `at_least` a JPEG may be decoded shrunk, both sides still at twice that or more.

    Raises PhotoFault, naming the file (or `name`), when it is missing, broken or no image.
    """
    path = name or source
    try:
        with Image.open(source) as opened:
            if at_least and opened.format == "JPEG":
                opened.draft("RGB", (2 * at_least, 2 * at_least))
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            return upright if upright.mode == "RGB" else upright.convert("RGB")
    except FileNotFoundError:
        raise PhotoFault(f"{path} is not there") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise PhotoFault(
            f"{path} can't be read as an image: {str(fault).splitlines()[0] if str(fault) else 'broken file'}"
        ) from None


def square(image: Image.Image, side: int, resize: str) -> Pixels:
    """A photo as (side, side, 3) uint8 RGB; Pillow's bicubic filter, widened when shrinking, so without aliasing.

    shorter_side: that side to `side`, then the centre; squash: both sides, proportions lost; letterbox: the longer side,
    mid-grey beside it.
    """
    width, height = image.size
    if resize == "squash":
        return np.asarray(_to(image, side, side))
    if resize == "shorter_side":
        cut = min(width, height)
        left, top = (width - cut) / 2, (height - cut) / 2
        return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + cut, top + cut)))
    if resize == "letterbox":
        scale = side / max(width, height)
        small = _to(image, max(1, round(width * scale)), max(1, round(height * scale)))
        canvas = Image.new("RGB", (side, side), (GREY, GREY, GREY))
        canvas.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
        return np.asarray(canvas)
    raise UsageFault(f"resize {resize!r}: expected {', '.join(RESIZES)}")


def load_square(path: Path | str, side: int, resize: str = "shorter_side") -> Pixels:
    """A file as the evaluation view (side, side, 3): what a model sees at validation, test and scoring."""
    return square(open_rgb(path, at_least=side), side, resize)


def _to(image: Image.Image, width: int, height: int) -> Image.Image:
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BICUBIC)
