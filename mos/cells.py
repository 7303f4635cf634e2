"""Tables as text cells with the line each row stands on: CSV and Parquet."""

from __future__ import annotations

import csv
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mos.votes import Ints
from workspace.errors import TableFault

SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Cells:
    """`frame` of text (CSV) or typed (Parquet) cells, and `line` `(rows,)`: the line in the file, the header being 1."""

    frame: pd.DataFrame
    line: Ints
    decimal_comma: bool = False


def read_cells(path: Path) -> Cells:
    """A CSV (comma, semicolon, tab or bar; UTF-8) or Parquet file. Raises TableFault for what is not one."""
    if path.suffix.lower() in (".parquet", ".pq"):
        return _parquet(path)
    text = _text(path)
    head = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=head.count)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                dtype=str,
                index_col=False,
                keep_default_na=False,
                skip_blank_lines=False,
                skipinitialspace=True,
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as fault:
        raise TableFault(f"{path} is no table: {' '.join(str(fault).split())}") from None
    line = _lines(text, separator, len(frame))
    frame.columns = [str(c).strip() for c in frame.columns]
    frame = frame.fillna("")
    blank = (frame == "").all(axis=1).to_numpy()
    return Cells(frame.loc[~blank].reset_index(drop=True), line[~blank], separator == ";")


def _parquet(path: Path) -> Cells:
    try:
        frame = pd.read_parquet(path)
    except FileNotFoundError:
        raise TableFault(f"{path} is not there") from None
    except (OSError, ValueError) as fault:
        raise TableFault(f"{path} can't be read as Parquet: {' '.join(str(fault).split())}") from None
    if frame.index.name is not None:
        frame = frame.reset_index()
    frame.columns = [str(c) for c in frame.columns]
    return Cells(frame.reset_index(drop=True), np.arange(1, len(frame) + 1, dtype=np.int64))


def _text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise TableFault(f"{path} is not there") from None
    except IsADirectoryError:
        raise TableFault(f"{path} is a folder: name the file of the votes") from None
    except UnicodeDecodeError as fault:
        raise TableFault(f"{path} is not UTF-8 text (byte {fault.start}): save it as CSV UTF-8") from None
    if not text.strip():
        raise TableFault(f"{path} is empty: a header line and one row per vote were expected")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lines(text: str, separator: str, rows: int) -> Ints:
    """The line on which each row begins; counted exactly where quoted cells span lines."""
    if text.count("\n") + (not text.endswith("\n")) == rows + 1:
        return np.arange(2, rows + 2, dtype=np.int64)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    starts, before = [], 0
    for _ in reader:
        starts.append(before + 1)
        before = reader.line_num
    return np.array((starts[1:] + [before + 1] * rows)[:rows], dtype=np.int64)
