"""How often foreign photos are said to be out of range, and how often photos of the training images' own kind are.

    python -m benchmarks.range OWN_FOLDER... --model models/first [--others FOLDER ...] [--quick]

OWN_FOLDER holds photos of one kind, which are dealt to three parts: for the range, for its limit, for false alarms. Where the model was
trained on them (its predictions.csv names them) training photos make range and limit and its test photos count false alarms; else three
fifths make the range, a fifth the limit, and the range also gets six known variants of each photo. False alarms are counted on photos as
they are, on six known variants of each, and on two variants one after the other. Foreign are documents drawn here (half of them as if
photographed), a cat and other photos that ship with scikit-image, and the folders said. The model gives its network alone.

Beside it stand the former way (unit features of the last layer, 64 main directions, no poorer copies) and the mean distance of these
to the three nearest training images. Intervals: Wilson, 95 %; pictures made of one photo are not independent, so they are too narrow there.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from distort.recipes import Variant, load_recipe
from distort.work import distorter, pixels_sha256
from mos.usefulness import wilson
from train import chain, run_folder
from train.fault_material import content_of
from train.networks import torch_model
from train.pixels import Pixels
from train.range_check import FALSE_ALARMS, fit_range, poorer
from train.scoring import photos_in
from train.stages import with_stages
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


@dataclass(frozen=True)
class Seen:
    """A model's features of pictures: of its `stages` `(N, G)`, and its pooled `last` layer's `(N, F)`."""

    stages: Floats
    last: Floats


class Network:
    """A model folder's network by torch, giving both kinds of features."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = run_folder.read_model(folder)
        self.model = torch_model(folder, self.facts)

    def inputs(self, images: list[Pixels]) -> list[Pixels]:
        """Working images as the network's inputs."""
        return [chain.prepared(image, self.facts) for image in images]

    def see(self, inputs: list[Pixels]) -> Seen:
        """Features of inputs."""
        import torch

        found: list[tuple[Any, Any]] = []
        with torch.inference_mode():
            for start in range(0, len(inputs), 16):
                pixels = torch.from_numpy(np.stack(inputs[start : start + 16])).permute(0, 3, 1, 2).float()
                found.append(with_stages(self.model.backbone, (pixels - self.model.mean) * self.model.scale))
        last, stages = (np.concatenate([row[n].numpy() for row in found]).astype(np.float64) for n in (0, 1))
        return Seen(stages, last)


def read(paths: list[Path], facts: dict[str, Any]) -> Iterator[Pixels]:
    """The readable photos of at least 100 px, as working images."""
    for path in paths:
        try:
            photo = chain.read(path, facts).working
        except PhotoFault:
            continue
        if max(photo.shape[:2]) >= LEAST:
            yield photo


def made(photo: Pixels, pairs: bool) -> list[Pixels]:
    """Six known variants of a working image, or three times two variants one after the other."""
    recipe = load_recipe("paper")
    make = distorter(photo, recipe, 0, pixels_sha256(photo))
    if not pairs:
        return [make(variant) for variant in recipe.variants[::3]]
    rng = np.random.default_rng(int(pixels_sha256(photo)[:8], 16))
    drawn = [[recipe.variants[n] for n in rng.choice(len(recipe.variants), 2, replace=False)] for _ in range(3)]
    return [make(Variant("pair", "combined", first.steps + second.steps)) for first, second in drawn]


def parts(folders: list[Path], network: Network, quick: bool) -> tuple[list[list[Path]], bool]:
    """Photos for the range, its limit and false alarms, and whether the network was trained on their kind by predictions.csv."""
    paths = {path.name: path for path in photos_in(folders)}
    rng = np.random.default_rng(0)
    table = network.folder / run_folder.PREDICTIONS
    rows = list(csv.DictReader(table.open(encoding="utf-8"))) if table.is_file() else []
    known = {part: [Path(r["file"]).name for r in rows if r["part"] == part] for part in ("train", "test")}
    train, test = ([paths[n] for n in rng.permutation(sorted(set(known[part]) & set(paths)))] for part in ("train", "test"))
    if train and test:
        sizes = (30, 10, 10) if quick else (500, 200, len(test))
        return [train[: sizes[0]], train[sizes[0] : sizes[0] + sizes[1]], test[: sizes[2]]], True
    by_content = {content_of(path): path for path in paths.values()}
    names = rng.permutation(sorted(by_content))[: 15 if quick else None]
    cuts = len(names) * 3 // 5, len(names) * 4 // 5
    return [[by_content[n] for n in part] for part in np.split(names, cuts)], False


