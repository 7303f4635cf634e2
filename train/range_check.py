"""Whether a photo is of the kind that a model was trained on: its stage features' distance from those of the training images.

range.npz holds the features' middle and spread, their directions with the variance along each, the variance left over, and the limit.
Training images count as they are and once more with faults made by formula: a poor photo of the right kind is in range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from distort.recipes import Variant, load_recipe
from distort.work import distorter, pixels_sha256
from train.networks import Network
from train.npz import reading
from train.pixels import Pixels
from workspace.errors import ModelFault
from workspace.files import replacing

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
FILE = "range.npz"
FORMAT = 2
MOST = 600
FALSE_ALARMS = 0.05
FOLDS = 5
LEAST_SPREAD = 0.01


@dataclass(frozen=True)
class Range:
    """A Gaussian of the standardised features of `images` training images.

    `middle` and `spread` `(G,)`, `axes` `(K, G)`, variances `along` `(K,)` and `rest`; `limit` is the distance that 5 % of held-out
    images of the same kind exceed.
    """

    middle: Singles
    spread: Singles
    axes: Singles
    along: Singles
    rest: float
    limit: float
    images: int

    def distances(self, features: Floats) -> Floats:
        """Distances `(B,)` of features `(B, G)` in units of the limit: above 1 a photo is out of range.

        Mahalanobis distance; covariance of Ledoit and Wolf, J. Multivariate Analysis 88 (2004), lemmas 3.2 to 3.4, kept as directions.
        Source: Lee et al., A simple unified framework for detecting out-of-distribution samples and adversarial attacks, NeurIPS 2018,
        eq. 2 (here with one class, and all stages in one Gaussian). Raises ModelFault when the network gives other features.
        """
        return self.raw(features) / self.limit

    def raw(self, features: Floats) -> Floats:
        """The distances themselves."""
        if features.shape[1] != len(self.middle):
            raise ModelFault(
                f"{FILE} is for {len(self.middle)} features, the model's network gives {features.shape[1]}: "
                "run `dermiqa model export` on its folder"
            )
        off = ((features - self.middle) / self.spread).astype(np.float32)
        with one_thread().limit(limits=1, user_api="blas"):
            parts = off @ self.axes.T
        left = np.maximum((off * off).sum(axis=1) - (parts * parts).sum(axis=1), 0.0)
        squared = left.astype(np.float64) / self.rest + (parts * parts / self.along).sum(axis=1)
        return np.asarray(np.sqrt(squared), dtype=np.float64)


@lru_cache(maxsize=1)
def one_thread() -> ThreadpoolController:
    """What keeps NumPy's products on one thread: its threads would spin on afterwards and hold up the network's next batch."""
    return ThreadpoolController()


def fit_range(features: Floats, groups: Sequence[str], held_out: Floats | None = None) -> Range:
    """The range of features `(N, G)`, its limit from `held_out` `(M, G)` of the same kind.

    Without any the limit is from five folds of the first that keep `groups` (one name per row) together. Raises ModelFault for
    fewer than two groups.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise ModelFault(f"{len(names)} training images: two or more were expected to know the range of a model")
    found = _gaussian(features)
    if held_out is not None and len(held_out):
        distances = found.raw(held_out)
    else:
        place = {name: number % FOLDS for number, name in enumerate(names)}
        fold = np.array([place[group] for group in groups])
        parts = [_gaussian(features[fold != n]).raw(features[fold == n]) for n in np.unique(fold)]
        distances = np.concatenate(parts)
    limit = max(float(np.quantile(distances, 1 - FALSE_ALARMS)), 1e-9)
    return Range(found.middle, found.spread, found.axes, found.along, found.rest, limit, found.images)


def _gaussian(features: Floats) -> Range:
    middle, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.maximum(spread, max(LEAST_SPREAD * float(np.median(spread)), 1e-6))
    rows = (features - middle) / spread
    count, width = rows.shape
    _, lengths, axes = np.linalg.svd(rows, full_matrices=False)
    variances = lengths**2 / count
    mean = float(variances.sum()) / width
    off = float((variances**2).sum()) / width - mean**2
    noise = (float(((rows**2).sum(axis=1) ** 2).mean()) - float((variances**2).sum())) / (count * width)
    share = float(np.clip(noise / max(off, 1e-12), 1e-6, 1.0))
    rest = max(share * mean, 1e-9)
    along = (1.0 - share) * variances + rest
    single = np.float32
    return Range(middle.astype(single), spread.astype(single), axes.astype(single), along.astype(single), rest, 1.0, count)


def poorer(rgb: Pixels) -> Pixels:
    """A copy of an image `(H, W, 3)` uint8 with one or two variants of the recipe `paper`, drawn by its own pixels."""
    sha256 = pixels_sha256(rgb)
    recipe = load_recipe("paper")
    rng = np.random.default_rng(int(sha256[:8], 16))
    drawn = [recipe.variants[n] for n in rng.choice(len(recipe.variants), int(rng.integers(1, 3)), replace=False)]
    steps = tuple(step for variant in drawn for step in variant.steps)
    return distorter(rgb, recipe, 0, sha256)(Variant("poorer", "combined", steps))


def described(images: Sequence[Pixels], network: Network, batch: int = 32) -> Floats:
    """Features `(2 N, G)` of inputs `(S, S, 3)`: first of all as they are, then of a poorer copy of each."""
    both = [*images, *(poorer(image) for image in images)]
    return np.concatenate([network(np.stack(both[i : i + batch]))[1] for i in range(0, len(both), batch)])


def write_range(
    folder: Path, train: Sequence[Pixels], groups: Sequence[str], held_out: Sequence[Pixels], network: Network
) -> Range:
    """Write range.npz from training inputs `(S, S, 3)` with their groups, and held-out ones of the same kind.

    Raises ModelFault for training images of fewer than two groups.
    """
    if len(set(groups)) < 2:
        raise ModelFault(f"{len(set(groups))} training images: two or more were expected to know the range of a model")
    held = described(held_out, network) if held_out else None
    found = replace(fit_range(described(train, network), [*groups, *groups], held), images=len(train))
    with replacing(folder / FILE) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream, format=FORMAT, middle=found.middle, spread=found.spread, axes=found.axes, along=found.along, rest=found.rest,
            limit=found.limit, images=found.images,
        )  # fmt: skip
    return found


def read_range(folder: Path) -> Range | None:
    """The range of a model folder; None when it has none. Raises ModelFault for a broken file, or one of another version."""
    path = folder / FILE
    if not path.is_file():
        return None
    again = f"run `dermiqa model range SETS... --model {folder}`, or delete it to do without the check"
    with reading(path, again) as held:
        if "format" not in held or int(held["format"]) != FORMAT:
            raise ModelFault(f"{path} was made by another version of this program, which looked at other features: {again}")
        numbers = float(held["rest"]), float(held["limit"]), int(held["images"])
        return Range(held["middle"], held["spread"], held["axes"], held["along"], *numbers)
