"""Any other set: a folder of images and a CSV of two columns, file and score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from train.datasets.base import PARTS, Facts, Labels, need_columns, read_csv, walk
from workspace.errors import DatasetFault, UsageFault

FACTS = Facts(
    name="custom",
    title="custom set",
    distortion="",
    low=1.0,
    high=10.0,
    extremes=None,
    count=None,
    files=(),
    folders=("images",),
    score="column score; say low and high of its scale, and better = lower where it falls with quality",
    sd="column sd, where there is one",
    group="column group, where there is one; else the image itself",
    licence="yours",
    citation="yours",
    address="",
    options={"scores": (), "low": (), "high": (), "better": ("higher", "lower"), "folder": ()},
    rank=8,
)


def read(
    root: Path,
    scores: str | None = None,
    low: float | str | None = None,
    high: float | str | None = None,
    better: str = "higher",
    folder: str | None = None,
) -> Labels:
    """A CSV `file,score` (also sd, group, split or official, any other label column); `file` is relative to the image folder.

    `scores` names the CSV (default: the one CSV in the folder), `folder` the images (default: `images`, else the folder itself).
    """
    path = root / scores if scores else _only_csv(root)
    if not path.is_file():
        raise DatasetFault(f"{path} is not there: a custom set needs a CSV with the columns file,score")
    raw = need_columns(read_csv(path, (), "a custom set"), ("file", "score"), path, "a custom set")
    if low is None or high is None:
        raise UsageFault(f"{path}: say low and high of its scale (for example low = 0, high = 100): a range is never guessed")
    raw["file"] = raw["file"].astype(str)
    if "split" in raw and "official" not in raw and set(raw["split"].dropna()) <= set(PARTS):
        raw = raw.rename(columns={"split": "official"})
    if "official" in raw:
        raw["official"] = raw["official"].fillna("")
    return Labels(raw, _images(root, folder, raw), float(low), float(high), better)


def _images(root: Path, folder: str | None, raw: pd.DataFrame) -> Path:
    if folder:
        return root / folder
    first = str(raw["file"].iloc[0]) if len(raw) else ""
    return root if (root / first).is_file() or not (root / "images").is_dir() else root / "images"


def _only_csv(root: Path) -> Path:
    if not root.is_dir():
        raise DatasetFault(f"{root} is not a folder: give the folder with the images and a CSV file,score")
    _, _, files = next(iter(walk(root, 0)))
    found = [name for name in files if name.lower().endswith(".csv")]
    if len(found) != 1:
        listed = ", ".join(found) or "none"
        raise DatasetFault(f"{root} holds {len(found)} CSV files ({listed}): name the one with file,score by the option scores")
    return root / found[0]
