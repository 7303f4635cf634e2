"""How often foreign photos are said to be out of range, and how often photos of the training images' own kind are.

    python -m benchmarks.range OWN_FOLDER --model models/first [--others FOLDER ...] [--quick]

OWN_FOLDER holds photos of one kind: three fifths make the range (each as it is and with six known variants), a fifth sets the limit, a
fifth counts false alarms. Foreign are documents drawn here (half of them as if photographed), a cat and other photos that ship with
scikit-image, and the folders said. The model gives its network alone. Beside it: the mean distance to the three nearest images.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from distort.recipes import load_recipe
from distort.work import distorter, pixels_sha256
from train import chain
from train.fault_material import content_of
from train.pixels import Pixels
from train.range_check import FALSE_ALARMS, fit_range, unit
from train.scoring import Scorer, open_model, photos_in
from workspace.errors import PhotoFault

Floats = NDArray[np.float64]
LEAST = 100
WORDS = "the lesion was seen again after six weeks and its border is less clear than in the photo of the first visit"
PACKAGED = "astronaut brick camera cell coffee coins grass gravel hubble_deep_field ihc microaneurysms moon motorcycle_left retina rocket"


def document(number: int) -> Pixels:
    """A page of words; every second one tinted, lit from one side, noisy and turned, as if photographed."""
    from matplotlib import font_manager

    rng = np.random.default_rng(number)
    width, height = ((850, 1100), (1100, 850), (800, 600), (600, 800))[number % 4]
    size = int(rng.integers(12, 26))
    font = ImageFont.truetype(font_manager.findfont(rng.choice(["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"])), size)
    image = Image.new("RGB", (width, height), tuple(255 - rng.integers(0, 40, 3)) if number % 2 else "white")
    pen = ImageDraw.Draw(image)
    for y in range(40, height - 40, round(1.4 * size)):
        if rng.random() > 0.12:
            line = " ".join(rng.choice(WORDS.split(), 40))[: int((width - 80) / (0.6 * size))]
            pen.text((40, y), line, fill=tuple(rng.integers(0, 60, 3)), font=font)
    if number % 2:
        light = np.linspace(0.75, 1.0, width)[None, :, None]
        lit = np.asarray(image, float) * light + rng.normal(0, 4, (height, width, 3))
        image = Image.fromarray(lit.clip(0, 255).astype(np.uint8)).rotate(float(rng.uniform(-8, 8)), fillcolor=(90, 80, 70))
    return np.asarray(image)


def cats(cuts: int = 11) -> list[Pixels]:
    """scikit-image's cat, whole and in square cuts."""
    import skimage

    whole: Pixels = np.asarray(Image.open(Path(skimage.__file__).parent / "data" / "chelsea.png").convert("RGB"))
    found = [whole]
    for number in range(cuts):
        rng = np.random.default_rng(number)
        side = int(rng.integers(180, whole.shape[0]))
        y, x = (int(rng.integers(0, whole.shape[axis] - side + 1)) for axis in (0, 1))
        found.append(np.ascontiguousarray(whole[y : y + side, x : x + side]))
    return found


def read(paths: list[Path], scorer: Scorer) -> list[Pixels]:
    """The readable photos of at least 100 px, as working images."""
    found = []
    for path in paths:
        try:
            photo = chain.read(path, scorer.facts).working
        except PhotoFault:
            continue
        if max(photo.shape[:2]) >= LEAST:
            found.append(photo)
    return found


def features(images: list[Pixels], scorer: Scorer) -> Floats:
    """The network's features `(N, F)` of working images."""
    inputs = [chain.prepared(image, scorer.facts) for image in images]
    return np.concatenate([scorer.network(np.stack(inputs[i : i + 16]))[1] for i in range(0, len(inputs), 16)])


def varied(paths: list[Path], scorer: Scorer) -> Floats:
    """Features of photos as they are and with every third variant of the recipe `paper`."""
    images = []
    for photo in read(paths, scorer):
        recipe = load_recipe("paper")
        make = distorter(photo, recipe, 0, pixels_sha256(photo))
        images += [photo, *(make(variant) for variant in recipe.variants[::3])]
    return features(images, scorer)


def nearest(bank: Floats, held: Floats) -> Callable[[Floats], Floats]:
    """Mean distance of unit features to the three nearest of the bank, in units of the same limit."""
    rows = unit(bank)

    def raw(found: Floats) -> Floats:
        squared = np.maximum(2.0 - 2.0 * (unit(found) @ rows.T), 0.0)
        return np.asarray(np.sqrt(np.sort(squared, axis=1)[:, :3]).mean(axis=1), dtype=np.float64)

    limit = float(np.quantile(raw(held), 1 - FALSE_ALARMS))
    return lambda found: raw(found) / limit


def foreign(scorer: Scorer, others: list[Path], count: int) -> dict[str, list[Pixels]]:
    """Working images by what they are."""
    import skimage

    place = Path(skimage.__file__).parent / "data"
    packaged = [path for path in sorted(place.iterdir()) if path.stem in PACKAGED.split()]
    found = {
        "documents (drawn)": [document(n) for n in range(count)],
        "a cat and its cuts": cats(),
        "packaged photos": read(packaged, scorer),
    }
    return {**found, **{folder.name: read(photos_in([folder]), scorer) for folder in others}}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("own", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--quick", action="store_true", help="15 photos, 10 documents")
    said = parser.parse_args()
    scorer = open_model(said.model)
    by_content = {content_of(path): path for path in photos_in([said.own])}
    names = np.random.default_rng(0).permutation(sorted(by_content))[: 15 if said.quick else None]
    cuts = len(names) * 3 // 5, len(names) * 4 // 5
    train, held, new = (varied([by_content[n] for n in part], scorer) for part in np.split(names, cuts))
    ways = (fit_range(train, held).distances, nearest(train, held))
    print(f"range of {len(train)} pictures of {cuts[0]} photos, limit from {len(held)} pictures of {cuts[1] - cuts[0]} others")
    print(f"{'said out of range':<28} {'n':>5} {'here':>6} {'nearest':>8}")
    rows = {"its own kind (false alarms)": new}
    rows |= {
        n: features(images, scorer) for n, images in foreign(scorer, said.others, 10 if said.quick else 40).items() if images
    }
    for name, found in rows.items():
        shares = [float((way(found) > 1).mean()) for way in ways]
        print(f"{name:<28} {len(found):>5} {shares[0]:>6.2f} {shares[1]:>8.2f}")


if __name__ == "__main__":
    main()
