"""What a model's answers are worth on photos it has not seen: score, interval, range, rejection, by BIQ2021's own test table.

    python -m benchmarks.score_measures BIQ2021_FOLDER --model models/biq [--others FOLDER ...] [--quick]

Half of the test photos' scenes calibrate the interval, the other half measures it; range.npz is written from the training photos when the
folder has none. `--others` are photos of another kind: the share that is said to be out of range is printed per folder.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mos.evaluation import plcc, srocc
from train import chain
from train.calibration import LEVEL, coverage, half_width
from train.datasets import load
from train.datasets.base import LoadedSet
from train.duplicates import clusters, describe, pairs
from train.range_check import FILE as RANGE
from train.range_check import write_range
from train.scoring import OUT_OF_RANGE, Score, Scorer, Wanted, open_model, photos_in
from workspace.errors import PhotoFault

Floats = NDArray[np.float64]
DRAWS = 2000
DEALS = 200
SCORES_ALONE = Wanted(flags=False, faults=False)
MIDDLE = 5.5


def resampled(function: object, *columns: Floats) -> tuple[float, float]:
    """A 95 % interval of a function of columns, by resampling photos."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(DRAWS):
        picked = rng.integers(0, len(columns[0]), len(columns[0]))
        values.append(function(*(column[picked] for column in columns)))  # type: ignore[operator]
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)


def rejected(outputs: Floats, truth: Floats) -> float:
    """Share of poor photos (below the middle, 5.5) under the output that keeps 80 % of the good ones (the others)."""
    good, poor = outputs[truth >= MIDDLE], outputs[truth < MIDDLE]
    return float((poor < np.quantile(good, 0.2)).mean()) if len(good) and len(poor) else float("nan")


def with_range(folder: Path, train: pd.DataFrame, count: int) -> Scorer:
    """The model, with a range written from training photos where it had none; a fifth of them is held out for the limit."""
    scorer = open_model(folder)
    if not (folder / RANGE).is_file():
        paths = train["path"].sample(count, random_state=0).tolist()
        inputs = [chain.read(Path(path), scorer.facts).pixels for path in paths]
        cut = count * 4 // 5
        write_range(folder, inputs[:cut], paths[:cut], inputs[cut:], scorer.network)
    return open_model(folder)


def scenes(loaded: LoadedSet) -> dict[str, str]:
    """The scene of each photo file: near-duplicates of one object count as one."""
    found = clusters(list(pairs([describe(loaded)])))
    names = dict(zip(found["file"], found["cluster"], strict=True))
    return {file: names.get(file, file) for file in loaded.table["file"]}


def score_table(scorer: Scorer, table: pd.DataFrame, groups: dict[str, str]) -> pd.DataFrame:
    """Label, output, group and range of every test photo that is there."""
    found = list(scorer.score_files([Path(path) for path in table["path"]], 16, SCORES_ALONE))
    frame = pd.DataFrame({"score10": table["score10"].to_numpy(), "group": [groups[file] for file in table["file"]]})
    frame["output"] = [np.nan if item.raw is None else item.raw for item in found]
    frame["far"] = [OUT_OF_RANGE in item.flags for item in found]
    return frame.dropna(subset=["output"]).reset_index(drop=True)


def say_coverage(frame: pd.DataFrame) -> None:
    """Coverage of the interval on the scenes of one half, calibrated on those of the other, over many deals of the scenes."""
    names = np.unique(frame["group"])
    rows = []
    for deal in range(DEALS):
        half = set(np.random.default_rng(deal).permutation(names)[: len(names) // 2])
        fitted = frame["group"].isin(half)
        known, other = frame[fitted], frame[~fitted]
        residuals = (known["score10"] - known["output"]).to_numpy(np.float64)
        width = half_width(residuals, LEVEL, known["group"].tolist())
        if width is not None:
            inside = coverage(other, width)
            rows.append((width, *(inside[name] for name in ("group_share", "group_low", "group_high", "share"))))
    print(f"{LEVEL:.0%} interval on {len(frame)} photos of {len(names)} scenes, one half calibrates, {len(rows)} deals:")
    if rows:
        first, (width, by_scene, _, _, by_photo) = rows[0], np.mean(rows, axis=0)
        print(f"  mean of the deals: +-{width:.2f}; coverage by scene {by_scene:.3f}, by photo {by_photo:.3f}")
        print(f"  first deal: +-{first[0]:.2f}; coverage by scene {first[1]:.3f} ({first[2]:.3f} to {first[3]:.3f})")


def say_scores(frame: pd.DataFrame) -> None:
    """Correlations, rejection and coverage of one table of outputs."""
    output, truth = frame["output"].to_numpy(np.float64), frame["score10"].to_numpy(np.float64)
    for name, function in (("PLCC", plcc), ("SROCC", srocc), ("poor rejected at 80 % of good kept", rejected)):
        low, high = resampled(function, output, truth)
        print(f"{name}: {function(output, truth):.3f} ({low:.3f} to {high:.3f}), n {len(frame)}")
    print(f"poor (below {MIDDLE:g}): {int((truth < MIDDLE).sum())}, good: {int((truth >= MIDDLE).sum())}")
    say_coverage(frame)


def say_others(scorer: Scorer, folder: Path) -> None:
    """The share of a folder's readable photos that is said to be out of range."""
    try:
        files = photos_in([folder])
    except PhotoFault as fault:
        print(fault)
        return
    found: list[Score] = [item for item in scorer.score_files(files, 16, SCORES_ALONE) if item.score is not None]
    far = sum(OUT_OF_RANGE in item.flags for item in found)
    print(f"said out of range in {folder.name}: {far} of {len(found)}")


def main() -> None:
    """Print every measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--quick", action="store_true", help="100 training and 100 test photos")
    said = parser.parse_args()
    loaded = load("biq2021", said.folder)
    there = loaded.table[[Path(path).is_file() for path in loaded.table["path"]]]
    train, test = there[there["official"] == "train"], there[there["official"] == "test"]
    groups = scenes(replace(loaded, table=there))
    scorer = with_range(said.model, train, 100 if said.quick else 500)
    frame = score_table(scorer, test.head(100) if said.quick else test, groups)
    say_scores(frame)
    print(f"said out of range among the set's own test photos: {frame['far'].mean():.3f}")
    print("of scenes without a training photo:")
    say_scores(frame[~frame["group"].isin({groups[file] for file in train["file"]})])
    for folder in said.others:
        say_others(scorer, folder)


if __name__ == "__main__":
    main()
