"""Floors and ceilings under a table: the mean, the variant's mean, the votes' noise, within contents, one axis left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from train.cells import AVERAGE, Cell, Row, mean_sd

WITHOUT = " without "


def left_out(run: Mapping[str, Any]) -> str:
    """The distortion axis that a run kept out of its training; empty for others. Its test part holds that axis alone."""
    return str(run.get("left_out") or "")


def bound_rows(runs: Sequence[dict[str, Any]], columns: list[str], measure: str) -> list[Row]:
    """Floors and ceilings, one row each; a set's bounds are taken once per split from a run that was trained on the set, if any."""
    names = list(dict.fromkeys(name for run in runs for found in run["sets"].values() for name in found.get("bounds", {})))
    rows = []
    for name in names:
        cells: dict[str, Cell | None] = {}
        for column in columns:
            values = _bound_values(runs, column, name, measure)
            mean, sd = mean_sd(values)
            cells[column] = Cell(mean, sd, len(values)) if values else None
        rows.append(Row(name, "", "bound", {**cells, AVERAGE: None}))
    within = {column: _within(runs, column) for column in columns} if measure == "srocc" else {}
    if any(within.values()):
        rows.append(Row("best model, within contents", "", "bound", {**within, AVERAGE: None}))
    return rows + _left_out_rows(runs, columns, measure)


def _left_out_rows(runs: Sequence[dict[str, Any]], columns: list[str], measure: str) -> list[Row]:
    """One row per model and training set with axes left out: the mean over those axes, each predicted by a run that never saw it."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in runs:
        if left_out(run) and not run.get("collapsed"):
            training = run["row"]["training"].removesuffix(f"{WITHOUT}{left_out(run)}")
            found.setdefault((run["row"]["model"], training), []).append(run)
    rows = []
    for (model, training), mine in sorted(found.items()):
        axes = sorted({left_out(run) for run in mine})
        cells = {column: _over_axes(mine, column, measure) for column in columns}
        rows.append(
            Row(f"{model}, tested on an axis it never saw ({', '.join(axes)})", training, "bound", {**cells, AVERAGE: None})
        )
    return rows


def _over_axes(runs: Sequence[dict[str, Any]], title: str, measure: str) -> Cell | None:
    """Per split the mean over the axes, then mean and SD over splits; only of sets that were trained on."""
    by_split: dict[int, list[float]] = {}
    for run in runs:
        for name, results in run["sets"].items():
            value = results.get("test", {}).get(measure) if run["titles"][name] == title and "train" in results else None
            if value is not None:
                by_split.setdefault(run["split"], []).append(float(value))
    if not by_split:
        return None
    mean, sd = mean_sd([float(np.mean(values)) for values in by_split.values()])
    return Cell(mean, sd, len(by_split))


def _bound_values(runs: Sequence[dict[str, Any]], title: str, name: str, measure: str) -> list[float]:
    by_split: dict[int, float] = {}
    for run in runs:
        for key, found in run["sets"].items():
            value = found.get("bounds", {}).get(name, {}).get(measure) if run["titles"][key] == title else None
            if value is not None and ("train" in found or run["split"] not in by_split):
                by_split[run["split"]] = float(value)
    return list(by_split.values())


def _within(runs: Sequence[dict[str, Any]], title: str) -> Cell | None:
    """The highest mean SROCC within contents that any model row reaches on this set."""
    found: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        for key, results in run["sets"].items():
            value = results.get("within_contents", {}).get("srocc") if run["titles"][key] == title else None
            if value is not None and not run.get("collapsed") and not left_out(run):
                found.setdefault((run["row"]["model"], run["row"]["training"]), []).append(float(value))
    if not found:
        return None
    best = max(found.values(), key=lambda values: float(np.mean(values)))
    mean, sd = mean_sd(best)
    return Cell(mean, sd, len(best))
