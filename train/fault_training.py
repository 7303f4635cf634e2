"""Training the fault head on photos without faults, and measuring it on photos that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.fault_features import fault_features
from train.fault_material import CHAINS, FAULTS, content_of, examples
from train.faults import NEVER, PRECISION, FaultHead, fit_head, out_of_fold, threshold, write_head
from workspace.errors import ModelFault

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FOLDS = 5
DRAWS = 1000


def photo_rows(path: Path, seed: int, chains: int) -> list[tuple[str, str, Floats, Ints]]:
    """Content, kind, features and faults of everything that is made of one photo. Raises PhotoFault."""
    from distort.intake.one import pristine
    from distort.intake.read import read_photo
    from distort.intake.shape import edits_of
    from train.chain import WORKING_SIDE

    rgb, _ = pristine(read_photo(path), edits_of("", "", ""), WORKING_SIDE)
    made = examples(content_of(path), rgb, seed, chains)
    return [(item.content, item.kind, fault_features(item.rgb), item.faults) for item in made]


def train_faults(folder: Path, photos: Sequence[Path], seed: int = 0, chains: int = CHAINS) -> Iterator[Path | FaultHead]:
    """Make examples of each photo (yielding it), measure by five folds over contents, train on all, write faults.npz; yields the head.

    Raises ModelFault with fewer than five photos, PhotoFault for a broken one.
    """
    if len({content_of(path) for path in photos}) < FOLDS:
        raise ModelFault(f"{len(photos)} photos were given: five different ones or more were expected, good ones")
    rows: list[tuple[str, str, Floats, Ints]] = []
    for path in photos:
        rows += photo_rows(path, seed, chains)
        yield path
    contents, kinds = [row[0] for row in rows], [row[1] for row in rows]
    features, faults = np.stack([row[2] for row in rows]), np.stack([row[3] for row in rows])
    head = made_head(features, faults, contents, kinds, seed)
    write_head(folder, head)
    yield head


def made_head(features: Floats, faults: Ints, contents: Sequence[str], kinds: Sequence[str], seed: int = 0) -> FaultHead:
    """A head with thresholds from held-out probabilities, and the measures made with thresholds of the other folds."""
    held, fold = out_of_fold(features, faults, contents, FOLDS, seed)
    limits = np.array([threshold(held[:, column], faults[:, column]) for column in range(len(FAULTS))])
    facts = {
        "photos": len(set(contents)),
        "examples": len(faults),
        "seed": seed,
        "precision_wanted": PRECISION,
        "held_out": measures(held, fold, faults, contents, seed),
        "chains_share": float(np.mean([kind.startswith("chain") for kind in kinds])),
    }
    return replace(fit_head(features, faults, seed), thresholds=limits, facts=facts)


def said_out_of_fold(held: Floats, fold: Ints, faults: Ints) -> NDArray[np.bool_]:
    """Which faults would be said, `(N, 8)`, each fold judged by thresholds from the other folds."""
    said = np.zeros(faults.shape, dtype=bool)
    for number in np.unique(fold):
        here = fold == number
        for column in range(faults.shape[1]):
            said[here, column] = held[here, column] >= threshold(held[~here, column], faults[~here, column])
    return said


def measures(held: Floats, fold: Ints, faults: Ints, contents: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Per fault precision, recall and F1 with 95 % intervals over contents: as said, and at probability .5; macro F1 at .5."""
    said = said_out_of_fold(held, fold, faults)
    _, codes = np.unique(np.asarray(contents), return_inverse=True)
    draws = np.random.default_rng(seed).integers(0, codes.max() + 1, (DRAWS, codes.max() + 1))
    half = _by_content(held >= 0.5, faults, codes)
    found: dict[str, Any] = {}
    counted = _by_content(said, faults, codes)
    for column, fault in enumerate(FAULTS):
        found[fault] = {
            "n": int(faults[:, column].sum()),
            "said": _with_intervals(counted[:, :, column], draws),
            "at_half": _with_intervals(half[:, :, column], draws),
        }
    f1 = np.stack([_prf(half[draws].sum(axis=1)[:, :, column])[2] for column in range(len(FAULTS))])
    low, high = np.percentile(np.nanmean(f1, axis=0), (2.5, 97.5))
    middle = float(np.nanmean([_prf(half.sum(axis=0)[None, :, column])[2][0] for column in range(len(FAULTS))]))
    return {"faults": found, "macro_f1": {"value": middle, "low": float(low), "high": float(high)}}


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


def _with_intervals(counted: Floats, draws: Ints) -> dict[str, list[float | None]]:
    middle, resampled = _prf(counted.sum(axis=0)[None]), _prf(counted[draws].sum(axis=1))
    out: dict[str, list[float | None]] = {}
    for name, value, values in zip(("precision", "recall", "f1"), middle, resampled, strict=True):
        known = values[np.isfinite(values)]
        ends = np.percentile(known, (2.5, 97.5)) if len(known) else (np.nan, np.nan)
        out[name] = [round(float(v), 4) if np.isfinite(v) else None for v in (value[0], *ends)]
    return out


def table(head: FaultHead) -> list[tuple[str, int, str, str, str, str]]:
    """Rows for people: fault, n, precision, recall, F1 as said (or `never`), F1 at .5, each with its interval."""
    rows = []
    for fault, limit in zip(FAULTS, head.thresholds, strict=True):
        found = head.facts["held_out"]["faults"][fault]
        said = [_cell(found["said"][name]) for name in ("precision", "recall", "f1")] if limit < NEVER else ["never said", "", ""]
        rows.append((fault, found["n"], *said, _cell(found["at_half"]["f1"])))
    return rows


def _cell(values: list[float | None]) -> str:
    value, low, high = values
    return "–" if value is None or low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"
