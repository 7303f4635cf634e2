"""What is wrong with a photo: probabilities of eight faults from hand-made features, and the thresholds above which they are said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from train.fault_features import fault_features
from train.fault_material import FAULTS
from train.npz import reading
from train.pixels import Pixels
from workspace.errors import ModelFault
from workspace.files import replacing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FILE = "faults.npz"
FORMAT = 2
HIDDEN = 48
DECAY = 6e-3
STEPS = 250
PRECISION = 0.8
LEAST = 0.5
Z = 1.6449
NEVER = 2.0


@dataclass(frozen=True)
class FaultHead:
    """One hidden layer over standardised features. `thresholds` `(8,)`: 2 where precision .8 does not hold; `facts` for the card."""

    middle: Floats
    spread: Floats
    first: Floats
    second: Floats
    thresholds: Floats
    facts: dict[str, Any]

    def probabilities(self, features: Floats) -> Floats:
        """`(B, 8)` probabilities in the order of FAULTS for features `(B, F)`."""
        rows = standardised(features, self.middle, self.spread)
        return np.asarray(expit(_logits(rows, self.first, self.second)), dtype=np.float64)

    def of(self, rgb: Pixels) -> dict[str, float]:
        """The probabilities of one working image `(H, W, 3)` uint8, by fault."""
        values = self.probabilities(fault_features(rgb)[None])[0]
        return {fault: float(value) for fault, value in zip(FAULTS, values, strict=True)}

    def said(self, probabilities: dict[str, float]) -> tuple[str, ...]:
        """The faults at or above their threshold, the likeliest first."""
        limits = dict(zip(FAULTS, self.thresholds, strict=True))
        found = [fault for fault, value in probabilities.items() if value >= limits[fault]]
        return tuple(sorted(found, key=lambda fault: -probabilities[fault]))


def standardised(features: Floats, middle: Floats, spread: Floats) -> Floats:
    """Features in units of their training spread, clipped to 6, with a column of ones."""
    rows = np.clip((features - middle) / spread, -6.0, 6.0)
    return np.hstack([rows, np.ones((len(rows), 1))])


def _logits(rows: Floats, first: Floats, second: Floats) -> Floats:
    hidden = np.tanh(rows @ first)
    return np.asarray(np.hstack([hidden, rows]) @ second, dtype=np.float64)


def fit_head(features: Floats, faults: Ints, seed: int = 0, facts: dict[str, Any] | None = None) -> FaultHead:
    """A head from features `(N, F)` and faults `(N, 8)` 0 or 1, without thresholds: weighted cross-entropy by L-BFGS.

    Both a hidden layer of 48 and a direct way lead to the outputs. Raises ModelFault where a fault has no example or only examples.
    """
    shares = faults.mean(axis=0)
    lacking = [fault for fault, share in zip(FAULTS, shares, strict=True) if not 0 < share < 1]
    if lacking:
        raise ModelFault(
            f"the examples hold no contrast for {', '.join(lacking)}: photos with and without each fault were expected"
        )
    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    rows = standardised(features, middle, spread)
    shape = (rows.shape[1], HIDDEN), (HIDDEN + rows.shape[1], len(FAULTS))
    rng = np.random.default_rng(seed)
    start = np.concatenate([rng.normal(0, rows.shape[1] ** -0.5, shape[0][0] * HIDDEN), np.zeros(shape[1][0] * shape[1][1])])
    with threadpool_limits(1, "blas"):  # several threads wait for each other at each of many small products
        given = (rows, faults.astype(np.float64), shape)
        done = minimize(_loss, start, args=given, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    first, second = _split(done.x, shape)
    return FaultHead(middle, spread, first, second, np.full(len(FAULTS), NEVER), facts or {})


def _split(values: Floats, shape: tuple[tuple[int, int], tuple[int, int]]) -> tuple[Floats, Floats]:
    cut = shape[0][0] * shape[0][1]
    return values[:cut].reshape(shape[0]), values[cut:].reshape(shape[1])


def _loss(values: Floats, rows: Floats, faults: Floats, shape: tuple[tuple[int, int], tuple[int, int]]) -> tuple[float, Floats]:
    first, second = _split(values, shape)
    hidden = np.tanh(rows @ first)
    joined = np.hstack([hidden, rows])
    logits = joined @ second
    loss = float((np.logaddexp(0.0, logits) - faults * logits).sum() / len(rows) + DECAY / 2 * (values @ values))
    slope = (expit(logits) - faults) / len(rows)
    below = (slope @ second[:HIDDEN].T) * (1.0 - hidden**2)
    return loss, np.concatenate([(rows.T @ below).ravel(), (joined.T @ slope).ravel()]) + DECAY * values


def threshold(probabilities: Floats, truth: Ints, precision: float = PRECISION) -> float:
    """The lowest probability at and above which the precision's lower bound holds `precision`; 2 (never) where there is none.

    It is never below .5: what is likelier absent than there is not said, since on photos as they come faults are rarer than among
    examples. The bound is Wilson's, one-sided at 95 %, so that few photos or a lucky run of hits do not set a threshold; eleven hits
    without a miss are the least that reach .8. Source: Wilson, JASA 22 (1927); Brown, Cai and DasGupta, Statistical Science 16 (2001).
    """
    order = np.argsort(-probabilities, kind="stable")
    values, counts = probabilities[order], np.arange(1.0, len(order) + 1)
    shares = np.cumsum(truth[order]) / counts
    middle, room = shares + Z * Z / (2 * counts), np.sqrt(shares * (1 - shares) / counts + Z * Z / (4 * counts * counts))
    bound = (middle - Z * room) / (1 + Z * Z / counts)
    good = (bound >= precision) & (values >= LEAST) & np.append(values[1:] < values[:-1], True)
    return float(values[np.flatnonzero(good)[-1]]) if good.any() else NEVER


def out_of_fold(features: Floats, faults: Ints, contents: Sequence[str], folds: int = 5, seed: int = 0) -> tuple[Floats, Ints]:
    """Probabilities `(N, 8)` of each photo by a head that has not seen its content, and the fold `(N,)` that each lay in."""
    names, codes = np.unique(np.asarray(contents), return_inverse=True)
    if len(names) < folds:
        raise ModelFault(
            f"{len(names)} photos with faults made on them: at least {folds} were expected, to measure on held-out ones"
        )
    fold = (np.random.default_rng(seed).permutation(len(names)) % folds)[codes]
    found = np.empty(faults.shape)
    for number in range(folds):
        held = fold == number
        found[held] = fit_head(features[~held], faults[~held], seed).probabilities(features[held])
    return found, fold


def write_head(folder: Path, head: FaultHead) -> Path:
    """Write faults.npz into a model folder."""
    path = folder / FILE
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream, format=FORMAT, middle=head.middle, spread=head.spread, first=head.first.astype(np.float32),
            second=head.second.astype(np.float32), thresholds=head.thresholds, faults=np.array(FAULTS), facts=json.dumps(head.facts),
        )  # fmt: skip
    return path


def read_head(folder: Path) -> FaultHead | None:
    """The head of a model folder; None when it has none. Raises ModelFault for a broken or a newer file."""
    path = folder / FILE
    if not path.is_file():
        return None
    again = f"make it again with `dermiqa model faults --model {folder}`"
    with reading(path, again) as held:
        if int(held["format"]) != FORMAT or tuple(held["faults"].tolist()) != FAULTS:
            raise ModelFault(f"{path} is of another version: {again}")
        first, second = held["first"].astype(np.float64), held["second"].astype(np.float64)
        facts = json.loads(str(held["facts"]))
        return FaultHead(held["middle"], held["spread"], first, second, held["thresholds"], facts)
