"""What a model's score is worth: a conformal interval from validation residuals, kept in calibration.json with its coverage.

Images of one content, subject or near-duplicate cluster are not exchangeable with those of another, so every group counts once,
however many images it has: the interval is meant for a photo of a new group.
"""

from __future__ import annotations

from collections.abc import Sequence
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
ROUNDING = 1e-6


@dataclass(frozen=True)
class Calibration:
    """Sorted residuals (true minus predicted score) of validation images, and half the interval made from them (None: none).

    `shares` `(n,)` is what each residual counts: one over its group's images (None: every image is a group).
    """

    residuals: Floats
    level: float
    half_width: float | None
    facts: dict[str, Any]
    shares: Floats | None = None

    @property
    def missing(self) -> bool:
        """Whether the model folder holds no file that an interval could come from."""
        return bool(self.facts.get("missing"))

    @property
    def groups(self) -> int:
        """How many groups the residuals come from."""
        return len(self.residuals) if self.shares is None else round(float(self.shares.sum()))

    def interval(self, score: float, *, known: bool = True) -> tuple[float, float] | None:
        """The interval around a score, clipped to 1..10; the whole scale when the photo is not of a known kind; None uncalibrated."""
        if not known:
            return LOW, HIGH
        if self.half_width is None:
            return None
        return max(LOW, score - self.half_width), min(HIGH, score + self.half_width)

    def below(self, score: float, limit: float) -> float | None:
        """Probability that the true score is below `limit`: the share of validation residuals that would put it there, each group
        counting once."""
        if self.half_width is None:
            return None
        place = int(np.searchsorted(self.residuals, limit - score, side="left"))
        reached = place if self.shares is None else float(self.shares[:place].sum())
        return (reached + 0.5) / (self.groups + 1)


def group_shares(groups: Sequence[str]) -> Floats:
    """One over the number of images of each image's group, `(n,)`: the shares of a group add up to 1."""
    _, codes, counts = np.unique(np.asarray(groups, dtype=str), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[codes], dtype=np.float64)


def half_width(residuals: Floats, level: float = LEVEL, groups: Sequence[str] | None = None) -> float | None:
    """Half the interval for a photo of a new group; None below 10 groups. Without `groups` `(n,)` each image is its own.

    The smallest absolute residual at and below which the shares of the K groups add up to `level` (K + 1): a photo of a new group is
    covered with probability `level` or more, whatever the groups' sizes and however alike their images. A plain quantile over n images
    promises that for exchangeable images alone; on ladders of variants or near-duplicates it takes K contents for n. With one image to
    a group this is split conformal prediction, the ceil((n + 1) level)-th smallest residual (Lei et al., JASA 113, 2018, algorithm 2).
    Source: hierarchical conformal prediction, Lee, Barber and Willett, arXiv 2306.06342 (2023); the setting is that of Dunn, Wasserman
    and Ramdas, Distribution-free prediction sets for two-layer hierarchical models, JASA 118 (2023).
    """
    shares = np.ones(len(residuals)) if groups is None else group_shares(groups)
    count = round(float(shares.sum()))
    sizes = np.abs(residuals)
    order = np.argsort(sizes, kind="stable")
    place = int(np.searchsorted(np.cumsum(shares[order]), level * (count + 1) - ROUNDING))
    return float(sizes[order[place]]) if count >= LEAST and place < len(order) else None


def coverage(frame: pd.DataFrame, width: float, seed: int = 0) -> dict[str, Any]:
    """Share of the rows (`score10`, `output`, `group`, with `set` where there are several) whose score lies in the interval.

    `share` counts images, `group_share` the mean over groups, each group once (what the interval promises); `low` and `high`,
    `group_low` and `group_high` are their 95 % intervals, which resample whole groups.
    """
    truth, output = frame["score10"].to_numpy(dtype=np.float64), frame["output"].to_numpy(dtype=np.float64)
    inside = (np.abs(truth - output) <= width).astype(np.float64)
    groups, codes = np.unique(group_keys(frame), return_inverse=True)
    counts, sums = np.bincount(codes).astype(np.float64), np.bincount(codes, weights=inside)
    picked = np.random.default_rng(seed).integers(0, len(groups), (DRAWS, len(groups)))
    low, high = np.percentile(sums[picked].sum(axis=1) / counts[picked].sum(axis=1), (2.5, 97.5))
    each = sums / counts
    group_low, group_high = np.percentile(each[picked].mean(axis=1), (2.5, 97.5))
    return {
        "share": float(inside.mean()), "low": float(low), "high": float(high), "n": len(frame), "groups": len(groups),
        "group_share": float(each.mean()), "group_low": float(group_low), "group_high": float(group_high),
    }  # fmt: skip


def group_keys(frame: pd.DataFrame) -> list[str]:
    """The group of each row, told apart by set where the frame says which."""
    groups = frame["group"].astype(str)
    return (frame["set"].astype(str) + "|" + groups).tolist() if "set" in frame.columns else groups.tolist()


def from_predictions(folder: Path) -> dict[str, Any]:
    """The interval's facts from a run's predictions.csv: residuals of the validation parts, coverage on the test parts."""
    frame = pd.read_csv(folder / run_folder.PREDICTIONS)
    val, test = frame[frame["part"] == "val"], frame[frame["part"] == "test"]
    keys, residuals = group_keys(val), (val["score10"] - val["output"]).to_numpy(dtype=np.float64)
    width = half_width(residuals, LEVEL, keys)
    facts: dict[str, Any] = {"level": LEVEL, "half_width": width, "n": len(val), "groups": len(set(keys))}
    if len(val):
        facts["rmse"] = rmse(val["output"].to_numpy(dtype=np.float64), val["score10"].to_numpy(dtype=np.float64))
    if width is not None and len(test):
        facts["test_coverage"] = coverage(test, width)
    order = np.argsort(residuals, kind="stable")
    facts["residuals"] = [round(float(r), 5) for r in residuals[order]]
    return {**facts, "shares": [round(float(share), 9) for share in group_shares(keys)[order]]}


def write_interval(folder: Path) -> dict[str, Any]:
    """Write calibration.json from predictions.csv; gives what it says. Raises ModelFault where there are no predictions."""
    if not (folder / run_folder.PREDICTIONS).is_file():
        raise ModelFault(f"{folder} has no {run_folder.PREDICTIONS}: the interval comes from its validation rows")
    facts = from_predictions(folder)
    write_json(folder / FILE, facts)
    return facts


def read_interval(folder: Path) -> Calibration:
    """The interval of a model folder, from calibration.json or the predictions; without either an interval that is `missing`.

    Raises ModelFault for a file that is no calibration.
    """
    facts: dict[str, Any] = {"level": LEVEL, "half_width": None, "residuals": [], "missing": True}
    if (folder / FILE).is_file():
        facts = run_folder.read_json(folder / FILE, "a calibration")
    elif (folder / run_folder.PREDICTIONS).is_file():
        facts = from_predictions(folder)
    rest = {key: value for key, value in facts.items() if key not in ("residuals", "shares")}
    try:
        residuals = np.asarray(facts["residuals"], dtype=np.float64)
        shares = np.asarray(facts["shares"], dtype=np.float64) if "shares" in facts else None
        if shares is not None and shares.shape != residuals.shape:
            raise ValueError(f"{len(shares)} shares for {len(residuals)} residuals")
        return Calibration(residuals, float(facts["level"]), facts["half_width"], rest, shares)
    except (KeyError, TypeError, ValueError) as fault:
        raise ModelFault(f"{folder / FILE} is no calibration ({fault}): copy the model folder again, or train anew") from None
