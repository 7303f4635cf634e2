"""The page docs/distortions.md and its pictures, made from the catalogue: `python -m distort.catalogue_page docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np

from distort.catalogue import CATALOGUE, Distortion
from distort.preview import prepared
from distort.recipes import load_recipe
from distort.sheet import parameters
from distort.types.arrays import Pixels
from distort.work import distorter, pixels_sha256, planned
from workspace.files import write_bytes, write_text

PHOTO = "poison_oak_arm.jpg"
CREDIT = "Contact dermatitis of an arm. CDC, public domain."
SEED = 20250919
WINDOW = (slice(90, 218), slice(150, 310))
FOLDER = "distortions"

HEAD = """\
# Distortions

Generated from the catalogue by `scripts/docs`; `dermiqa catalogue` prints the same in the terminal. Every distortion is a pure
function of `(H, W, 3)` uint8 RGB to the same: the amount is all it needs, random ones also take a random state. Types and levels are
those of KADID-10k (Lin, Hosu, Saupe: KADID-10k: A large-scale artificially distorted IQA database, QoMEX 2019).

- Every picture shows the same 160 x 128 pixels of one photo at 1:1: pristine, then levels 1 to 5. {credit}
- Amounts in pixels (sigma, radius, shift) hold for photos of 512 pixels; that is why photos are fitted before they are distorted.
- Level is KADID's order, not always severity: contrast and mean shift run from one side to the other.
- Random types draw from NumPy's `RandomState`, seeded by the workspace's seed, the SHA-256 of the pristine pixels, type, amount and
  place in a chain: a file is the same whatever the order or the number of workers.
- Rounding is to the nearest grey level, half up; values beyond the range are clipped, never wrapped.
- Type 15 needs DnCNN's weights, which this package does not ship: name an ONNX file (one `(1, 1, H, W)` input on 0..1; output the
  noise, or the clean plane when the name ends in `.clean.onnx`) with `--dncnn`. Without it the recipe `kadid` takes `denoise_nlm`,
  non-local means, which stands in for type 15 and is not KADID's: its rows carry no `kadid_type`.
- `strict = true` in a recipe adds KADID's frame: the least and the greatest sample of the photo are stretched to 0 and 255 before
  the distortion and again after it. It changes every photo that does not span the full range, so it is off unless asked for.

## Recipes

"""

OWN_RECIPE = """\
A recipe of your own is a TOML file, `dermiqa distort --recipe phone.toml`. Each variant names a type (number or name) with a level
1 to 5 or a free amount; two steps or more make a chain, as cameras do:

```toml
name = "phone"            # the folder's name under distorted/
strict = false            # true: KADID's min-max stretch around every variant
# dncnn = "dncnn.onnx"    # only for type 15

[[variant]]
name = "soft"
axis = "blur"
type = "gaussian_blur"
amount = 1.4

[[variant]]
name = "night"
axis = "combined"
steps = [{ type = 17, level = 4 }, { type = 11, level = 3 }, { type = "jpeg", amount = 30 }]
```

## Catalogue

"""


def text() -> str:
    """The page's Markdown."""
    parts = [HEAD.format(credit=CREDIT), *_recipes(), OWN_RECIPE]
    for distortion in CATALOGUE.values():
        parts.append(_entry(distortion))
    return "".join(parts)


def _recipes() -> Iterator[str]:
    yield "`paper` (the default) has 18 variants on seven axes; each level is the KADID level that leaves the largest smallest step of\n"
    yield "opinion between neighbours.\n\n| variant | axis | type | level | parameter |\n|---|---|---|---|---|\n"
    recipe = load_recipe("paper")
    for variant in recipe.variants:
        step = variant.steps[0]
        said = parameters(planned(variant, recipe, 0))
        yield f"| {variant.name} | {variant.axis} | {step.number:02d} {step.distortion.name} | {step.level} | {said} |\n"
    seven, kadid = len(load_recipe("kadid-seven").variants), len(load_recipe("kadid").variants)
    yield f"\n`kadid-seven` takes all five levels of the nine types on those axes ({seven} variants), `kadid` all 25 types ({kadid}).\n\n"


def _entry(d: Distortion) -> str:
    levels = " | ".join(f"{value:g}" for value in d.levels)
    notes = [f"Source: {d.origin}."]
    if d.identity_levels:
        notes.append(f"Level {', '.join(map(str, d.identity_levels))} changes nothing and is flagged `identity`.")
    if d.random:
        notes.append("Random.")
    head = f"### {d.number:02d} {d.name}\n\n{d.summary}\n\nFamily {d.family}. {' '.join(notes)} Free amounts: {d.low:g} to {d.high:g}.\n\n"
    table = f"| {d.unit} | 1 | 2 | 3 | 4 | 5 |\n|---|---|---|---|---|---|\n| amount | {levels} |\n\n"
    picture = "" if d.needs_weights else f"![{d.name}: pristine and levels 1 to 5]({FOLDER}/{_file(d)})\n\n"
    return head + table + picture


def _file(d: Distortion) -> str:
    return f"{d.number:02d}_{d.name}.jpg"


def strips(photo: Path) -> Iterator[tuple[str, Pixels]]:
    """File name and `(128, W, 3)` picture of each type: pristine and five levels side by side on 128 grey."""
    rgb = prepared(photo, 512)
    kadid = load_recipe("kadid")
    make = distorter(rgb, kadid, SEED, pixels_sha256(rgb))
    gap = np.full((128, 6, 3), 128, dtype=np.uint8)
    for distortion in CATALOGUE.values():
        if distortion.needs_weights:
            continue
        parts = [rgb[WINDOW]]
        for variant in (v for v in kadid.variants if v.steps[0].number == distortion.number):
            parts += [gap, make(variant)[WINDOW]]
        yield _file(distortion), np.concatenate(parts, axis=1)


def jpeg_bytes(rgb: Pixels) -> bytes:
    """A picture for the page, JPEG at quality 90 without chroma subsampling."""
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=90, subsampling=0)
    return stream.getvalue()


def write(docs: Path, photo: Path) -> None:
    """Write the page and its pictures into the folder `docs`."""
    write_text(docs / "distortions.md", text())
    for name, strip in strips(photo):
        write_bytes(docs / FOLDER / name, jpeg_bytes(strip))


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(__file__).resolve().parent.parent / "dermiqa" / "demo_photos" / PHOTO)
