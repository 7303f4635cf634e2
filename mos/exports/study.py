"""What an export is made from: one study's votes, images, observers and protocol, as plain tables."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mos.votes import Votes
from workspace.errors import StudyFault, TableFault

VOTE_COLUMNS = (
    "stimulus",
    "observer",
    "score",
    "panel",
    "question",
    "rep",
    "session",
    "position",
    "response_ms",
    "time",
    "simulated",
)
STIMULUS_COLUMNS = (
    "stimulus", "file", "sha256", "content", "is_ref", "subject", "pristine", "kind", "variant", "axis", "kadid_type",
    "kadid_level", "source", "licence", "credit", "skin_tone", "body_site", "may_redistribute",
)  # fmt: skip
OBSERVER_COLUMNS = ("observer", "panel", "simulated", "flags")
QUESTION_COLUMNS = ("question", "kind", "low", "high", "labels", "text")
YES = frozenset({"yes", "true", "1"})


@dataclass(frozen=True)
class StudyData:
    """One study as tables.

    votes: long, one row per vote, columns VOTE_COLUMNS (`score` in the units of its question; `rep` 0 is the first
    presentation; `response_ms` in milliseconds; `time` ISO 8601 UTC; `simulated` bool).
    stimuli: one row per rated image, columns STIMULUS_COLUMNS (`file` an absolute path, may be empty; `is_ref` bool).
    observers: pseudonyms only. questions: `kind` scale, yesno, one or several; `labels` a list or text.
    meta: version, hash, scale, labels, seed, design_version, texts, plan, screening, display, deviations, title, created.
    """

    name: str
    votes: pd.DataFrame
    stimuli: pd.DataFrame
    observers: pd.DataFrame
    questions: pd.DataFrame
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Complete the tables' columns. Raises TableFault for a vote on an unknown image or a missing key column."""
        for attribute, columns, needed in (
            ("votes", VOTE_COLUMNS, ("stimulus", "observer", "score")),
            ("stimuli", STIMULUS_COLUMNS, ("stimulus",)),
            ("observers", OBSERVER_COLUMNS, ("observer",)),
            ("questions", QUESTION_COLUMNS, ("question", "low", "high")),
        ):
            table = complete(getattr(self, attribute), columns, needed, f"{attribute} of study {self.name}")
            object.__setattr__(self, attribute, table)
        strangers = sorted(set(self.votes["stimulus"]) - set(self.stimuli["stimulus"]))
        if strangers:
            raise TableFault(
                f"study {self.name}: votes name {len(strangers)} unknown images ({strangers[0]}): list them in stimuli"
            )

    @property
    def simulated(self) -> bool:
        """Whether one vote or more came from a model observer."""
        return bool(self.votes["simulated"].any())

    @property
    def votes_hash(self) -> str:
        """SHA-256 of the votes, whatever the order of the rows (see `votes_hash`)."""
        return votes_hash(self.votes)

    def scale(self, question: str) -> tuple[float, float]:
        """The lowest and highest value of a question. Raises StudyFault for an unknown one."""
        row = self.questions.loc[self.questions["question"] == question]
        if row.empty:
            known = ", ".join(self.questions["question"])
            raise StudyFault(f"study {self.name} has no question {question!r}; it has: {known}")
        return float(row["low"].iloc[0]), float(row["high"].iloc[0])

    @property
    def main_question(self) -> str:
        """The question that opinion scores are made from: the first on a scale, else the first."""
        scales = self.questions.loc[self.questions["kind"].isin(["", "scale"])]
        table = self.questions if scales.empty else scales
        return str(table["question"].iloc[0])

    def groups(self) -> list[tuple[str, str]]:
        """The (panel, question) pairs that have votes, in order of appearance."""
        pairs = self.votes[["panel", "question"]].drop_duplicates()
        return [(str(p), str(q)) for p, q in pairs.itertuples(index=False)]

    def select(self, panel: str | None = None, question: str | None = None) -> pd.DataFrame:
        """The votes of one panel and question (None: of all)."""
        keep = np.ones(len(self.votes), dtype=bool)
        if panel is not None:
            keep &= (self.votes["panel"] == panel).to_numpy()
        if question is not None:
            keep &= (self.votes["question"] == question).to_numpy()
        return self.votes.loc[keep]

    def as_votes(self, panel: str | None = None, question: str | None = None) -> Votes:
        """The votes of one question (default: the main one) and panel (None: all) as arrays, labels of the images with them."""
        asked = self.main_question if question is None else question
        low, high = self.scale(asked)
        return Votes.from_frame(self.select(panel, asked), low, high, self.stimuli.drop(columns=["file"]))

    def scores(self) -> pd.DataFrame:
        """Per image, panel and question: mos, sd (ddof 1), n (observers) and n_simulated, from first presentations."""
        keys = ["stimulus", "panel", "question"]
        first = self.votes.sort_values("rep", kind="stable").drop_duplicates(["observer", *keys])
        groups = first.groupby(keys, sort=False)
        table = groups["score"].agg(mos="mean", sd="std", n="size")
        table["n_simulated"] = groups["simulated"].sum().astype(int)
        return table.reset_index()

    def redistributable(self) -> np.ndarray:
        """A mask over `stimuli`: images that may be passed on (`may_redistribute` is yes)."""
        said = self.stimuli["may_redistribute"].astype(str).str.strip().str.lower()
        return np.asarray(said.isin(YES), dtype=bool)