def of_range(paths: list[Path], network: Network, trained: bool) -> tuple[Seen, Seen]:
    """Features of a part that makes the range or its limit, and of the poorer copies of the same pictures."""
    photos = read(paths, network.facts)
    inputs = network.inputs([one for photo in photos for one in (photo, *(() if trained else made(photo, False)))])
    return network.see(inputs), network.see([poorer(image) for image in inputs])


def former(bank: Floats, held: Floats) -> Callable[[Floats], Floats]:
    """The former way: distance of unit features under a Gaussian of 64 main directions, in units of the same limit."""
    rows = unit(bank)
    middle = rows.mean(axis=0)
    _, lengths, axes = np.linalg.svd(rows - middle, full_matrices=False)
    kept = min(64, len(rows) // 2)
    variances = lengths**2 / (len(rows) - 1)
    rest = variances[kept:].sum() / (rows.shape[1] - kept)
    along = np.maximum(variances[:kept], rest)

    def raw(found: Floats) -> Floats:
        off = unit(found) - middle
        inside = off @ axes[:kept].T
        return np.asarray(((off**2).sum(axis=1) - (inside**2).sum(axis=1)) / rest + (inside**2 / along).sum(axis=1), np.float64)

    limit = float(np.quantile(raw(held), 1 - FALSE_ALARMS))
    return lambda found: raw(found) / limit


def unit(features: Floats) -> Floats:
    """Rows `(N, F)` divided by their length."""
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), dtype=np.float64)


def nearest(bank: Floats, held: Floats) -> Callable[[Floats], Floats]:
    """Mean distance of unit features to the three nearest of the bank, in units of the same limit."""
    rows = unit(bank)

    def raw(found: Floats) -> Floats:
        squared = np.maximum(2.0 - 2.0 * (unit(found) @ rows.T), 0.0)
        return np.asarray(np.sqrt(np.sort(squared, axis=1)[:, :3]).mean(axis=1), dtype=np.float64)

    limit = float(np.quantile(raw(held), 1 - FALSE_ALARMS))
    return lambda found: raw(found) / limit


def foreign(network: Network, others: list[Path], count: int) -> Iterator[tuple[str, list[Pixels]]]:
    """Working images by what they are."""
    import skimage

    place = Path(skimage.__file__).parent / "data"
    packaged = [path for path in sorted(place.iterdir()) if path.stem in PACKAGED.split()]
    yield "documents (drawn)", [document(n) for n in range(count)]
    yield "a cat and its cuts", cats()
    yield "packaged photos", list(read(packaged, network.facts))
    for folder in others:
        yield folder.name, list(read(photos_in([folder]), network.facts))


def own_kind(paths: list[Path], network: Network) -> Iterator[tuple[str, list[Pixels]]]:
    """Working images of the part that counts false alarms: as they are, and made of at most 100 of them."""
    photos = list(read(paths, network.facts))
    yield "own kind, as they are", photos
    yield "own kind, six variants each", [one for photo in photos[:100] for one in made(photo, False)]
    yield "own kind, two variants at once", [one for photo in photos[:100] for one in made(photo, True)]


def cell(far: NDArray[np.bool_]) -> str:
    """A share with its interval."""
    found = wilson(int(far.sum()), len(far))
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("own", type=Path, nargs="+")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--quick", action="store_true", help="few photos, 10 documents")
    said = parser.parse_args()
    network = Network(said.model)
    (train, limit, new), trained = parts(said.own, network, said.quick)
    (bank, poor), (held, held_poor) = (of_range(paths, network, trained) for paths in (train, limit))
    stages = np.concatenate([bank.stages, poor.stages])
    here = fit_range(stages, [str(n) for n in range(len(stages))], np.concatenate([held.stages, held_poor.stages]))
    last = former(bank.last, held.last), nearest(bank.last, held.last)
    print(
        f"range of {len(bank.last)} pictures of {len(train)} photos, limit from {len(held.last)} pictures of {len(limit)} others"
    )
    print(f"{'said out of range':<32} {'n':>5}  {'here':<20} {'former way':<20} {'nearest':<20}")
    for name, images in (*own_kind(new, network), *foreign(network, said.others, 10 if said.quick else 40)):
        if images:
            seen = network.see(network.inputs(images))
            shares = [here.distances(seen.stages) > 1, *(way(seen.last) > 1 for way in last)]
            print(f"{name:<32} {len(images):>5}  {'  '.join(f'{cell(far):<19}' for far in shares)}", flush=True)


if __name__ == "__main__":
    main()
