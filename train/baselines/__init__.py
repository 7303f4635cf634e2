"""Baselines on the same splits: hand-made features, full reference, frozen network features; each learns from the train part alone.

A baseline is a function `(loaded, part) -> outputs`: `part` holds train, val, test per row of `loaded.table`; outputs `(N,)` are
on [1, 10] or nan where it can't say anything. To add one: a file with such a function, a line in `BASELINES`, a test.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from train.datasets.base import LoadedSet
from train.material import parts_of
from train.outside import measure, write
from train.splits import split_columns
from workspace.errors import UsageFault, nearest

Floats = NDArray[np.float64]
Baseline = Callable[[LoadedSet, NDArray[np.str_]], Floats]

BASELINES: dict[str, tuple[str, str]] = {
    "BRISQUE + SVR": (
        "train.baselines.brisque:outputs",
        "Mittal, Moorthy and Bovik 2012: 36 natural-scene statistics, support vectors.",
    ),
    "NIQE (refitted)": (
        "train.baselines.niqe:outputs",
        "Mittal, Soundararajan and Bovik 2013: distance from the best-rated images' statistics.",
    ),
    "lite0 features + ridge": (
        "train.baselines.ridge:outputs",
        "Bianco et al. 2018's way: frozen ImageNet features, ridge regression.",
    ),
    "PSNR (full reference)": ("train.baselines.reference:psnr_outputs", "Peak signal-to-noise ratio to the pristine image."),
    "SSIM (full reference)": ("train.baselines.reference:ssim_outputs", "Structural similarity to the pristine image."),
}


def run_baselines(loaded: LoadedSet, split: pd.DataFrame, place: Path, names: Sequence[str] = ()) -> Iterator[str]:
    """Fit and measure each baseline on every split; leaves folders that `dermiqa tables` reads; yields `NAME, split N`.

    A baseline that does not apply to the set (no reference) is passed over. Raises UsageFault for an unknown name.
    """
    for name in names:
        if name not in BASELINES:
            raise UsageFault(f"no baseline {name!r}{nearest(name, list(BASELINES))}: known are {', '.join(BASELINES)}")
    for name in names or BASELINES:
        for number in range(1, len(split_columns(split)) + 1):
            part = parts_of(loaded.table, split, number, loaded.name)
            if not ((part == "train").any() and (part == "test").any()):
                continue
            values = _function(name)(loaded, part)
            known = np.isfinite(values)
            if not known[part == "test"].all():
                continue
            frame = pd.DataFrame({"file": loaded.table["file"][known], "score": values[known]})
            row = {"model": name, "training": loaded.title, "kind": "baseline"}
            results, kept = measure(frame, loaded, split, number, row, name)
            write(place / _folder(name) / f"split{number}", results, kept, BASELINES[name][1])
            yield f"{name}, split {number}"


def _function(name: str) -> Baseline:
    module, _, attribute = BASELINES[name][0].partition(":")
    function: Baseline = getattr(importlib.import_module(module), attribute)
    return function


def _folder(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")


def straightened(values: Floats, labels: Floats, train: NDArray[np.bool_]) -> Floats:
    """Outputs of any scale on [1, 10] by the straight line that fits the training part best; a rising one is kept rising."""
    slope, offset = np.polyfit(values[train], labels[train], 1) if np.ptp(values[train]) > 0 else (0.0, labels[train].mean())
    return np.asarray(offset + max(float(slope), 1e-9) * values, float)
