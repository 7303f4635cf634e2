"""What a photo goes through before the network: the training images' own chain, so that a model trained at 512 sees 512."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from train.pixels import open_rgb, square

SAMPLES = 200


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
        f"upright, RGB -> largest side at most {chain['largest_side']} px -> {ways[chain['resize']]} of {chain['size']} px "
        f"-> {facts['shape']['backbone']}"
    )


def prepared(photo: Image.Image, facts: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    """An upright RGB photo as the network's input, (S, S, 3) uint8."""
    chain = facts["input"]
    side = int(chain["largest_side"])
    if max(photo.size) > side:
        factor = side / max(photo.size)
        size = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
        photo = photo.resize(size, Image.Resampling.LANCZOS)
    return square(photo, int(chain["size"]), str(chain["resize"]))


def read(path: Path, facts: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    """A photo file as the network's input, (S, S, 3) uint8. Raises PhotoFault for a broken file."""
    return prepared(open_rgb(path, at_least=int(facts["input"]["largest_side"])), facts)
