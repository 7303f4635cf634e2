"""pyiqa's files in and out: `meta_info_*.csv`, read by position, and its older splits, a pickle of row numbers.

Nothing of pyiqa is used. A split is always turned into file names, since row orders differ between copies of a set.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from train.datasets.base import PARTS, LoadedSet
from train.splits import UNUSED, split_columns
from workspace.errors import DatasetFault
from workspace.files import write_bytes, write_text

_NUMBERED = {"0": "train", "1": "val", "2": "test"}
LARGEST = 64_000_000


def read_meta(path: Path) -> pd.DataFrame:
    """A meta_info file as file, score, sd, reference and any split columns with their parts by name.

    Two forms, told apart by the first heading: `img_name,mos,std,...` and `ref_name,dist_name,dmos,std,...`; the rest goes by
    position, as pyiqa reads it. Split columns are those with "split" in their names; 0, 1, 2 stand for train, val, test.
    """
    try:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        raise DatasetFault(f"{path} can't be read as a meta_info file: {str(fault).splitlines()[0]}") from None
    paired = str(raw.columns[0]).strip() == "ref_name"
    if raw.shape[1] < (3 if paired else 2):
        raise DatasetFault(f"{path} has {raw.shape[1]} columns, expected img_name,mos,... or ref_name,dist_name,dmos,...")
    shift = 1 if paired else 0
    frame = pd.DataFrame({"file": raw.iloc[:, shift], "score": pd.to_numeric(raw.iloc[:, shift + 1], errors="coerce")})
    if frame["score"].isna().any():
        row = int(frame["score"].isna().argmax())
        raise DatasetFault(f"{path}: {raw.iloc[row, shift + 1]!r} in row {row + 2} is no score")
    if raw.shape[1] > shift + 2 and "split" not in str(raw.columns[shift + 2]).lower():
        frame["sd"] = pd.to_numeric(raw.iloc[:, shift + 2], errors="coerce")
    if paired:
        frame["reference"] = raw.iloc[:, 0]
    for column in split_columns(raw):
        frame[str(column)] = _parts(raw[column], path, str(column))
    return frame


def read_pickle(path: Path, files: Sequence[str]) -> pd.DataFrame:
    """A split pickle `{1: {"train": [row, ...], "val": [...], "test": [...]}, ...}` as a split frame by file name.

    `files` are the names in the order of the meta_info file that the rows count in (0-based). The unpickler builds dicts, lists,
    texts and numbers alone: a pickle that asks for anything else is refused, since loading it could run a stranger's code.
    """
    content = _plain(path)
    if not isinstance(content, dict) or not content:
        raise DatasetFault(f"{path} is no split file of pyiqa: expected {{1: {{'train': [rows], ...}}, ...}}")
    frame = pd.DataFrame({"file": list(files)})
    for number, parts in content.items():
        frame[f"split_{number}"] = _from_rows(parts, len(files), f"{path}, split {number}")
    return frame


def names_for(path: Path, meta: pd.DataFrame, loaded: LoadedSet | None = None) -> list[str]:
    """The file names that a pickle's rows count: all of `meta`, or, when fewer rows are used, those that `loaded` holds.

    LIVE In the Wild's splits count 1,162 images, its meta_info lists 1,169: the seven training images come first and are not counted.
    """
    content = _plain(path)
    rows = {row for parts in content.values() for part in parts.values() for row in part} if isinstance(content, dict) else set()
    counted = max(rows, default=-1) + 1
    if counted == len(meta) or loaded is None:
        return meta["file"].tolist()
    known = set(loaded.table["file"])
    names = [name for name in meta["file"] if name in known]
    if len(names) != counted:
        raise DatasetFault(
            f"{path} counts {counted:,} images, the meta_info file lists {len(meta):,}, the set {len(names):,} of these"
        )
    return names


def meta_text(loaded: LoadedSet, frame: pd.DataFrame | None = None) -> str:
    """`img_name,mos,std,split_1,...` in the set's own scale; the full reference form where the set states references."""
    table = loaded.table
    columns: dict[str, Any] = {}
    if "reference" in table and table["reference"].notna().all():
        columns["ref_name"] = table["reference"]
        columns["dist_name"], columns["dmos"] = table["file"], table["score"]
    else:
        columns["img_name"], columns["mos"] = table["file"], table["score"]
    columns["std"] = table["sd"]
    out = pd.DataFrame(columns)
    if frame is not None:
        by_file = frame.set_index("file")
        for column in split_columns(frame):
            out[column] = table["file"].map(by_file[column])
    return out.to_csv(index=False, lineterminator="\n")


def write_meta(loaded: LoadedSet, frame: pd.DataFrame | None, path: Path) -> None:
    """Write `meta_text`."""
    write_text(path, meta_text(loaded, frame))


def write_pickle(loaded: LoadedSet, frame: pd.DataFrame, path: Path) -> None:
    """Write a split frame as a pickle of 0-based rows of the meta_info file that `write_meta` writes; unused rows are in no part."""
    by_file = frame.set_index("file")
    content: dict[int, dict[str, list[int]]] = {}
    for number, column in enumerate(split_columns(frame), start=1):
        values = loaded.table["file"].map(by_file[column]).tolist()
        content[number] = {part: [row for row, value in enumerate(values) if value == part] for part in PARTS if part in values}
    write_bytes(path, pickle.dumps(content, protocol=4))


class _Plain(pickle.Unpickler):
    """Builds plain containers and numbers; refuses every class and function."""

    def find_class(self, module: str, name: str) -> NoReturn:
        """Refuse."""
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> NoReturn:
        """Refuse."""
        raise pickle.UnpicklingError("it refers to something outside")


def _plain(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetFault(f"{path} has {path.stat().st_size / 1e6:.0f} MB: a split file is smaller")
        return _Plain(io.BytesIO(path.read_bytes())).load()
    except OSError as fault:
        raise DatasetFault(f"{path} can't be read: {fault.strerror}") from None
    except DatasetFault:
        raise
    except Exception as fault:  # a damaged pickle raises whatever its bytes happen to mean
        raise DatasetFault(f"{path} was not loaded, it is no plain split file: {fault}") from None


def _from_rows(parts: Any, images: int, where: str) -> list[str]:
    if not isinstance(parts, dict) or not set(parts) <= set(PARTS):
        raise DatasetFault(f"{where}: expected the parts train, val, test")
    values = [UNUSED] * images
    for part, rows in parts.items():
        for row in rows:
            if not isinstance(row, int) or not 0 <= row < images:
                raise DatasetFault(f"{where}: row {row!r} is outside the {images:,} images of the meta_info file")
            if values[row] != UNUSED:
                raise DatasetFault(f"{where}: row {row} is in {values[row]} and in {part}")
            values[row] = part
    return values


def _parts(column: pd.Series, path: Path, name: str) -> pd.Series:
    named = column.str.strip().replace({"": UNUSED, "-1": UNUSED, **_NUMBERED})
    odd = set(named) - {*PARTS, UNUSED}
    if odd:
        raise DatasetFault(f"{path}: {name} holds {sorted(odd)[0]!r}, expected train, val, test or 0, 1, 2")
    return named
