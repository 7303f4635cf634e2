"""What a model's score is worth: a conformal interval from validation residuals, kept in calibration.json with its coverage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mos.evaluation import rmse
from train import run_folder
from workspace.errors import ModelFault
from workspace.files import write_json

Floats = NDArray[np.float64]
FILE = "calibration.json"
LEVEL = 0.9
LEAST = 10
LOW, HIGH = 1.0, 10.0
DRAWS = 1000


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
