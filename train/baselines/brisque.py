"""BRISQUE (Mittal, Moorthy and Bovik 2012): 36 scene statistics at two scales, support vector regression on the train part."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mos.evaluation import srocc
from train.baselines.scene import Floats, features, halved, luminance, normalised
from train.baselines.svr import Svr, fit
from train.datasets.base import LoadedSet

COSTS, WIDTHS = (1.0, 10.0, 100.0), (0.005, 0.02, 0.08)
MOST_TRAIN = 4000


def image_features(image: Floats) -> Floats:
    """36 features of a grey image `(H, W)` 0..255: 18 at its size, 18 at half of it."""
    return np.concatenate([features(normalised(image)[0]), features(normalised(halved(image))[0])])


@lru_cache(maxsize=2)
def _table(paths: tuple[str, ...]) -> Floats:
    return np.stack([image_features(luminance(path)) for path in paths])


def outputs(loaded: LoadedSet, part: NDArray[np.str_]) -> Floats:
    """Predictions for every image `(N,)`; C and the kernel's width are chosen on the validation part (else on training)."""
    table, labels = _table(tuple(loaded.table["path"])), loaded.table["score10"].to_numpy(float)
    train = np.flatnonzero(part == "train")
    low, high = table[train].min(0), table[train].max(0)
    scaled = 2 * (table - low) / np.where(high > low, high - low, 1.0) - 1
    if len(train) > MOST_TRAIN:
        train = np.random.default_rng(0).choice(train, MOST_TRAIN, replace=False)
    judged = part == "val" if (part == "val").sum() >= 5 else part == "train"
    best: tuple[float, Svr] | None = None
    for cost in COSTS:
        for width in WIDTHS:
            model = fit(scaled[train], labels[train], cost=cost, width=width)
            value = float(np.nan_to_num(srocc(model.predict(scaled[judged]), labels[judged]), nan=-1.0))
            if best is None or value > best[0]:
                best = (value, model)
    return best[1].predict(scaled) if best is not None else np.full(len(labels), np.nan)
