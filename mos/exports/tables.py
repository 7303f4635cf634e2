"""What all export formats share: options, tables as CSV that no spreadsheet runs, images copied by hash."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mos.exports.study import StudyData, image_names
from workspace.errors import StudyFault
from workspace.files import link_or_copy, replacing, sha256_file, write_bytes, write_text

TEXT_COLUMNS = frozenset({"stimulus", "observer", "panel", "question", "time", "content", "subject"})
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Options:
    """How to export: closed images too or not; one panel or question (None: all, or the main one where a format
    holds only one); seed and parts of the split columns (shares of train, val, test)."""

    include_closed: bool = False
    panel: str | None = None
    question: str | None = None
    split_seed: int = 123
    split_shares: tuple[float, float, float] = (0.7, 0.1, 0.2)
    splits: int = 5


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it; anything else unchanged."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def harmed_back(value: Any) -> Any:
    """The text that `harmless` was given."""
    marked = isinstance(value, str) and value.startswith("'") and value[1:].startswith(FORMULA_STARTS)
    return value[1:] if marked else value


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """A table ready for CSV: flags as 0 and 1, whole numbers without a point, texts made harmless."""
    out = table.copy()
    for column in out.columns:
        values = out[column]
        if values.dtype == bool:
            out[column] = values.astype(np.int64)
        elif pd.api.types.is_float_dtype(values):
            known = values.dropna()
            if len(known) and bool((known == known.round()).all()) and bool((known.abs() < 2**53).all()):
                out[column] = values.astype("Int64")
        elif not pd.api.types.is_numeric_dtype(values):
            out[column] = [harmless(_listed(v)) for v in values]
    return out


def _listed(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value


def write_csv(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as UTF-8 CSV, atomically; floats in their shortest exact form."""
    write_bytes(path, csv_bytes(table))
    return path


def csv_bytes(table: pd.DataFrame) -> bytes:
    """The bytes of `write_csv`."""
    text: str = plain(table).to_csv(index=False, lineterminator="\n")
    return text.encode("utf-8")


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """A table ready for Parquet: every column of objects as text, lists joined."""
    out = table.copy()
    for column in out.columns:
        if not pd.api.types.is_numeric_dtype(out[column]):
            out[column] = ["" if v is None or v != v else str(_listed(v)) for v in out[column].tolist()]
    return out


def read_csv(path: Path) -> pd.DataFrame:
    """A CSV written by `write_csv`, read back exactly: columns of numbers become float64 (blanks nan), others stay text."""
    table = pd.read_csv(path, keep_default_na=False, dtype=str)
    for column in table.columns:
        cells = table[column].tolist()
        numbers = None if column in TEXT_COLUMNS else _numbers(cells)
        table[column] = [harmed_back(cell) for cell in cells] if numbers is None else numbers
    return table


def _numbers(cells: list[str]) -> list[float] | None:
    try:
        return [float(cell) if cell else math.nan for cell in cells]
    except ValueError:
        return None


def open_images(study: StudyData, options: Options) -> tuple[pd.DataFrame, int]:
    """The images that may go out, with their file name in column `name`, and how many closed ones stay behind.

    Raises StudyFault when none is left, and names the switch.
    """
    keep = np.ones(len(study.stimuli), dtype=bool) if options.include_closed else study.redistributable()
    left_out = int((~keep).sum())
    if not keep.any():
        raise StudyFault(
            f"study {study.name}: none of its {len(keep)} images may be passed on (may_redistribute is not yes): "
            "say --include-closed for your own use"
        )
    return study.stimuli.assign(name=image_names(study.stimuli)).loc[keep].reset_index(drop=True), left_out


def copy_images(stimuli: pd.DataFrame, folder: Path) -> list[Path]:
    """Link or copy each row's `file` to `folder/name`. Raises StudyFault when one is missing or not what it was."""
    made = []
    for stimulus, name, file, digest in stimuli[["stimulus", "name", "file", "sha256"]].itertuples(index=False):
        source = Path(str(file))
        if not str(file) or not source.is_file():
            raise StudyFault(f"image {stimulus}: its file {file or '(none)'} is not there: run `dermiqa verify`")
        target = folder / name
        if target.exists() and digest and sha256_file(target) != digest:
            target.unlink()
        link_or_copy(source, target)
        if digest and sha256_file(target) != digest:
            raise StudyFault(f"image {stimulus}: {file} is not the file that was frozen: run `dermiqa verify`")
        made.append(target)
    return made


def one_group(study: StudyData, options: Options) -> tuple[str, str]:
    """The (panel, question) of a format that holds one: the asked ones, else the main question's largest panel."""
    question = options.question or study.main_question
    study.scale(question)
    votes = study.select(options.panel, question)
    if votes.empty:
        said = f" of panel {options.panel!r}" if options.panel else ""
        raise StudyFault(f"study {study.name} has no votes{said} on question {question!r}: choose another panel or question")
    return str(votes["panel"].value_counts().index[0]), question


def score_rows(study: StudyData, stimuli: pd.DataFrame, panel: str | None, question: str | None) -> pd.DataFrame:
    """Scores joined with the images' columns, in the images' order; one row per image, panel and question."""
    scores = study.scores()
    if panel is not None:
        scores = scores.loc[scores["panel"] == panel]
    if question is not None:
        scores = scores.loc[scores["question"] == question]
    return stimuli.merge(scores, on="stimulus", how="inner", sort=False)


def note(study: StudyData) -> str:
    """The sentence that every export of simulated votes carries; empty for a study of people."""
    if not study.simulated:
        return ""
    share = int(study.votes["simulated"].sum())
    return f"SIMULATED: {share} of {len(study.votes)} votes come from model observers, not from people."


def write_readme(path: Path, study: StudyData, lines: Sequence[str], columns: Mapping[str, str] | None = None) -> Path:
    """A short README.md: the study, what lies here, what the columns mean."""
    head = [f"# {study.name}", "", *([f"**{note(study)}**", ""] if note(study) else []), *lines, ""]
    head += [f"Votes: {len(study.votes)} (sha256 of the sorted votes {study.votes_hash}).", ""]
    if columns:
        head += ["| column | meaning |", "|---|---|", *(f"| {k} | {v} |" for k, v in columns.items()), ""]
    write_text(path, "\n".join(head))
    return path


def write_table(path: Path, table: pd.DataFrame, **how: Any) -> Path:
    """Write a table as Parquet, atomically."""
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, **how)
    return path
