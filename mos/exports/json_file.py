"""JSON: the whole study in one file, nothing but plain values, no path of this machine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mos.exports.long import labels
from mos.exports.study import StudyData
from mos.exports.tables import Options, note
from workspace.files import write_json


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `study.json` into `out`: name, meta, questions, stimuli, observers, scores, votes (lists of objects)."""
    path = out / "study.json"
    write_json(path, document(study, options))
    return [path]


def document(study: StudyData, options: Options) -> dict[str, Any]:
    """The study as plain values; nan becomes null."""
    votes = study.select(options.panel, options.question)
    return {
        "format": "dermiqa study 1",
        "name": study.name,
        "simulated": study.simulated,
        "note": note(study),
        "votes_sha256": study.votes_hash,
        "meta": plain_value({key: value for key, value in study.meta.items() if key != "plan_rows"}),
        "questions": rows(study.questions),
        "stimuli": rows(labels(study)),
        "observers": rows(study.observers),
        "scores": rows(study.scores()),
        "votes": rows(votes),
    }


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as a list of objects with plain values."""
    columns = [str(c) for c in table.columns]
    return [dict(zip(columns, map(plain_value, row), strict=True)) for row in table.itertuples(index=False, name=None)]


def plain_value(value: Any) -> Any:
    """A value that JSON holds: NumPy numbers as Python's, nan as None, whole floats as int, tables as rows."""
    if isinstance(value, pd.DataFrame):
        return rows(value)
    if isinstance(value, dict):
        return {str(k): plain_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [plain_value(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return None if not math.isfinite(number) else int(number) if number.is_integer() else number
    return value if value is None or isinstance(value, str) else str(value)
