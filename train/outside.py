"""Other models' outputs in the same tables: a CSV `file,score[,split]` measured like a run of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from train.bounds import bounds
from train.datasets.base import LoadedSet
from train.evaluate import KINDS, set_results
from train.material import parts_of
from train.run_folder import CARD, PREDICTIONS, RESULTS
from train.splits import split_columns
from workspace.errors import DatasetFault, TableFault
from workspace.files import write_json, write_text


def read_predictions(path: Path) -> pd.DataFrame:
    """A table with file, score and perhaps split. Raises TableFault naming a missing column or the first bad cell."""
    try:
        frame = pd.read_csv(path, dtype={"file": str}, encoding="utf-8-sig")
    except FileNotFoundError:
        raise TableFault(f"{path} is not there: a CSV with the columns file,score was expected") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        raise TableFault(f"{path} can't be read as a CSV: {str(fault).splitlines()[0]}") from None
    for column in ("file", "score"):
        if column not in frame.columns:
            raise TableFault(f"{path} has no column {column!r}; it has: {', '.join(map(str, frame.columns))}")
    numbers = pd.to_numeric(frame["score"], errors="coerce")
    if numbers.isna().any():
        row = int(numbers.isna().to_numpy().argmax())
        raise TableFault(f"{path} line {row + 2}: score is {frame['score'].iloc[row]!r}, a number was expected")
    keys = ["file", "split"] if "split" in frame.columns else ["file"]
    if frame.duplicated(keys).any():
        twice = frame.loc[frame.duplicated(keys), "file"].iloc[0]
        raise TableFault(f"{path} names {twice!r} more than once: one row per image (and split) was expected")
    return frame.assign(score=numbers)


def split_numbers(predictions: pd.DataFrame, split: pd.DataFrame) -> list[int]:
    """The splits to measure: those named in the predictions, else all of the split file."""
    if "split" in predictions.columns:
        return sorted({int(number) for number in predictions["split"]})
    return list(range(1, len(split_columns(split)) + 1))


def measure(
    predictions: pd.DataFrame, loaded: LoadedSet, split: pd.DataFrame, number: int, row: Mapping[str, str], where: str
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Results (as of a run) and predictions of one split; the test part must be there whole, other parts may be missing.

    `where` names the predictions in messages. Raises DatasetFault when an image of the test part has no prediction.
    """
    mine = predictions[predictions["split"] == number] if "split" in predictions.columns else predictions
    part = parts_of(loaded.table, split, number, loaded.name)
    known = dict(zip(mine["file"], mine["score"], strict=True))
    output = loaded.table["file"].map(known)
    lost = loaded.table["file"][(part == "test") & output.isna().to_numpy()]
    if len(lost):
        raise DatasetFault(
            f"{where} lacks {len(lost)} images of {loaded.title}'s test part of split {number}, the first {lost.iloc[0]!r}"
        )
    labels = [c for c in ("content", *KINDS) if c in loaded.table.columns]
    frame = loaded.table[["file", "group", "score10", *labels]].assign(set=loaded.name, part=part, output=output)
    frame = frame[output.notna().to_numpy() & frame["part"].isin(("train", "val", "test"))].reset_index(drop=True)
    found = set_results(frame.dropna(axis=1, how="all"), seed=0)
    found["bounds"] = bounds(loaded.table, part, loaded.root / "votes.csv")
    results = {
        "row": dict(row), "split": number, "collapsed": False, "simulated": loaded.simulated, "input_size": None,
        "titles": {loaded.name: loaded.title}, "kinds": {loaded.name: loaded.facts.name}, "sets": {loaded.name: found},
    }  # fmt: skip
    return results, frame


def write(folder: Path, results: Mapping[str, Any], frame: pd.DataFrame, note: str) -> None:
    """Write a folder that `dermiqa tables` reads like a run's."""
    columns = ["set", "file", "part", "group", "score10", "output", *[c for c in ("content", *KINDS) if c in frame.columns]]
    write_text(folder / PREDICTIONS, frame[columns].to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    write_text(folder / CARD, f"# {results['row']['model']}\n\n{note}\n")
    write_json(folder / RESULTS, dict(results))


def merge_sets(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One run's results from the results of several sets (same row and split)."""
    first = parts[0]
    return {
        **first,
        "simulated": any(part["simulated"] for part in parts),
        **{key: {k: v for part in parts for k, v in part[key].items()} for key in ("titles", "kinds", "sets")},
    }
