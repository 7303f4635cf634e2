"""A model's outputs against the scores: agreement with intervals that resample whole groups, and the same per kind of image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mos.estimate import finite
from mos.evaluation import group_interval, krcc, plcc, rmse, srocc
from mos.mapping import fit

Floats = NDArray[np.float64]
RESAMPLES = 1000
LOW, HIGH = 1.0, 10.0
KINDS = ("variant", "axis", "kadid_level", "source", "subject", "skin_tone", "body_site", "subset")
COLLAPSED_PLCC, COLLAPSED_SPREAD = 0.1, 0.02
WILD_GAP = 0.02


def measures(
    labels: Floats, outputs: Floats, groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Any]:
    """Agreement of outputs with labels, both on [1, 10]; undefined values are None.

    `plcc` is raw (the paper's), `plcc_mapped` after P.1401's four-parameter logistic fitted to the same data (clause 7.2);
    `plcc_clipped` after clipping outputs to [1, 10] and `outside` the share that this changes; `spread` is the outputs' SD over
    the labels'; `*_low`, `*_high` are the 95 % interval that resamples groups (references, subjects), since images of one
    group are not independent (None with `resamples` 0 or fewer than three groups).
    """
    labels, outputs = np.asarray(labels, float), np.asarray(outputs, float)
    clipped = np.clip(outputs, LOW, HIGH)
    curve = fit(outputs, labels, "logistic4") if len(labels) > 5 and np.ptp(outputs) > 0 else fit(outputs, labels, "none")
    found: dict[str, Any] = {
        "n": len(labels), "groups": len(set(groups)), "plcc": finite(plcc(outputs, labels)),
        "plcc_mapped": finite(plcc(curve.apply(outputs), labels)), "plcc_clipped": finite(plcc(clipped, labels)),
        "srocc": finite(srocc(outputs, labels)), "krcc": finite(krcc(outputs, labels)), "rmse": finite(rmse(outputs, labels)),
        "outside": float(np.mean(clipped != outputs)),
        "spread": finite(float(np.std(outputs) / np.std(labels))) if np.std(labels) > 0 else None,
    }  # fmt: skip
    for name, statistic in (("plcc", plcc), ("srocc", srocc), ("rmse", rmse)):
        low = high = None
        if resamples and found[name] is not None:
            estimate = group_interval(statistic, outputs, labels, groups, draws=resamples, seed=seed, correlation=name != "rmse")
            low, high = estimate.low, estimate.high
        found[f"{name}_low"], found[f"{name}_high"] = low, high
    return found


def collapsed(found: dict[str, Any]) -> bool:
    """Whether a run's outputs on its own validation part carry no information: constant, or PLCC below .1."""
    spread, value = found.get("spread"), found.get("plcc")
    return value is None or value < COLLAPSED_PLCC or (spread is not None and spread < COLLAPSED_SPREAD)


def wild(found: dict[str, Any]) -> bool:
    """Whether a few outputs outside [1, 10] spoil the PLCC: clipping them raises it by more than .02."""
    raw, clipped = found.get("plcc"), found.get("plcc_clipped")
    return raw is not None and clipped is not None and bool(found.get("outside")) and clipped - raw > WILD_GAP


def within_contents(frame: pd.DataFrame, output: str = "output") -> dict[str, Any]:
    """Mean SROCC within each content (needs four images of one content or more): what is left when content can't help.

    `frame` has score10, `output` and content (else group).
    """
    key = "content" if "content" in frame.columns else "group"
    values = [
        srocc(part[output].to_numpy(float), part["score10"].to_numpy(float)) for _, part in frame.groupby(key) if len(part) >= 4
    ]
    values = [value for value in values if np.isfinite(value)]
    if not values:
        return {"srocc": None, "contents": 0}
    return {
        "srocc": float(np.mean(values)),
        "contents": len(values),
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
    }


def by_kind(frame: pd.DataFrame, *, resamples: int = 200, seed: int = 0) -> list[dict[str, Any]]:
    """Measures per value of each label that the set has (variant, axis, level, source, subject, skin tone ...).

    `frame` has score10, output, group and the labels; kinds with one value or more than 60 are left out.
    """
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        if kind not in frame.columns:
            continue
        column = frame[kind].fillna("").astype(str)
        values = sorted(set(column) - {""})
        if not 2 <= len(values) <= 60:
            continue
        for value in values:
            part = frame[column == value]
            found = measures(
                part["score10"].to_numpy(float), part["output"].to_numpy(float), part["group"].astype(str).tolist(),
                resamples=resamples, seed=seed,
            )  # fmt: skip
            bias = float((part["output"] - part["score10"]).mean())
            rows.append({"kind": kind, "value": value, **found, "bias": bias})
    return rows


def set_results(frame: pd.DataFrame, seed: int = 0) -> dict[str, Any]:
    """Measures of one set per part; for the test part also within contents and per kind.

    `frame` has part, score10, output, group and labels.
    """
    out: dict[str, Any] = {}
    for part in ("train", "val", "test"):
        rows = frame[frame["part"] == part]
        if len(rows) < 2:
            continue
        resamples = RESAMPLES if part == "test" else 0
        out[part] = measures(
            rows["score10"].to_numpy(float), rows["output"].to_numpy(float), rows["group"].astype(str).tolist(),
            resamples=resamples, seed=seed,
        )  # fmt: skip
        if part == "test":
            out["within_contents"] = within_contents(rows)
            out["by"] = by_kind(rows, seed=seed)
    return out
