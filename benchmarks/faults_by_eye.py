"""What a fault head says of real photos, against what one judge sees: BIQ2021's spoilt photos, photos as they come, dermatology.

    python -m benchmarks.faults_by_eye BIQ2021_FOLDER --model models/first [--derm FOLDER ...] [--part all|choosing|reported] [--quick]

The truth is one judge's eye, that of a simulated observer (a model that looks at images), not of a person: 220 photos looked at once, the
first 24 at .85 of their size and the others at full size, before any head had judged them (`faults_by_eye.csv`). A fault counts where it is
clearly visible; where the judge was unsure it counts as absent, and a second precision counts it as present. Photos of one object are
resampled together. The half "choosing" may serve choices about the head, "reported" serves figures alone.
The folders of --derm hold photos that the head may have been taught on: each is judged by a head made of four fifths without it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from train import chain
from train.fault_features import fault_features
from train.fault_material import CHAINS, FAULTS, content_of
from train.fault_measures import agreement
from train.fault_training import photo_rows
from train.faults import NEVER, FaultHead, out_of_fold, read_head
from train.scoring import photos_in
from workspace.errors import ModelFault

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LABELS = Path(__file__).with_suffix(".csv")
INPUT = {"input": {"largest_side": chain.WORKING_SIDE, "size": 224, "resize": "shorter_side"}}
SETS = {
    "spoilt": "BIQ2021 ss01, spoilt on purpose",
    "as_they_come": "BIQ2021 ss03, as they come",
    "derm": "dermatology, as they come, heads that had not seen the photo",
}


def labels(part: str = "all", quick: bool = False) -> pd.DataFrame:
    """The judge's table of one part: set, file, faults, note, object, part; `quick` keeps every fifth photo."""
    found = pd.read_csv(LABELS, keep_default_na=False)
    if part != "all":
        found = found[found["part"] == part]
    return (found[::5] if quick else found).reset_index(drop=True)


def seen(table: pd.DataFrame) -> tuple[Ints, Ints]:
    """Faults clearly visible, and those visible or unsure: both `(N, 8)` as 0 or 1."""
    sure = [set(faults.split()) for faults in table["faults"]]
    unsure = [set(note.partition("unsure: ")[2].split()) for note in table["note"]]
    clear = np.array([[int(fault in faults) for fault in FAULTS] for faults in sure])
    return clear, clear | np.array([[int(fault in faults) for fault in FAULTS] for faults in unsure])


def judged(paths: Sequence[Path], head: FaultHead) -> Floats:
    """The head's probabilities `(N, 8)` of photo files. Raises PhotoFault for a missing or broken one."""
    return head.probabilities(np.stack([fault_features(chain.read(path, INPUT).working) for path in paths]))


def judged_unseen(files: Sequence[str], folders: Sequence[Path], chains: int) -> Floats:
    """Probabilities `(N, 8)` of named photos of the folders, each by a head made of the four fifths of the folders' photos without it."""
    paths = {content_of(path): path for path in reversed(photos_in(folders))}
    rows = [row for path in paths.values() for row in photo_rows(path, 0, chains)]
    contents = [row[0] for row in rows]
    held, _ = out_of_fold(np.stack([row[2] for row in rows]), np.stack([row[3] for row in rows]), contents)
    whole = {row[0]: place for place, row in enumerate(rows) if row[1] == "pristine"}
    return held[[whole[content_of(Path(file))] for file in files]]


def cell(values: list[float | None]) -> str:
    """A figure with its interval."""
    value, low, high = values
    return "–" if value is None else f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"


def report(name: str, table: pd.DataFrame, held: Floats, limits: Floats) -> None:
    """Print one set: per fault the agreement with the judge, then how often something is said where nothing is visible."""
    clear, loose = seen(table)
    objects = [str(number) for number in table["object"]]
    said = held >= limits
    strict, kind, half = (agreement(s, t, objects) for s, t in ((said, clear), (said, loose), (held >= 0.5, clear)))
    print(
        f"\n{SETS[name]}: {len(table)} photos of {len(set(objects))} objects; the truth is one judge's eye, a simulated observer's"
    )
    print(
        "| fault | n | said | precision as said | with unsure as present | recall | F1 | F1 at .5 |\n|---|---|---|---|---|---|---|---|"
    )
    for column, fault in enumerate(FAULTS):
        cells = [cell(strict[fault]["precision"]), cell(kind[fault]["precision"]), cell(strict[fault]["recall"])]
        cells = cells if limits[column] < NEVER else ["never said", "", ""]
        f1 = cell(strict[fault]["f1"]) if limits[column] < NEVER and clear[:, column].any() else ""
        at_half = cell(half[fault]["f1"]) if clear[:, column].any() else "–"
        print("|", " | ".join([fault, str(clear[:, column].sum()), str(said[:, column].sum()), *cells, f1, at_half]), "|")
    faultless = clear.sum(axis=1) == 0
    if faultless.any():
        alarms = said[faultless].any(axis=1)
        names = np.array(objects)[faultless]
        share = cell(_share(alarms, names))
        kinds = ", ".join(f"{fault} {n}" for fault, n in zip(FAULTS, said[faultless].sum(axis=0), strict=True) if n)
        print(
            f"something is said of {int(alarms.sum())} of {len(alarms)} photos without a visible fault: {share}; {kinds or 'nothing'}"
        )


def _share(hits: NDArray[np.bool_], objects: NDArray[np.str_]) -> list[float | None]:
    """A share with its 95 % interval, objects resampled."""
    _, codes = np.unique(objects, return_inverse=True)
    counts = np.stack([np.bincount(codes, hits), np.bincount(codes)], axis=1).astype(float)
    draws = np.random.default_rng(0).integers(0, len(counts), (1000, len(counts)))
    sums = counts[draws].sum(axis=1)
    low, high = np.percentile(sums[:, 0] / sums[:, 1], (2.5, 97.5))
    return [float(hits.mean()), float(low), float(high)]


def main() -> None:
    """Judge the photos and print a table a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="BIQ2021 in the authors' layout")
    parser.add_argument("--model", type=Path, required=True, help="a model folder with a fault head")
    parser.add_argument("--derm", type=Path, nargs="+", help="folders of dermatology photos, those of the labels among them")
    parser.add_argument("--part", choices=["all", "choosing", "reported"], default="all")
    parser.add_argument("--quick", action="store_true", help="every fifth photo, two chains: shows that it runs")
    said = parser.parse_args()
    head = read_head(said.model)
    if head is None:
        raise ModelFault(f"{said.model} has no fault head: run `dermiqa model faults PHOTOS --model {said.model}` first")
    table = labels(said.part, said.quick)
    print(f"head: {head.facts['photos']} photos, {head.facts['examples']} examples; part: {said.part}")
    for name in ("spoilt", "as_they_come"):
        rows = table[table["set"] == name]
        report(name, rows, judged([said.folder / "Images" / file for file in rows["file"]], head), head.thresholds)
    if said.derm:
        rows = table[table["set"] == "derm"]
        report("derm", rows, judged_unseen(rows["file"].tolist(), said.derm, 2 if said.quick else CHAINS), head.thresholds)


if __name__ == "__main__":
    main()
