"""Whether a photo is of the kind that a model was trained on: its features' distance from those of the training images.

range.npz holds the features' middle, their main directions with the spread along each, the spread left over, and the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.networks import Network
from train.pixels import Pixels
from workspace.errors import ModelFault
from workspace.files import replacing

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
FILE = "range.npz"
MOST = 600
DIRECTIONS = 64
FALSE_ALARMS = 0.05
FOLDS = 5


@dataclass(frozen=True)
class Range:
    """A Gaussian of `images` training images' unit features: `middle` `(F,)`, `axes` `(K, F)`, variances `along` `(K,)` and `rest`.

    `limit` is the distance that 5 % of held-out images of the same kind exceed.
    """

    middle: Singles
    axes: Singles
    along: Singles
    rest: float
    limit: float
    images: int

    def distances(self, features: Floats) -> Floats:
        """Distances `(B,)` of features `(B, F)` in units of the limit: above 1 a photo is out of range.

        Mahalanobis distance under probabilistic principal components. Source: Tipping and Bishop, J. R. Stat. Soc. B 61 (1999);
        Lee et al., A simple unified framework for detecting out-of-distribution samples, NeurIPS 2018.
        """
        return self.raw(features) / self.limit

    def raw(self, features: Floats) -> Floats:
        """The distances themselves."""
        off = unit(features) - self.middle
        parts = off @ self.axes.T
        left = np.maximum((off * off).sum(axis=1) - (parts * parts).sum(axis=1), 0.0)
        squared = left.astype(np.float64) / self.rest + (parts * parts / self.along).sum(axis=1)
        return np.asarray(np.sqrt(squared), dtype=np.float64)


def unit(features: Floats) -> Singles:
    """Rows `(N, F)` divided by their length."""
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def fit_range(features: Floats, held_out: Floats | None = None) -> Range:
    """The range of features `(N, F)`, its limit from `held_out` `(M, F)` of the same kind; without any from five folds of the first.

    At most 64 directions, and half as many as there are images. Raises ModelFault for fewer than two images.
    """
    if len(features) < 2:
        raise ModelFault(f"{len(features)} training images: two or more were expected to know the range of a model")
    found = _gaussian(features)
    if held_out is not None and len(held_out):
        distances = found.raw(held_out)
    else:
        fold = np.arange(len(features)) % min(FOLDS, len(features))
        parts = [_gaussian(features[fold != n]).raw(features[fold == n]) for n in np.unique(fold)]
        distances = np.concatenate(parts)
    limit = max(float(np.quantile(distances, 1 - FALSE_ALARMS)), 1e-9)
    return Range(found.middle, found.axes, found.along, found.rest, limit, found.images)


def _gaussian(features: Floats) -> Range:
    rows = unit(features).astype(np.float64)
    middle = rows.mean(axis=0)
    _, lengths, axes = np.linalg.svd(rows - middle, full_matrices=False)
    variances = lengths**2 / max(1, len(rows) - 1)
    kept = min(DIRECTIONS, max(1, len(rows) // 2), rows.shape[1] - 1)
    rest = max(float(variances[kept:].sum()) / (rows.shape[1] - kept), 1e-9)
    along = np.maximum(variances[:kept], rest)
    return Range(middle.astype(np.float32), axes[:kept].astype(np.float32), along.astype(np.float32), rest, 1.0, len(rows))


def write_range(folder: Path, train: list[Pixels], held_out: list[Pixels], network: Network, batch: int = 32) -> float:
    """Write range.npz from training inputs and held-out ones of the same kind `(S, S, 3)`; gives the limit.

    At most 600 of each, evenly taken, are used. Raises ModelFault for fewer than two training images.
    """
    if len(train) < 2:
        raise ModelFault(f"{len(train)} training images: two or more were expected to know the range of a model")
    found = fit_range(_features(train, network, batch), _features(held_out, network, batch) if held_out else None)
    with replacing(folder / FILE) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream, middle=found.middle, axes=found.axes, along=found.along, rest=found.rest, limit=found.limit, images=found.images,
        )  # fmt: skip
    return found.limit


def _features(images: list[Pixels], network: Network, batch: int) -> Floats:
    taken = images[:: max(1, len(images) // MOST)][:MOST]
    return np.concatenate([network(np.stack(taken[i : i + batch]))[1] for i in range(0, len(taken), batch)])


def read_range(folder: Path) -> Range | None:
    """The range of a model folder; None when it has none. Raises ModelFault for a broken file."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with np.load(path) as held:
            numbers = float(held["rest"]), float(held["limit"]), int(held["images"])
            return Range(held["middle"], held["axes"], held["along"], *numbers)
    except (OSError, ValueError, KeyError) as fault:
        raise ModelFault(f"{path} can't be read ({fault}): train the model again or delete the file") from None
