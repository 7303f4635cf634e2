"""Paired tests between models on one test set: over splits (Nadeau-Bengio) and within a split (bootstrap of whole groups)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mos.evaluation import plcc, srocc
from mos.model_tests import Difference, nadeau_bengio, paired_bootstrap
from mos.significance import holm
from train.run_folder import PREDICTIONS
from train.table_bounds import left_out
from workspace.errors import DatasetFault

STATISTICS = {"plcc": plcc, "srocc": srocc}
COLUMNS = [
    "test", "first", "second", "measure", "splits", "difference", "low", "high", "p", "p_holm", "split", "within_difference",
    "within_low", "within_high", "within_p", "reason",
]  # fmt: skip
MOST_ROWS = 12


def compare(runs: Sequence[dict[str, Any]], title: str, measure: str = "plcc", *, draws: int = 1000) -> list[dict[str, Any]]:
    """One row per pair of table rows on the set `title`: `difference` = first - second over common splits with the corrected
    resampled t test, and within the first common split by resampling groups of the very same images.

    `p_holm` is p after Holm's correction over the pairs. With more than 12 rows each is compared with the best one alone.
    Collapsed runs are left out. Raises DatasetFault for fewer than two rows.
    """
    by_row = _by_row(runs, title)
    if len(by_row) < 2:
        raise DatasetFault(f"{len(by_row)} models are tested on {title}: a comparison needs two")
    rows = [_pair(by_row, title, one, other, measure, draws) for one, other in _pairs(by_row, measure)]
    values = np.array([np.nan if row["p"] is None else row["p"] for row in rows], float)
    known = np.isfinite(values)
    corrected = np.full(len(rows), np.nan)
    if known.any():
        corrected[known] = holm(values[known])
    return [{**row, "p_holm": float(c) if np.isfinite(c) else None} for row, c in zip(rows, corrected, strict=True)]


def compare_all(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """`compare` on every test set that two models or more were tested on, by PLCC and by SROCC."""
    from train.tables import tables

    titles = [title for title in tables(runs)[0].columns[:-1] if len(_by_row(runs, title)) > 1]
    return [row for title in titles for measure in STATISTICS for row in compare(runs, title, measure)]


def _pairs(by_row: Mapping[str, Mapping[int, dict[str, Any]]], measure: str) -> list[tuple[str, str]]:
    if len(by_row) <= MOST_ROWS:
        return list(combinations(by_row, 2))
    best = max(by_row, key=lambda label: float(np.mean([_value(run, measure) for run in by_row[label].values()])))
    return [(best, other) for other in by_row if other != best]


def _by_row(runs: Sequence[dict[str, Any]], title: str) -> dict[str, dict[int, dict[str, Any]]]:
    """Label of a table row -> split -> run, of runs with a test part of this set."""
    out: dict[str, dict[int, dict[str, Any]]] = {}
    for run in runs:
        name = next((n for n, t in run["titles"].items() if t == title and "test" in run["sets"].get(n, {})), None)
        if name is None or run.get("collapsed") or left_out(run):
            continue
        label = " on ".join(word for word in (run["row"]["model"], run["row"]["training"]) if word)
        out.setdefault(label, {})[int(run["split"])] = {**run, "set": name}
    return out


def _pair(
    by_row: Mapping[str, Mapping[int, dict[str, Any]]], title: str, one: str, other: str, measure: str, draws: int
) -> dict[str, Any]:
    common = sorted(set(by_row[one]) & set(by_row[other]))
    over = nadeau_bengio([], 0.0)
    if common:
        values = [_value(by_row[one][s], measure) - _value(by_row[other][s], measure) for s in common]
        over = nadeau_bengio(values, _test_share(by_row[one][common[0]]))
    within = (
        _within(by_row[one][common[0]], by_row[other][common[0]], measure, draws)
        if common
        else Difference(np.nan, None, None, None)
    )
    return {
        "test": title, "first": one, "second": other, "measure": measure, "splits": len(common),
        "difference": _plain(over.value), "low": over.low, "high": over.high, "p": over.p, "split": common[0] if common else None,
        "within_difference": _plain(within.value), "within_low": within.low, "within_high": within.high, "within_p": within.p,
        "reason": over.reason if common else "no common split",
    }  # fmt: skip


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _value(run: dict[str, Any], measure: str) -> float:
    value = run["sets"][run["set"]]["test"][measure]
    return 0.0 if value is None else float(value)


def _test_share(run: dict[str, Any]) -> float:
    """Test images per training image; the usual .2 / .7 where the set was not trained on."""
    found = run["sets"][run["set"]]
    return float(found["test"]["n"] / found["train"]["n"]) if "train" in found else 0.2 / 0.7


def _within(one: dict[str, Any], other: dict[str, Any], measure: str, draws: int) -> Difference:
    frames = [_test_part(run) for run in (one, other)]
    both = frames[0].merge(frames[1][["file", "output"]], on="file", suffixes=("", "_other"), validate="one_to_one")
    if len(both) < 3:
        return Difference(float("nan"), None, None, None, "no images in common")
    return paired_bootstrap(
        STATISTICS[measure], both["output"].to_numpy(float), both["output_other"].to_numpy(float), both["score10"].to_numpy(float),
        both["group"].astype(str).to_numpy(), draws=draws,
    )  # fmt: skip


def _test_part(run: dict[str, Any]) -> pd.DataFrame:
    frame = pd.read_csv(Path(run["folder"]) / PREDICTIONS, dtype={"set": str, "file": str, "group": str})
    kept: pd.DataFrame = frame.loc[(frame["set"] == run["set"]) & (frame["part"] == "test")]
    return kept
