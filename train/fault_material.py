"""Photos with known faults, to learn them from: the known variants, and chains of faults as phones and messengers make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from distort.recipes import Step, Variant, load_recipe
from distort.work import distorter, pixels_sha256
from train.chain import WORKING_SIDE
from train.pixels import Pixels

FAULTS = ("blur", "compression", "pixelation", "over_sharpening", "too_bright", "too_dark", "colour", "contrast")
CHAINS = 11

_AXES = {
    "jpeg": "compression", "blur": "blur", "pixelate": "pixelation", "sharpen": "over_sharpening", "color": "colour",
    "contrast": "contrast", "brighten": "too_bright", "darken": "too_dark",
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One way to a fault: a type of the catalogue with its amounts, clear ones and harmless ones (none: always left out)."""

    fault: str
    number: int
    clear: tuple[float, float]
    harmless: tuple[float, float] | None = None


KINDS = (
    Kind("blur", 1, (1.5, 6.0), (0.05, 0.4)),
    Kind("blur", 2, (2.5, 8.0)),
    Kind("blur", 3, (5.0, 14.0)),
    Kind("too_bright", 16, (0.4, 1.2), (0.0, 0.08)),
    Kind("too_dark", 17, (0.35, 0.85), (0.0, 0.05)),
    Kind("colour", 7, (-0.4, 0.35), (0.85, 1.0)),
    Kind("colour", 8, (2.5, 9.0), (0.95, 1.15)),
    Kind("contrast", 25, (-0.65, -0.35), (-0.05, 0.03)),
    Kind("contrast", 25, (0.2, 0.4)),
    Kind("over_sharpening", 24, (1.5, 12.0), (0.0, 0.2)),
    Kind("pixelation", 21, (0.06, 0.6)),
    Kind("compression", 10, (4.0, 38.0), (75.0, 97.0)),
)
"""In the order in which a phone meets them: optics, exposure, colour, tone, sharpening, scaling, compression."""


@dataclass(frozen=True)
class Example:
    """A working image with its faults `(8,)` as 0 or 1; `content` is the photo that it comes from, `kind` how it was made."""

    content: str
    kind: str
    rgb: Pixels
    faults: NDArray[np.int64]


def variant_faults(variant: Variant) -> NDArray[np.int64]:
    """The faults of a variant of the recipe `paper`, `(8,)`: its axis; brightness by the direction."""
    word = variant.name.partition("_")[0] if variant.axis == "brightness" else variant.axis
    return _marked([_AXES[word]])


def _marked(faults: Sequence[str]) -> NDArray[np.int64]:
    return np.array([int(fault in faults) for fault in FAULTS], dtype=np.int64)


def chain(rng: np.random.Generator) -> tuple[Variant, NDArray[np.int64]]:
    """A random chain of one to three faults among harmless steps, and its faults `(8,)`; a fifth of the chains has none."""
    count = int(rng.choice([0, 1, 2, 3], p=[0.2, 0.4, 0.3, 0.1]))
    wanted = set(rng.choice(FAULTS, count, replace=False).tolist())
    if {"too_bright", "too_dark"} <= wanted:
        wanted.discard("too_dark")
    steps = []
    for fault in dict.fromkeys(kind.fault for kind in KINDS):
        ways = [kind for kind in KINDS if kind.fault == fault and (fault in wanted or kind.harmless)]
        if not ways or (fault not in wanted and rng.random() < 0.6):
            continue
        kind = ways[int(rng.integers(len(ways)))]
        low, high = kind.clear if fault in wanted else kind.harmless or kind.clear
        steps.append(_step(kind.number, float(rng.uniform(low, high))))
    return Variant("chain", "combined", tuple(steps)), _marked(sorted(wanted))


def _step(number: int, amount: float) -> Step:
    return Step(number, None, float(round(amount)) if number == 10 else amount)


def examples(content: str, rgb: Pixels, seed: int = 0, chains: int = CHAINS) -> Iterator[Example]:
    """A photo `(H, W, 3)` uint8 as it is, its 18 known variants, and `chains` chains; the same for the same seed and pixels.

    Half of the chains are enlarged or reduced by up to a third afterwards, as messengers do, so that block grids lose their phase.
    """
    pixels = pixels_sha256(rgb)
    recipe = load_recipe("paper")
    make = distorter(rgb, recipe, seed, pixels)
    yield Example(content, "pristine", rgb, _marked([]))
    for variant in recipe.variants:
        yield Example(content, variant.name, make(variant), variant_faults(variant))
    rng = np.random.default_rng([seed, int(pixels[:8], 16)])
    for number in range(chains):
        variant, faults = chain(rng)
        image = make(variant) if variant.steps else rgb
        yield Example(content, f"chain_{number + 1}", _rescaled(image, rng), faults)


def _rescaled(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    if rng.random() < 0.5:
        return rgb
    factor = min(float(rng.uniform(0.67, 1.33)), WORKING_SIDE / max(rgb.shape[:2]))
    size = max(32, round(rgb.shape[1] * factor)), max(32, round(rgb.shape[0] * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=way), dtype=np.uint8)


def content_of(path: Path) -> str:
    """What stands for a photo's content: its name, so that copies of one photo in two sizes stay together."""
    return path.stem.removesuffix("_1024px")
