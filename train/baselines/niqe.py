"""NIQE (Mittal, Soundararajan and Bovik 2013), its model of good images refitted on the best-rated tenth of the train part."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from train.baselines import straightened
from train.baselines.scene import Floats, features, halved, luminance, normalised
from train.datasets.base import LoadedSet

PATCH = 96
SHARP = 0.75
BEST = 0.1


def patch_features(image: Floats) -> tuple[Floats, Floats]:
    """36 features of each patch of 96 px `(P, 36)` and each patch's sharpness `(P,)`; an image that is smaller is one patch."""
    coefficients, deviation = normalised(image)
    small = normalised(halved(image))[0]
    rows, sharpness = [], []
    side = min(PATCH, *image.shape)
    for top in range(0, image.shape[0] - side + 1, side):
        for left in range(0, image.shape[1] - side + 1, side):
            half = small[top // 2 : (top + side) // 2, left // 2 : (left + side) // 2]
            rows.append(np.concatenate([features(coefficients[top : top + side, left : left + side]), features(half)]))
            sharpness.append(float(deviation[top : top + side, left : left + side].mean()))
    return np.stack(rows), np.array(sharpness)


@lru_cache(maxsize=2)
def _table(paths: tuple[str, ...]) -> tuple[tuple[Floats, Floats], ...]:
    return tuple(patch_features(luminance(path)) for path in paths)


def outputs(loaded: LoadedSet, part: NDArray[np.str_]) -> Floats:
    """Minus the distance from the model of good images, `(N,)`, brought to [1, 10] by a line fitted on the train part."""
    table, labels = _table(tuple(loaded.table["path"])), loaded.table["score10"].to_numpy(float)
    train = np.flatnonzero(part == "train")
    count = max(3, round(BEST * len(train)))
    good = train[np.argsort(-labels[train], kind="stable")[:count]]
    sharp = [rows[sharpness > SHARP * sharpness.max()] for rows, sharpness in (table[i] for i in good)]
    mean, covariance = _gaussian(np.concatenate(sharp))
    distance = np.array([_distance(*_gaussian(rows), mean, covariance) for rows, _ in table])
    return straightened(-distance, labels, part == "train")


def _gaussian(rows: Floats) -> tuple[Floats, Floats]:
    mean = rows.mean(0)
    return mean, np.cov(rows, rowvar=False) if len(rows) > 1 else np.zeros((rows.shape[1], rows.shape[1]))


def _distance(mean: Floats, covariance: Floats, good_mean: Floats, good_covariance: Floats) -> float:
    """Square root of d' ((S1 + S2) / 2)^+ d (their eq. 10)."""
    gap = mean - good_mean
    square = float(gap @ np.linalg.pinv((covariance + good_covariance) / 2) @ gap)
    return math.sqrt(max(0.0, square))
