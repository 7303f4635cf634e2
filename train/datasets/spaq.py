"""SPAQ: 11,125 smartphone photos up to 22 MP; the scores come as a spreadsheet with five attribute scores beside them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from train.datasets.base import Facts, Labels, find_folder, need_columns, need_file, need_pattern
from workspace.errors import DatasetFault

ATTRIBUTES = ("Brightness", "Colorfulness", "Contrast", "Noisiness", "Sharpness")
FACTS = Facts(
    name="spaq",
    title="SPAQ",
    distortion="Authentic",
    low=0.0,
    high=100.0,
    extremes=(2.0, 96.0),
    count=11_125,
    paper_count=11_125,
    files=("MOS and Image attribute scores.xlsx",),
    folders=("TestImage", "TestImages", "img"),
    digests=("1ffb0e48acc34bf1",),
    score="column MOS: mean of at least 15 votes, 0 to 100",
    sd="none published",
    group="the image itself",
    licence="free for research with citation",
    citation="Fang, Zhu, Zeng, Ma and Wang: Perceptual quality assessment of smartphone photography. CVPR 2020",
    address="https://github.com/h4nwei/SPAQ",
    notes=(
        "no official test list",
        "photos are shrunk, never cropped at full size: cropping costs about .05 PLCC",
        "Noisiness rises with the MOS (r .89 over the table's 11,125 rows), so a high value goes with little noise",
    ),
    rank=3,
)


def read(root: Path) -> Labels:
    """The rows of `Annotations/MOS and Image attribute scores.xlsx`, attributes in lower case, 0 to 100 (empty cells: nan)."""
    path = need_file(root, FACTS.files, FACTS.title)
    try:
        raw = pd.read_excel(path)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as fault:
        raise DatasetFault(f"{path} can't be read as a spreadsheet ({str(fault).splitlines()[0]}): download it again") from None
    raw = need_columns(raw, ("Image name", "MOS", *ATTRIBUTES), path, FACTS.title)
    raw = raw.dropna(subset=["Image name"])
    need_pattern(raw["Image name"], r"(?i)\d{5}\.jpg", path, FACTS.title)
    frame = pd.DataFrame({"file": raw["Image name"].astype(str), "score": raw["MOS"]})
    for column in ATTRIBUTES:
        frame[column.lower()] = _numbers(raw, column, path)
    return Labels(frame, find_folder(root, FACTS.folders, frame["file"].iloc[:50].tolist()), FACTS.low, FACTS.high)


def _numbers(raw: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """An attribute's column as floats. Raises DatasetFault for a cell that is no number from 0 to 100."""
    values = pd.to_numeric(raw[column], errors="coerce")
    wrong = raw[raw[column].notna() & ~values.between(FACTS.low, FACTS.high)]
    if len(wrong):
        first = wrong.iloc[0]
        raise DatasetFault(
            f"{path}: {first['Image name']} has {column} {first[column]!r}, a number from 0 to 100 was expected "
            f"({len(wrong)} such rows): download it again"
        )
    return values.astype(float)
