"""Frozen ImageNet features and ridge regression (the way of Bianco et al. 2018): what training the network adds is beyond this."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mos.evaluation import plcc
from train.baselines.scene import Floats
from train.datasets.base import LoadedSet
from train.parallel import need_torch
from train.pixels import load_square

MODEL, SIZE, BATCH = "tf_efficientnet_lite0", 224, 32
PENALTIES = tuple(10.0**k for k in range(-2, 6))


@lru_cache(maxsize=2)
def _features(paths: tuple[str, ...]) -> Floats:
    """Pooled features of the frozen backbone at 224 px, `(N, 1280)`."""
    torch = need_torch()
    from train.model import build

    model: Any = build(MODEL, input_size=SIZE)[0].eval().to(memory_format=torch.channels_last)
    rows = []
    with torch.inference_mode():
        for start in range(0, len(paths), BATCH):
            pixels = np.stack([load_square(path, SIZE) for path in paths[start : start + BATCH]])
            rows.append(model.features(torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).numpy())
    return np.concatenate(rows).astype(np.float64)


def ridge(x: Floats, y: Floats, penalty: float) -> tuple[Floats, float]:
    """Coefficients `(F,)` and offset of ridge regression; the offset is not penalised."""
    centre, mean = x.mean(0), float(y.mean())
    a, b = x - centre, y - mean
    if len(x) >= x.shape[1]:
        beta = np.linalg.solve(a.T @ a + penalty * np.eye(x.shape[1]), a.T @ b)
    else:
        beta = a.T @ np.linalg.solve(a @ a.T + penalty * np.eye(len(x)), b)
    return beta, mean - float(centre @ beta)


def outputs(loaded: LoadedSet, part: NDArray[np.str_]) -> Floats:
    """Predictions for every image `(N,)`; the penalty is chosen on the validation part, or by five folds of groups without one."""
    x, y = _features(tuple(loaded.table["path"])), loaded.table["score10"].to_numpy(float)
    train = part == "train"
    scale = x[train].std(0)
    x = (x - x[train].mean(0)) / np.where(scale > 1e-9, scale, 1.0)
    if (part == "val").sum() >= 5:
        values = [_value(x, y, train, part == "val", penalty) for penalty in PENALTIES]
    else:
        folds = _folds(loaded.table["group"].to_numpy(str), train)
        values = [float(np.mean([_value(x, y, train & ~fold, fold, penalty) for fold in folds])) for penalty in PENALTIES]
    beta, offset = ridge(x[train], y[train], PENALTIES[int(np.argmax(values))])
    return np.asarray(x @ beta + offset, float)


def _value(x: Floats, y: Floats, train: NDArray[np.bool_], judged: NDArray[np.bool_], penalty: float) -> float:
    beta, offset = ridge(x[train], y[train], penalty)
    return float(np.nan_to_num(plcc(x[judged] @ beta + offset, y[judged]), nan=-1.0))


def _folds(groups: NDArray[np.str_], train: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    names = np.random.default_rng(0).permutation(np.unique(groups[train]))
    count = min(5, len(names))
    return [train & np.isin(groups, names[n::count]) for n in range(count)]
