"""What a model's score is worth: a conformal interval from validation residuals, and how far a photo is from the training images.

calibration.json   residuals' quantiles, coverage on the test part; range.npz   features of training images, distances' limits.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mos.evaluation import rmse
from train import run_folder
from train.networks import Network
from train.pixels import Pixels
from workspace.errors import ModelFault
from workspace.files import replacing, write_json

Floats = NDArray[np.float64]
FILE, RANGE = "calibration.json", "range.npz"
LEVEL = 0.9
LEAST = 10
LOW, HIGH = 1.0, 10.0
NEIGHBOURS = 3
LIMIT = 0.99
BANK = 600
DRAWS = 1000


@dataclass(frozen=True)
class Range:
    """Unit features of training images `(N, F)`, and the distance above which a photo is out of range."""

    bank: NDArray[np.float32]
    limit: float

    def distances(self, features: Floats) -> Floats:
        """Mean distance to the three nearest training images, `(B,)`, for features `(B, F)`; 0 alike, at most 2.

        Source: Sun et al., Out-of-distribution detection with deep nearest neighbors, ICML 2022: unit features, k-th neighbour.
        """
        return nearest(unit(features), self.bank)


@dataclass(frozen=True)
class Calibration:
    """Sorted residuals (true minus predicted score) of `n` validation images, and the part of the interval made from them."""

    residuals: Floats
    level: float
    half_width: float | None
    facts: dict[str, Any]

    def interval(self, score: float, *, known: bool = True) -> tuple[float, float] | None:
        """The interval around a score, clipped to 1..10; the whole scale when the photo is not of a known kind; None uncalibrated."""
        if not known:
            return LOW, HIGH
        if self.half_width is None:
            return None
        return max(LOW, score - self.half_width), min(HIGH, score + self.half_width)

    def below(self, score: float, limit: float) -> float | None:
        """Probability that the true score is below `limit`: the share of validation residuals that would put it there."""
        if self.half_width is None:
            return None
        return float((np.searchsorted(self.residuals, limit - score, side="left") + 0.5) / (len(self.residuals) + 1))


def half_width(residuals: Floats, level: float = LEVEL) -> float | None:
    """Half the interval: the ceil((n + 1) level)-th smallest absolute residual; None below 10 residuals.

    Source: split conformal prediction, Lei et al., JASA 113 (2018), algorithm 2.
    """
    n = len(residuals)
    rank = math.ceil((n + 1) * level)
    return float(np.sort(np.abs(residuals))[rank - 1]) if n >= LEAST and rank <= n else None


def coverage(frame: pd.DataFrame, width: float, seed: int = 0) -> dict[str, Any]:
    """Share of the rows (`score10`, `output`, `group`) whose score lies in the interval, and its 95 % interval over groups."""
    truth, output = frame["score10"].to_numpy(dtype=np.float64), frame["output"].to_numpy(dtype=np.float64)
    inside = (np.abs(truth - output) <= width).astype(np.float64)
    groups, codes = np.unique(frame["group"].astype(str), return_inverse=True)
    counts, sums = np.bincount(codes).astype(np.float64), np.bincount(codes, weights=inside)
    picked = np.random.default_rng(seed).integers(0, len(groups), (DRAWS, len(groups)))
    shares = sums[picked].sum(axis=1) / counts[picked].sum(axis=1)
    low, high = np.percentile(shares, (2.5, 97.5))
    return {"share": float(inside.mean()), "low": float(low), "high": float(high), "n": len(frame), "groups": len(groups)}


def from_predictions(folder: Path) -> dict[str, Any]:
    """The interval's facts from a run's predictions.csv: residuals of the validation parts, coverage on the test parts."""
    frame = pd.read_csv(folder / run_folder.PREDICTIONS)
    val, test = frame[frame["part"] == "val"], frame[frame["part"] == "test"]
    residuals = np.sort((val["score10"] - val["output"]).to_numpy(dtype=np.float64))
    width = half_width(residuals)
    facts: dict[str, Any] = {"level": LEVEL, "half_width": width, "n": len(val), "groups": int(val["group"].nunique())}
    if len(val):
        facts["rmse"] = rmse(val["output"].to_numpy(dtype=np.float64), val["score10"].to_numpy(dtype=np.float64))
    if width is not None and len(test):
        facts["test_coverage"] = coverage(test, width)
    return {**facts, "residuals": [round(float(r), 5) for r in residuals]}


def write_interval(folder: Path) -> dict[str, Any]:
    """Write calibration.json from predictions.csv; gives what it says. Raises ModelFault where there are no predictions."""
    if not (folder / run_folder.PREDICTIONS).is_file():
        raise ModelFault(f"{folder} has no {run_folder.PREDICTIONS}: the interval comes from its validation rows")
    facts = from_predictions(folder)
    write_json(folder / FILE, facts)
    return facts


def read_interval(folder: Path) -> Calibration:
    """The interval of a model folder, from calibration.json or the predictions; without either an interval that is None."""
    facts: dict[str, Any] = {"level": LEVEL, "half_width": None, "residuals": []}
    if (folder / FILE).is_file():
        facts = run_folder.read_json(folder / FILE, "a calibration")
    elif (folder / run_folder.PREDICTIONS).is_file():
        facts = from_predictions(folder)
    residuals = np.asarray(facts["residuals"], dtype=np.float64)
    rest = {key: value for key, value in facts.items() if key != "residuals"}
    return Calibration(residuals, float(facts["level"]), facts["half_width"], rest)


def unit(features: Floats) -> Floats:
    """Rows `(N, F)` divided by their length."""
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12))


def nearest(rows: Floats, bank: NDArray[np.float32], skip: int = 0) -> Floats:
    """Mean distance of unit rows to their three nearest of the bank, leaving out the `skip` nearest (themselves)."""
    squared = np.maximum(2.0 - 2.0 * (rows.astype(np.float32) @ bank.T), 0.0)
    count = min(NEIGHBOURS + skip, bank.shape[0])
    close = np.sqrt(np.sort(np.partition(squared, count - 1, axis=1)[:, :count], axis=1)[:, skip:])
    return np.asarray(close.mean(axis=1), dtype=np.float64)


def write_range(folder: Path, train: list[Pixels], held_out: list[Pixels], network: Network, batch: int = 32) -> float:
    """Write range.npz from training inputs and held-out ones of the same kind `(S, S, 3)`; gives the limit.

    The limit is the 99th percentile of the held-out distances (without any: of the training images' own, themselves left out).
    At most 600 training and 600 held-out images, evenly taken, are used. Raises ModelFault without a training image.
    """
    if len(train) < 2:
        raise ModelFault(f"{len(train)} training images: two or more were expected to know the range of a model")
    bank = _features(train[:: max(1, len(train) // BANK)][:BANK], network, batch)
    if held_out:
        found = nearest(_features(held_out[:: max(1, len(held_out) // BANK)][:BANK], network, batch), bank.astype(np.float32))
    else:
        found = nearest(bank, bank.astype(np.float32), skip=1)
    limit = float(np.quantile(found, LIMIT))
    with replacing(folder / RANGE) as temporary, temporary.open("wb") as stream:
        np.savez(stream, bank=bank.astype(np.float16), limit=np.float64(limit), distances=found)
    return limit


def _features(images: list[Pixels], network: Network, batch: int) -> Floats:
    parts = [network(np.stack(images[i : i + batch]))[1] for i in range(0, len(images), batch)]
    return unit(np.concatenate(parts))


def read_range(folder: Path) -> Range | None:
    """The range of a model folder; None when it has none. Raises ModelFault for a broken file."""
    path = folder / RANGE
    if not path.is_file():
        return None
    try:
        with np.load(path) as held:
            return Range(held["bank"].astype(np.float32), float(held["limit"]))
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as fault:
        raise ModelFault(f"{path} can't be read ({fault}): train the model again or delete the file") from None
