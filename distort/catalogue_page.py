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
  the distortion and again after it, each step rounded to 8 bits. It changes every photo that does not span the full range, so it is
  off unless asked for.

## Recipes

"""

OWN_RECIPE = """\
A recipe of your own is a TOML file, `dermiqa distort --recipe phone.toml`. Each variant names a type (number or name) with a level
1 to 5 or a free amount; two steps or more make a chain, as cameras do:

```toml
name = "phone"            # the folder's name under distorted/
strict = false            # true: KADID's min-max stretch around every variant
# include = "kadid"       # all variants of a built-in recipe as well, for instance to have them strict
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

## The run

`dermiqa distort --jobs 2` works photo by photo: each photo is read once, its Lab planes are shared by all variants that need them, and
every image is hashed and compared with the pristine one before it is written. Images and tables are written under a temporary name
and renamed. A run that was stopped, even by `kill -9`, goes on with the same command: what is there and right is kept, what is missing,
damaged or planned otherwise is made again. One photo that can't be read is named and leaves the others alone (exit 1). Photos whose
`accepted` or `may_alter` says no in `sources.csv` are left out. `--dask tcp://host:8786` sends the same work to a Dask cluster; its
workers need this package and not this disk. The files and `manifest.csv` are the same, byte for byte, for any number of workers.
Memory does not grow with the collection: over 4,000 small photos, 72,000 images, one process stood at 83.1 MB after 800 photos and at
85.0 MB at the end, the difference being one enlargement of Python's own table of strings (`python -m benchmarks.distort --memory` runs
20,000).

`manifest.csv` has one row per image, pristine ones too: `file`, `kind` (pristine, variant, authentic), `pristine` (the photo's name),
`subject`, `source`, `licence` (from `sources.csv`), `recipe`, `variant`, `axis`, `kadid_type`, `kadid_level`, `parameter`, `unit`
(joined by `+` in a chain), `seed` (random variants only), `width`, `height`, `bytes`, `sha256` (of the file), `pixels_sha256` (of the
decoded R G B samples row by row, so that another PNG encoder still verifies), `psnr` (dB; `inf` when equal), `ssim` (Wang and others
2004, on luma, Gaussian window of 11), `clipped` (share of samples at 0 or 255), `flags` (`identity`: equals its pristine photo) and
`versions`.

`dermiqa recipe export` writes the set as a small file without pixels: recipe, seed, versions, and for each photo the hashes of its
original, its pristine pixels and every result. `dermiqa recipe build FILE --photos DIR` rebuilds the set from the photos, found by hash,
by pixels or by name, and says for each image: equal, same but for rounding (PSNR and SSIM agree to 0.001), different, or photo missing.
So a set of photos that may not be passed on can still be published. `--images DIR` also writes the images with a dataset card and
Croissant metadata, and refuses photos whose `may_redistribute` is not yes unless `--include-closed` is said.

## Catalogue

"""


ON_SKIN = """The 18 variants were looked at on a photo of dark skin (erythema migrans, a shoulder) and one of light skin (poison oak,
an arm). Each shows what its name says, in the right order on its axis, without a shift of colours, wrapped samples or false borders.
Equal amounts do not weigh equally: darken_2 puts 75 % of the dark photo's samples at 0 (SSIM .15), so that only the lit middle of the
rash is left, and 53 % of the light one's, most of it background (.34); brighten_2 burns out 11 % of the light photo and 5 % of the dark
one; jpeg_2 and jpeg_3 turn the smooth shadows of dark skin into grey and purple blocks. Compare variants within a skin tone: fill in
`skin_tone`, and `conditions.csv` gives means per label.

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
    yield ON_SKIN


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