def study_from_votes(votes: Votes, name: str, meta: dict[str, Any] | None = None) -> StudyData:
    """A study made from votes alone (a CSV of anyone's): images without files, observers by the names in the votes."""
    frame = votes.frame()
    stimuli = votes.info.reset_index()
    observers = frame[["observer"]].drop_duplicates().reset_index(drop=True)
    asked = sorted(set(frame["question"])) if "question" in frame else [""]
    questions = pd.DataFrame([{"question": q, "kind": "scale", "low": votes.low, "high": votes.high} for q in asked])
    return StudyData(name, frame, stimuli, observers, questions, meta or {})


def complete(table: pd.DataFrame, columns: tuple[str, ...], needed: tuple[str, ...], what: str) -> pd.DataFrame:
    """A copy with all `columns` first (missing ones empty, rep 0, flags False), then any others. Raises TableFault."""
    for column in needed:
        if column not in table.columns:
            raise TableFault(f"{what}: no column {column!r}; it has: {', '.join(map(str, table.columns)) or 'nothing'}")
    table = table.reset_index(drop=True).copy()
    for column in columns:
        if column in ("simulated", "is_ref"):
            values = table[column] if column in table else pd.Series(False, index=table.index)
            table[column] = values if values.dtype == bool else np.array([truth(value) for value in values], dtype=bool)
        elif column == "rep":
            values = table[column] if column in table else pd.Series(0, index=table.index)
            table[column] = pd.to_numeric(values).fillna(0).astype(np.int64)
        elif column not in table:
            table[column] = np.nan if column in ("session", "position", "response_ms") else ""
    for column in ("stimulus", "observer", "panel", "question", "time"):
        if column in table and not _all_texts(table[column]):
            table[column] = [_text(value) for value in table[column].tolist()]
    rest = [c for c in table.columns if c not in columns]
    return table[[*columns, *rest]]


def _all_texts(values: pd.Series) -> bool:
    """Whether every cell is a text already."""
    return len(values) > 0 and pd.api.types.infer_dtype(values, skipna=False) == "string" and not values.hasnans


def truth(value: Any) -> bool:
    """True for True, 1, "1", "yes" and "true" in any case; False for the rest, blanks and nan included."""
    return str(value).strip().lower() in YES | {"1.0"}


def votes_hash(votes: pd.DataFrame) -> str:
    """SHA-256 over the votes as sorted lines of text: the same for any order of rows and for a CSV read back.

    Columns as in VOTE_COLUMNS; numbers are written by Python's shortest form, whole numbers without a point.
    """
    table = complete(votes, VOTE_COLUMNS, ("stimulus", "observer", "score"), "votes")
    texts = [[_text(value) for value in table[column].tolist()] for column in VOTE_COLUMNS]
    lines = sorted("\t".join(cells) for cells in zip(*texts, strict=True))
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating | int | np.integer):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value)


def safe_name(stimulus: str) -> str:
    """A file name without folders or odd characters for a stimulus."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", stimulus).lstrip(".") or "image"


def image_names(stimuli: pd.DataFrame) -> list[str]:
    """One file name per row, with the suffix of its file (`.png` without one). Raises StudyFault when two agree."""
    names = [
        safe_name(str(s)).removesuffix(Path(str(f)).suffix or ".png") + (Path(str(f)).suffix or ".png")
        for s, f in zip(stimuli["stimulus"], stimuli["file"], strict=True)
    ]
    seen: dict[str, str] = {}
    for name, stimulus in zip(names, stimuli["stimulus"], strict=True):
        if seen.setdefault(name.lower(), stimulus) != stimulus:
            raise StudyFault(f"images {seen[name.lower()]} and {stimulus} would both become {name}: rename one of them")
    return names
