"""SPSS and R: CSV files, a codebook, and a script for each program that reads them with labels."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mos.exports.codebook import codebook
from mos.exports.long import labels
from mos.exports.study import StudyData
from mos.exports.tables import Options, note, write_csv
from workspace.files import write_text

WIDTH = 64
SPSS_TYPES = {"text": f"A{WIDTH}", "number": "F16.6", "whole": "F8.0", "flag": "F1.0"}
R_TYPES = {"text": "character", "number": "numeric", "whole": "integer", "flag": "integer"}


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write votes.csv, stimuli.csv, scores.csv, codebook.csv, read.sps and read.R into `out`."""
    book = codebook(study)
    tables = {
        "votes.csv": study.select(options.panel, options.question),
        "stimuli.csv": labels(study),
        "scores.csv": study.scores(),
    }
    made = [write_csv(out / name, table) for name, table in tables.items()]
    made.append(write_csv(out / "codebook.csv", book))
    orders = {name: [str(c) for c in table.columns] for name, table in tables.items()}
    write_text(out / "read.sps", spss_script(study, book, orders))
    write_text(out / "read.R", r_script(study, book, orders))
    return [*made, out / "read.sps", out / "read.R"]


def spss_script(study: StudyData, book: pd.DataFrame, orders: dict[str, list[str]]) -> str:
    """SPSS syntax: each table read in its columns' order, given labels and saved as TABLE.sav, so that all three stay to be opened.

    SPSS keeps a named data set open beside the next one, PSPP does not: the saved files serve both.
    """
    parts = [f"* Study {study.name}. {note(study)}".rstrip(), ""]
    for name, columns in orders.items():
        facts = _facts(book, name)
        variables = "\n".join(f"  {c} {SPSS_TYPES[facts[c][0]]}" for c in columns)
        said = "\n".join(f"  {c} {_quoted(facts[c][1])}" for c in columns)
        parts += [
            f"GET DATA /TYPE=TXT /FILE='{name}' /ENCODING='UTF8' /DELCASE=LINE /DELIMITERS=',' /QUALIFIER='\"' /FIRSTCASE=2",
            f"  /VARIABLES=\n{variables}.",
            f"DATASET NAME {name.removesuffix('.csv')}.",
            f"VARIABLE LABELS\n{said}.",
            *(["VALUE LABELS simulated 0 'person' 1 'model observer'."] if "simulated" in columns else []),
            *(_scale_words(study) if name == "votes.csv" else []),
            f"SAVE OUTFILE='{name.removesuffix('.csv')}.sav'.",
            "",
        ]
    return "\n".join(parts)


def _scale_words(study: StudyData) -> list[str]:
    """The words at the scale as value labels of `score`: at each level where there are as many, else at its ends."""
    if len(study.questions) != 1:
        return []
    words, (low, high) = study.questions["labels"].iloc[0], study.scale(study.main_question)
    if not isinstance(words, list | tuple) or len(words) < 2:
        return []
    levels = range(int(low), int(high) + 1) if len(words) == high - low + 1 else (int(low), int(high))
    said = words if len(words) == len(levels) else (words[0], words[-1])
    return ["VALUE LABELS score " + " ".join(f"{v} {_quoted(str(w))}" for v, w in zip(levels, said, strict=True)) + "."]


def r_script(study: StudyData, book: pd.DataFrame, orders: dict[str, list[str]]) -> str:
    """R code: one data frame per table with the codebook's types and a `label` attribute on every column."""
    parts = [f"# Study {study.name}. {note(study)}".rstrip(), ""]
    for name, columns in orders.items():
        frame, facts = name.removesuffix(".csv"), _facts(book, name)
        types = ", ".join(f"{c} = '{R_TYPES[facts[c][0]]}'" for c in columns)
        parts += [f"{frame} <- read.csv({_quoted(name)}, encoding = 'UTF-8', na.strings = '', colClasses = c({types}))"]
        parts += [f"attr({frame}${c}, 'label') <- {_quoted(facts[c][1])}" for c in columns]
        parts.append("")
    return "\n".join(parts)


def _facts(book: pd.DataFrame, name: str) -> dict[str, tuple[str, str]]:
    own = book.loc[book["table"] == name]
    return {str(c): (str(t), str(m)) for c, t, m in own[["column", "type", "meaning"]].itertuples(index=False)}


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "'").replace("\\", "/") + '"'
