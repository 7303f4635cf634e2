"""How the attributes' head does on a SYNTHETIC set made of photos: `python -m benchmarks.attributes PHOTOS... [--copies N] [--quick]`.

Each photo is copied with known amounts of light, colour, contrast, noise and blur; the "ratings" are straight lines in these amounts, so
nothing here says how well people's ratings are followed. A third of the photos is held out; intervals resample photos.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from distort.intake.one import pristine
from distort.intake.read import read_photo
from distort.intake.shape import edits_of
from tests.train.synthetic_attributes import changed
from train.attribute_measures import table
from train.attribute_training import fitted
from train.chain import WORKING_SIDE
from train.fault_features import fault_features
from train.fault_material import content_of
from train.pixels import Pixels
from train.scoring import photos_in

Floats = NDArray[np.float64]


def copied(rgb: Pixels, rng: np.random.Generator) -> tuple[Pixels, list[float]]:
    """A photo `(H, W, 3)` uint8 changed by random amounts and kept as a JPEG of quality 92, and its attributes 0..100 by formula."""
    picture, attributes = changed(rgb, rng)
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], dtype=np.uint8), attributes


def rows(paths: list[Path], copies: int) -> tuple[Floats, Floats, list[str]]:
    """Features `(N, F)`, attributes `(N, 5)` and the photo of every copy."""
    features, attributes, contents = [], [], []
    for number, path in enumerate(paths):
        rgb, _ = pristine(read_photo(path), edits_of("", "", ""), WORKING_SIDE)
        for copy in range(copies):
            picture, truth = copied(rgb, np.random.default_rng([number, copy]))
            features.append(fault_features(picture))
            attributes.append(truth)
            contents.append(content_of(path))
    return np.stack(features), np.array(attributes), contents


def main() -> None:
    """Make, learn, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--copies", type=int, default=12)
    parser.add_argument("--quick", action="store_true", help="three copies of each photo")
    said = parser.parse_args()
    features, attributes, contents = rows(photos_in(said.photos), 3 if said.quick else said.copies)
    names = np.random.default_rng(0).permutation(sorted(set(contents)))
    held = np.isin(contents, names[: max(3, len(names) // 3)])
    head = fitted(features, attributes, ~held, held, contents, {})
    print(
        f"SYNTHETIC: {len(contents)} copies of {len(names)} photos, {int(held.sum())} of them held out; {features.shape[1]} features"
    )
    for row in table(head):
        print("  ".join(str(cell) for cell in row))


if __name__ == "__main__":
    main()
