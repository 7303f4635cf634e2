"""Photos with known faults, to learn them from: known variants, and chains of faults as phones and messengers make them."""

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
from train.fault_camera import exposed, hazed, noisy, tinted
from train.pixels import Pixels

FAULTS = ("blur", "compression", "pixelation", "over_sharpening", "too_bright", "too_dark", "colour", "contrast")
CHAINS = 20

_AXES = {
    "jpeg": "compression", "blur": "blur", "pixelate": "pixelation", "sharpen": "over_sharpening", "color": "colour",
    "contrast": "contrast", "brighten": "too_bright", "darken": "too_dark",
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One way to a fault: a type of the catalogue, or a step of a camera by name, with its clear and its harmless amounts."""

    fault: str
    way: int | str
    clear: tuple[float, float]
    harmless: tuple[float, float] | None = None


NOISE = "noise"
KINDS = (
    Kind("blur", 1, (0.8, 6.0), (0.05, 0.5)),
    Kind("blur", 2, (1.5, 8.0)),
    Kind("blur", 3, (3.0, 14.0)),
    Kind("too_bright", 16, (0.5, 1.2), (0.0, 0.2)),
    Kind("too_bright", "stops", (1.3, 3.0), (0.0, 0.5)),
    Kind("too_dark", 17, (0.45, 0.85), (0.0, 0.2)),
    Kind("too_dark", "stops", (-4.0, -1.8), (-0.7, 0.0)),
    Kind("colour", 7, (-0.4, 0.4), (0.85, 1.0)),
    Kind("colour", 8, (2.0, 9.0), (0.95, 1.15)),
    Kind("colour", "warm", (0.45, 1.0), (-0.15, 0.15)),
    Kind("colour", "warm", (-1.0, -0.45)),
    Kind("colour", "green", (0.4, 0.8), (-0.12, 0.12)),
    Kind("colour", "green", (-0.8, -0.4)),
    Kind("contrast", 25, (-0.65, -0.56), (-0.35, 0.0)),
    Kind("contrast", 25, (0.28, 0.4)),
    Kind("contrast", "haze", (0.5, 0.8), (0.0, 0.2)),
    Kind(NOISE, NOISE, (np.inf, np.inf), (1.0, 14.0)),
    Kind("over_sharpening", 24, (1.1, 12.0), (0.0, 0.4)),
    Kind("pixelation", 21, (0.05, 0.6)),
    Kind("compression", 10, (4.0, 20.0), (40.0, 97.0)),
)
"""In the order in which a phone meets them: optics, exposure, colour, tone, noise, sharpening, scaling, compression.

An amount is clear where KADID-10k's mean opinion of its level (5: no difference seen, 1: very annoying) is at most 3.5, between levels by
a straight line, and harmless from about 4.2; amounts between are left out. Stops move middle grey as the clear amounts of types 16 and 17
do; a cast is clear where it moves middle grey by 10 or more in CIE 1976 ab, harmless below 5; haze flattens as type 25 does. Noise is
always harmless, so that it is not taken for another fault. Source: Lin, Hosu and Saupe, QoMEX 2019.
"""


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


def clear_variants() -> tuple[Variant, ...]:
    """The variants of the recipe `paper` whose fault people see: 13 of 18, those whose amount lies within a clear range."""
    return tuple(v for v in load_recipe("paper").variants if any(_clear(kind, v.steps[0]) for kind in KINDS))


def _clear(kind: Kind, step: Step) -> bool:
    return kind.way == step.number and kind.clear[0] <= step.amount <= kind.clear[1]


Link = tuple[int | str, float]


def chain(rng: np.random.Generator) -> tuple[tuple[Link, ...], NDArray[np.int64]]:
    """A random chain of none to three faults among harmless steps, and its faults `(8,)`; a fifth of the chains has none.

    Darkness often brings blur, since shutters stay open longer, and nearly always noise; most photos were compressed, harmlessly.
    """
    count = int(rng.choice([0, 1, 2, 3], p=[0.2, 0.4, 0.3, 0.1]))
    wanted = set(rng.choice(FAULTS, count, replace=False).tolist())
    if {"too_bright", "too_dark"} <= wanted:
        wanted.discard("too_dark")
    if "too_dark" in wanted and len(wanted) < 3 and rng.random() < 0.4:
        wanted.add("blur")
    links: list[Link] = []
    for fault in dict.fromkeys(kind.fault for kind in KINDS):
        ways = [kind for kind in KINDS if kind.fault == fault and (fault in wanted or kind.harmless)]
        often = fault == "compression" or (fault == NOISE and "too_dark" in wanted)
        if not ways or (fault not in wanted and rng.random() < (0.2 if often else 0.5)):
            continue
        kind = ways[int(rng.integers(len(ways)))]
        low, high = kind.clear if fault in wanted else kind.harmless or kind.clear
        amount = float(rng.uniform(low, high))
        links.append((kind.way, float(round(amount)) if kind.way == 10 else amount))
    return tuple(links), _marked(sorted(wanted))


def linked(rgb: Pixels, links: Sequence[Link], seed: int, pixels: str, rng: np.random.Generator) -> Pixels:
    """A photo `(H, W, 3)` uint8 after each link of a chain in turn; `pixels` is the photo's hash, which the catalogue's chance needs."""
    for way, amount in links:
        match way:
            case "stops":
                rgb = exposed(rgb, amount)
            case "warm" | "green":
                rgb = tinted(rgb, amount, 0.0) if way == "warm" else tinted(rgb, 0.0, amount)
            case "haze":
                rgb = hazed(rgb, amount)
            case "noise":
                rgb = noisy(rgb, amount, float(rng.uniform(1.0, 3.0)), rng)
            case _:
                step = Step(int(way), None, amount)
                rgb = distorter(rgb, load_recipe("paper"), seed, pixels)(Variant("chain", "combined", (step,)))
    return rgb


def examples(content: str, rgb: Pixels, seed: int = 0, chains: int = CHAINS) -> Iterator[Example]:
    """A photo `(H, W, 3)` uint8 as it is, its clear known variants, and `chains` chains; the same for the same seed and pixels.

    Half of the chains are enlarged or reduced by up to a third afterwards, as messengers do, so that block grids lose their phase.
    """
    pixels = pixels_sha256(rgb)
    make = distorter(rgb, load_recipe("paper"), seed, pixels)
    yield Example(content, "pristine", rgb, _marked([]))
    for variant in clear_variants():
        yield Example(content, variant.name, make(variant), variant_faults(variant))
    rng = np.random.default_rng([seed, int(pixels[:8], 16)])
    for number in range(chains):
        links, faults = chain(rng)
        yield Example(content, f"chain_{number + 1}", _rescaled(linked(rgb, links, seed, pixels, rng), rng), faults)


def _rescaled(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    if rng.random() < 0.5:
        return rgb
    factor = min(float(rng.uniform(0.67, 1.33)), WORKING_SIDE / max(rgb.shape[:2]))
    size = max(32, round(rgb.shape[1] * factor)), max(32, round(rgb.shape[0] * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=way), dtype=np.uint8)


def content_of(path: Path) -> str:
    """What a photo is called within its folder, so that copies of one photo in two sizes or formats stay together."""
    return path.stem.removesuffix("_1024px")


def contents_of(paths: Sequence[Path], pixels: Sequence[str]) -> list[int]:
    """The content of each photo, `(N,)`: the place of the first photo of it.

    Photos with the same `pixels` (hashes of the working images) are one content wherever they lie and whatever they are called, and so
    are those that one folder holds under one name (`content_of`); the same name in two folders means nothing.
    """
    names = [str(path.absolute().parent / content_of(path)) for path in paths]
    contents, before = list(range(len(paths))), [-1]
    while contents != before:
        before = contents
        for keys in (names, pixels):
            first: dict[str, int] = {}
            for key, content in zip(keys, contents, strict=True):
                first[key] = min(content, first.get(key, content))
            contents = [first[key] for key in keys]
    return contents
