"""How well the attribute head follows people's ratings on photos held out, with intervals that resample groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mos.evaluation import group_interval, plcc, rmse, srocc
from train.attributes import ATTRIBUTES, AttributeHead

Floats = NDArray[np.float64]
DRAWS = 1000


def held_out(values: Floats, targets: Floats, groups: Sequence[str], draws: int = DRAWS) -> dict[str, Any]:
    """PLCC, SROCC and RMSE of each attribute as [value, low, high] (95 %, resampling groups), n, and the SD of people's scores."""
    found: dict[str, Any] = {}
    for column, name in enumerate(ATTRIBUTES):
        mine, theirs = values[:, column], targets[:, column]
        row: dict[str, Any] = {"n": len(mine), "sd": round(float(theirs.std(ddof=1)), 4)}
        for word, statistic in (("plcc", plcc), ("srocc", srocc), ("rmse", rmse)):
            made = group_interval(statistic, mine, theirs, groups, draws=draws, correlation=word != "rmse")
            row[word] = [
                None if v is None or not np.isfinite(v) else round(float(v), 4) for v in (made.value, made.low, made.high)
            ]
        found[name] = row
    return found


def table(head: AttributeHead) -> list[tuple[str, int, str, str, str, str]]:
    """Rows for people: attribute, n, PLCC, SROCC, RMSE with intervals, and the SD of people's scores (RMSE of saying the mean)."""
    rows = []
    for name in ATTRIBUTES:
        found = head.facts["held_out"][name]
        cells = (_cell(found["plcc"], 3), _cell(found["srocc"], 3), _cell(found["rmse"], 1))
        rows.append((name, int(found["n"]), *cells, f"{found['sd']:.1f}"))
    return rows


def _cell(values: list[float | None], digits: int) -> str:
    value, low, high = values
    if value is None:
        return "–"
    ends = "" if low is None or high is None else f" ({low:.{digits}f} to {high:.{digits}f})"
    return f"{value:.{digits}f}{ends}"
