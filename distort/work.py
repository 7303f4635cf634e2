"""The work on one pristine photo: every variant of a recipe with its row of the manifest. Pure; files are the caller's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.random import RandomState

from distort import png
from distort.metrics import Ssim, clipped, psnr
from distort.recipes import Recipe, Step, Variant
from distort.types.arrays import Pixels
from distort.types.lab import Lab
from workspace.files import sha256_bytes

Row = dict[str, str]

LIBRARIES = ("dermiqa", "numpy", "opencv-python-headless", "pillow", "scipy", "fpng")


@dataclass(frozen=True)
class Made:
    """A variant as made: the bytes of its PNG and its row of the manifest."""

    variant: str
    data: bytes
    row: Row


@lru_cache(maxsize=1)
def versions() -> str:
    """The libraries that the pixels depend on, `name version` joined by semicolons."""
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return "; ".join(found)


def pixels_sha256(rgb: Pixels) -> str:
    """SHA-256 in hex of the decoded samples, row by row, R G B; independent of how they were packed into a file."""
    return hashlib.sha256(np.ascontiguousarray(rgb).data).hexdigest()


def random_state(seed: int, pixels: str, step: Step, place: int) -> RandomState:
    """The frozen stream of one random step: it depends on seed, pristine pixels, type, amount and place in the chain alone."""
    text = f"{seed}:{pixels}:{step.number}:{float(step.amount)!r}:{place}"
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4")
    return RandomState(words.astype(np.uint32))


def stretch(rgb: Pixels) -> Pixels:
    """The whole image's least..greatest sample spread over 0..255, as the frame around KADID's distortions does."""
    low, high = int(rgb.min()), int(rgb.max())
    if (low, high) == (0, 255) or low == high:
        return rgb
    table = np.floor(np.clip((np.arange(256) - low) * 255.0 / (high - low), 0, 255) + 0.5).astype(np.uint8)
    return table[rgb]


def distorter(rgb: Pixels, recipe: Recipe, seed: int, pixels: str) -> Callable[[Variant], Pixels]:
    """A function that makes any variant of one photo; the photo's Lab is computed once, when the first variant needs it."""
    start = stretch(rgb) if recipe.strict else rgb
    shared = Lab(start)

    def make(variant: Variant) -> Pixels:
        image, lab = start, shared
        for place, step in enumerate(variant.steps):
            rng = random_state(seed, pixels, step, place) if step.distortion.random else None
            image = step.distortion.apply(image, step.amount, rng=rng, lab=lab, weights=recipe.weights)
            lab = Lab(image)
        return stretch(image) if recipe.strict else image

    return make


def pristine_row(name: str, data: bytes, rgb: Pixels, pixels: str) -> Row:
    """The manifest's row of a pristine photo; subject, source, licence and flags come from `sources.csv`."""
    row = _row(f"pristine/{name}.png", "pristine", name, data, rgb, pixels)
    return row | {"clipped": f"{clipped(rgb):.6f}"}


def render(name: str, rgb: Pixels, pixels: str, recipe: Recipe, seed: int, wanted: Collection[str]) -> Iterator[Made]:
    """The wanted variants of one photo, one at a time, in the recipe's order.

    `rgb` is `(H, W, 3)` uint8, `pixels` its `pixels_sha256`, `seed` the workspace's.
    """
    make, ssim = distorter(rgb, recipe, seed, pixels), Ssim(rgb)
    for variant in recipe.variants:
        if variant.name not in wanted:
            continue
        image = make(variant)
        data = png.encode(image)
        own = pixels_sha256(image)
        row = _row(f"distorted/{recipe.name}/{name}/{variant.name}.png", "variant", name, data, image, own)
        row |= planned(variant, recipe, seed)
        same = own == pixels
        row |= {
            "psnr": "inf" if same else f"{psnr(rgb, image):.4f}",
            "ssim": "1.000000" if same else f"{ssim.of(image):.6f}",
            "clipped": f"{clipped(image):.6f}",
            "flags": "identity" if same else "",
        }
        yield Made(variant.name, data, row)


def planned(variant: Variant, recipe: Recipe, seed: int) -> Row:
    """What the recipe alone says of a variant's row; a resumed run compares it with what a record holds."""
    steps = variant.steps
    return {
        "recipe": recipe.name,
        "variant": variant.name,
        "axis": variant.axis,
        "kadid_type": "+".join(f"{s.number:02d}" if s.distortion.is_kadid else "" for s in steps),
        "kadid_level": "+".join(str(s.level) if s.level and s.distortion.is_kadid else "" for s in steps),
        "parameter": "+".join(f"{s.amount:g}" for s in steps),
        "unit": "+".join(_unit(s, recipe) for s in steps),
        "seed": str(seed) if any(s.distortion.random for s in steps) else "",
    }


def _unit(step: Step, recipe: Recipe) -> str:
    unit = step.distortion.unit
    if step.distortion.needs_weights:
        unit += f" (DnCNN {recipe.weights_sha256[:12]})"
    return f"{unit} (strict)" if recipe.strict else unit


def _row(file: str, kind: str, name: str, data: bytes, rgb: Pixels, pixels: str) -> Row:
    return {
        "file": file,
        "kind": kind,
        "pristine": name,
        "width": str(rgb.shape[1]),
        "height": str(rgb.shape[0]),
        "bytes": str(len(data)),
        "sha256": sha256_bytes(data),
        "pixels_sha256": pixels,
        "versions": versions(),
    }
