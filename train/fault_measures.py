"""How well faults are told on photos held out: precision, recall and F1 per fault, with intervals that resample photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.fault_material import FAULTS
from train.faults import NEVER, FaultHead, threshold

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Intervals = dict[str, list[float | None]]
FOLDS = 5
DRAWS = 1000


def said_out_of_fold(held: Floats, fold: Ints, faults: Ints) -> NDArray[np.bool_]:
    """Which faults would be said, `(N, 8)`, each fold judged by thresholds from the other folds of its deal."""
    said = np.zeros(faults.shape, dtype=bool)
    for number in np.unique(fold):
        here = fold == number
        others = (fold // FOLDS == number // FOLDS) & ~here
        for column in range(faults.shape[1]):
            said[here, column] = held[here, column] >= threshold(held[others, column], faults[others, column])
    return said


def measures(held: Floats, fold: Ints, faults: Ints, contents: Sequence[str], seed: int = 0, repeats: int = 1) -> dict[str, Any]:
    """Per fault precision, recall and F1 with 95 % intervals over contents: as said, and at probability .5; macro F1 at .5.

    Rows may stand for `repeats` deals of the same examples; folds of one deal bear numbers of their own, five to a deal.
    """
    said = said_out_of_fold(held, fold, faults)
    _, codes = np.unique(np.asarray(contents), return_inverse=True)
    draws = _draws(codes, seed)
    half = _by_content(held >= 0.5, faults, codes)
    at_said, at_half = agreement(said, faults, contents, seed), agreement(held >= 0.5, faults, contents, seed)
    found: dict[str, Any] = {
        fault: {"n": int(faults[:, column].sum()) // repeats, "said": at_said[fault], "at_half": at_half[fault]}
        for column, fault in enumerate(FAULTS)
    }
    f1 = np.stack([_prf(half[draws].sum(axis=1)[:, :, column])[2] for column in range(len(FAULTS))])
    low, high = np.percentile(np.nanmean(f1, axis=0), (2.5, 97.5))
    middle = float(np.nanmean([_prf(half.sum(axis=0)[None, :, column])[2][0] for column in range(len(FAULTS))]))
    return {"faults": found, "macro_f1": {"value": middle, "low": float(low), "high": float(high)}}


def agreement(said: NDArray[np.bool_], faults: Ints, contents: Sequence[str], seed: int = 0) -> dict[str, Intervals]:
    """Per fault precision, recall and F1 of what is said `(N, 8)` against faults `(N, 8)`: value and ends of the 95 % interval.

    Intervals resample contents (bootstrap percentiles, 1,000 draws); None where a figure is undefined.
    """
    _, codes = np.unique(np.asarray(contents), return_inverse=True)
    counted, draws = _by_content(said, faults, codes), _draws(codes, seed)
    return {fault: _with_intervals(counted[:, :, column], draws) for column, fault in enumerate(FAULTS)}


def _draws(codes: Ints, seed: int) -> Ints:
    return np.random.default_rng(seed).integers(0, codes.max() + 1, (DRAWS, codes.max() + 1))


def _by_content(said: NDArray[np.bool_], faults: Ints, codes: Ints) -> Floats:
    """Hits, said and true per content: `(C, 3, 8)`."""
    parts = (said & (faults == 1), said, faults == 1)
    out = np.zeros((int(codes.max()) + 1, 3, faults.shape[1]))
    for number, part in enumerate(parts):
        np.add.at(out[:, number], codes, part.astype(np.float64))
    return out


def _prf(counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of rows of (hits, said, true); nan where undefined."""
    hits, said, true = counts[:, 0], counts[:, 1], counts[:, 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        return hits / said, hits / true, 2 * hits / (said + true)


def _with_intervals(counted: Floats, draws: Ints) -> Intervals:
    middle, resampled = _prf(counted.sum(axis=0)[None]), _prf(counted[draws].sum(axis=1))
    out: Intervals = {}
    for name, value, values in zip(("precision", "recall", "f1"), middle, resampled, strict=True):
        known = values[np.isfinite(values)]
        ends = np.percentile(known, (2.5, 97.5)) if len(known) else (np.nan, np.nan)
        out[name] = [round(float(v), 4) if np.isfinite(v) else None for v in (value[0], *ends)]
    return out


def table(head: FaultHead) -> list[tuple[str, int, str, str, str, str]]:
    """Rows for people: fault, n, precision (why, where it is never said), recall, F1 as said, F1 at .5, each with its interval."""
    rows = []
    for fault, limit in zip(FAULTS, head.thresholds, strict=True):
        found = head.facts["held_out"]["faults"][fault]
        said = [_cell(found["said"][name]) for name in ("precision", "recall", "f1")]
        if limit >= NEVER:
            said = ["never said" if found["said"]["precision"][0] is None else f"never said: {said[0]}", "", ""]
        rows.append((fault, found["n"], *said, _cell(found["at_half"]["f1"])))
    return rows


def _cell(values: list[float | None]) -> str:
    value, low, high = values
    return "–" if value is None or low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"
