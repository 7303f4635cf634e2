"""Training the fault head on photos without faults, and measuring it on photos that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distort.work import pixels_sha256
from train.fault_features import fault_features
from train.fault_material import CHAINS, FAULTS, content_of, contents_of, examples
from train.fault_measures import FOLDS, measures
from train.faults import NEVER, PRECISION, FaultHead, fit_head, out_of_fold, threshold, write_head
from train.pixels import Pixels
from workspace.errors import ModelFault, PhotoFault

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = tuple[str, str, Floats, Ints]
REPEATS = 3


def photo_rows(path: Path, seed: int, chains: int) -> list[Row]:
    """Content, kind, features and faults of everything that is made of one photo. Raises PhotoFault."""
    return _rows(content_of(path), _working(path), seed, chains)


def _rows(content: str, rgb: Pixels, seed: int, chains: int) -> list[Row]:
    made = examples(content, rgb, seed, chains)
    return [(item.content, item.kind, fault_features(item.rgb), item.faults) for item in made]


def _working(path: Path) -> Pixels:
    """A photo's working image. Raises PhotoFault, naming the file."""
    from distort.intake.one import pristine
    from distort.intake.read import read_photo
    from distort.intake.shape import edits_of
    from train.chain import WORKING_SIDE

    try:
        return pristine(read_photo(path), edits_of("", "", ""), WORKING_SIDE)[0]
    except PhotoFault as fault:
        raise PhotoFault(f"{path}: {fault}") from None


def train_faults(folder: Path, photos: Sequence[Path], seed: int = 0, chains: int = CHAINS) -> Iterator[Path | FaultHead]:
    """Make examples of each photo (yielding it), measure by five folds over contents (dealt in the order of their names), train on
    all, write faults.npz; yields the head.

    Photos with the same pixels are used once. Raises ModelFault with fewer than five different ones, PhotoFault for a broken one.
    """
    if len(photos) < FOLDS:
        raise ModelFault(f"{len(photos)} photos were given: five different ones or more were expected, good ones")
    rows: list[Row] = []
    pixels: list[str] = []
    for number, path in enumerate(photos):
        rgb = _working(path)
        found = pixels_sha256(rgb)
        if found not in pixels:
            rows += _rows(str(number), rgb, seed, chains)
        pixels.append(found)
        yield path
    photo_contents = contents_of(photos, pixels)
    different = len(set(photo_contents))
    if different < FOLDS:
        raise ModelFault(
            f"{len(photos)} photos were given, but they show only {different}: five different ones or more were expected, good ones"
        )
    labels = [f"{content_of(photos[first])}\x01{first}" for first in photo_contents]
    contents, kinds = [labels[int(row[0])] for row in rows], [row[1] for row in rows]
    features, faults = np.stack([row[2] for row in rows]), np.stack([row[3] for row in rows])
    head = made_head(features, faults, contents, kinds, seed)
    write_head(folder, head)
    yield head


def made_head(features: Floats, faults: Ints, contents: Sequence[str], kinds: Sequence[str], seed: int = 0) -> FaultHead:
    """A head with thresholds from held-out probabilities, and measures made with thresholds of the other folds.

    Folds over contents are dealt three times: a fault's threshold is the highest of the three, and a fault whose held-out precision
    over all three is below .8 is never said.
    """
    dealt = [out_of_fold(features, faults, contents, FOLDS, seed + number) for number in range(REPEATS)]
    held = np.concatenate([probabilities for probabilities, _ in dealt])
    fold = np.concatenate([folds + FOLDS * number for number, (_, folds) in enumerate(dealt)])
    found = measures(held, fold, np.tile(faults, (REPEATS, 1)), list(contents) * REPEATS, seed, REPEATS)
    facts = {
        "photos": len(set(contents)),
        "examples": len(faults),
        "seed": seed,
        "precision_wanted": PRECISION,
        "bound": "one-sided 95 % Wilson bound on photos held out, five folds dealt three times",
        "held_out": found,
        "chains_share": float(np.mean([kind.startswith("chain") for kind in kinds])),
    }
    limits = [
        _limit([probabilities[:, c] for probabilities, _ in dealt], faults[:, c], found["faults"][f])
        for c, f in enumerate(FAULTS)
    ]
    return replace(fit_head(features, faults, seed), thresholds=np.array(limits), facts=facts)


def _limit(held: Sequence[Floats], truth: Ints, found: dict[str, Any]) -> float:
    """The threshold of one fault, or never."""
    precision = found["said"]["precision"][0]
    if precision is None or precision < PRECISION:
        return NEVER
    return max(threshold(probabilities, truth) for probabilities in held)
