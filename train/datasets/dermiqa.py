"""Our own export of a rated study: `images/`, `scores.csv`, `votes.csv`; groups join subject, pristine photo and content."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from train.datasets.base import Facts, Labels, need_columns, need_file, read_csv
from train.groups import joined
from workspace.errors import DatasetFault, UsageFault

COLUMNS = ("file", "subject", "content", "pristine", "variant", "axis", "panel", "question", "mos", "sd", "n", "n_simulated")
FACTS = Facts(
    name="dermiqa",
    title="dermiqa",
    distortion="Artificial",
    low=1.0,
    high=10.0,
    extremes=None,
    count=None,
    files=("scores.csv",),
    folders=("images",),
    score="column mos of one panel and one question, on the scale of scale.json (else low to high, else 1 to 10)",
    sd="column sd: standard deviation of the votes (ddof 1)",
    group="subject, joined with pristine photo and content: whatever shares one of them stays together",
    licence="as the folder's README says, per source",
    citation="as the folder's README says",
    address="",
    options={"panel": (), "question": (), "low": (), "high": ()},
    rank=7,
)


def read(
    root: Path,
    panel: str | None = None,
    question: str | None = None,
    low: float | str | None = None,
    high: float | str | None = None,
) -> Labels:
    """The rows of one panel and question of `scores.csv`; without votes a row is left out. `simulated` if any vote is.

    The scale is `low` to `high` where said, else that of `scale.json` (`{question: [low, high]}`), else 1 to 10.
    Raises UsageFault when there are several panels or questions and none was named.
    """
    path = need_file(root, FACTS.files, FACTS.title)
    raw = read_csv(path, (), FACTS.title, dtype={"subject": str, "content": str, "pristine": str, "question": str, "panel": str})
    raw = need_columns(raw, COLUMNS, path, FACTS.title)
    raw = _chosen(_chosen(raw, "panel", panel, path), "question", question, path)
    raw = raw[raw["mos"].notna()].reset_index(drop=True)
    if raw.empty:
        raise DatasetFault(f"{path} holds no row with a mean opinion score")
    frame = raw.rename(columns={"mos": "score", "n": "votes"})
    frame["sd"] = pd.to_numeric(frame["sd"], errors="coerce").astype(np.float64)
    frame["group"] = joined([frame["file"], frame["subject"], frame["pristine"], frame["content"]])
    simulated = bool(pd.to_numeric(raw["n_simulated"], errors="coerce").fillna(0).gt(0).any())
    notes = ("scores hold votes of simulated observers",) if simulated else ()
    stated = _scale(path.with_name("scale.json"), str(raw["question"].fillna("").iloc[0]))
    ends = (float(stated[0] if low is None else low), float(stated[1] if high is None else high))
    return Labels(frame, path.parent / "images", *ends, simulated=simulated, notes=notes)


def _scale(path: Path, question: str) -> tuple[float, float]:
    if not path.is_file():
        return FACTS.low, FACTS.high
    try:
        low, high = json.loads(path.read_text(encoding="utf-8"))[question]
        return float(low), float(high)
    except (ValueError, KeyError, TypeError):
        raise DatasetFault(f"{path} states no scale [low, high] of the question {question!r}: say low and high") from None


def _chosen(raw: pd.DataFrame, column: str, wanted: str | None, path: Path) -> pd.DataFrame:
    there = sorted(raw[column].fillna("").unique())
    if wanted is None and len(there) == 1:
        return raw
    if wanted is None or wanted not in there:
        found = f"no {column} {wanted!r}" if wanted is not None else f"{len(there)} of them"
        raise UsageFault(f"{path}: {found}; choose a {column}: {', '.join(there)}")
    return raw[raw[column].fillna("") == wanted]
