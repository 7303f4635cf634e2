"""A model's outputs against the scores: agreement with intervals that resample whole groups, and the same per kind of image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from train.correlation import krcc, plcc, rmse, srocc

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

    `plcc` is raw (the paper's), `plcc_mapped` after a monotone four-parameter logistic fit on the same data (P.1401, 7.5);
    `plcc_clipped` after clipping outputs to [1, 10] and `outside` the share that this changes; `*_low`, `*_high` are the
    95 % bootstrap interval that resamples groups (references, subjects), since images of one group are not independent.
    """
    labels, outputs = np.asarray(labels, float), np.asarray(outputs, float)
    clipped = np.clip(outputs, LOW, HIGH)
    found: dict[str, Any] = {
        "n": len(labels), "groups": len(set(groups)), "plcc": plcc(labels, outputs), "plcc_mapped": plcc(labels, mapped(labels, outputs)),
        "plcc_clipped": plcc(labels, clipped), "srocc": srocc(labels, outputs), "krcc": krcc(labels, outputs),
        "rmse": rmse(labels, outputs), "outside": float(np.mean(clipped != outputs)),
        "spread": float(np.std(outputs) / np.std(labels)) if np.std(labels) > 0 else float("nan"),
    }  # fmt: skip
    found.update(intervals(labels, outputs, groups, resamples, seed))
    return {key: (None if isinstance(value, float) and not np.isfinite(value) else value) for key, value in found.items()}


def intervals(labels: Floats, outputs: Floats, groups: Sequence[str], resamples: int, seed: int) -> dict[str, float]:
    """95 % intervals of PLCC, SROCC and RMSE by resampling groups; nan with fewer than three groups."""
    rows: list[list[float]] = []
    if len(set(groups)) >= 3:
        for chosen in resampled(groups, resamples, seed):
            one, other = labels[chosen], outputs[chosen]
            rows.append([plcc(one, other), srocc(one, other), rmse(one, other)])
    out = {}
    for column, name in enumerate(("plcc", "srocc", "rmse")):
        values = np.array([row[column] for row in rows])
        values = values[np.isfinite(values)]
        low, high = np.percentile(values, [2.5, 97.5]) if len(values) >= 0.9 * resamples > 0 else (np.nan, np.nan)
        out[f"{name}_low"], out[f"{name}_high"] = float(low), float(high)
    return out


def resampled(groups: Sequence[str], resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Row numbers of `resamples` bootstrap samples of whole groups."""
    _, code = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(code.max() + 2))
    members = [order[starts[g] : starts[g + 1]] for g in range(code.max() + 1)]
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = rng.integers(0, len(members), len(members))
        yield np.concatenate([members[g] for g in drawn])


def mapped(labels: Floats, outputs: Floats) -> Floats:
    """Outputs through the monotone logistic b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|)) fitted to the labels (P.1401, 7.5).

    Where the fit does not converge, or outputs are constant, a straight line.
    """
    from scipy.optimize import OptimizeWarning, curve_fit

    spread = float(np.std(outputs))
    if len(outputs) < 8 or spread < 1e-9:
        return outputs

    def curve(x: Floats, b1: float, b2: float, b3: float, b4: float) -> Floats:
        return b2 + (b1 - b2) / (1.0 + np.exp(-np.clip((x - b3) / (abs(b4) + 1e-9), -60.0, 60.0)))

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)
        try:
            start = (float(labels.max()), float(labels.min()), float(outputs.mean()), spread)
            fitted, _ = curve_fit(curve, outputs, labels, p0=start, maxfev=4000)
        except RuntimeError:
            return outputs
    return curve(outputs, *fitted)


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
        srocc(part["score10"].to_numpy(float), part[output].to_numpy(float)) for _, part in frame.groupby(key) if len(part) >= 4
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
