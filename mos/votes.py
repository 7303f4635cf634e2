"""Votes: one row per vote in NumPy arrays, and what is known about each stimulus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mos.grid import Grid
from workspace.errors import TableFault

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LONG_COLUMNS = ("stimulus", "observer", "score")
EXTRA_COLUMNS = ("panel", "question", "rep", "session", "position", "response_ms", "time", "simulated")
DEFAULT_PANEL = "main"
DEFAULT_QUESTION = "quality"
MOST_CATEGORIES = 21


@dataclass(frozen=True, eq=False)
class Votes:
    """V votes on J stimuli by I observers, on the scale `low`..`high`.

    `stimulus` and `observer` are int64 codes `(V,)` into `stimuli` and `observers`; `score` is float64 `(V,)`.
    The other arrays `(V,)` are None when nothing is known: `panel`, `question`, `session` (text), `rep` (0 = first),
    `position`, `response_ms`, `time` (seconds), `simulated` (bool). `info` is indexed by stimulus, in the order of
    `stimuli`, and always holds `content` (text, "" = unknown) and `is_ref` (bool) besides any label. `gold` counts votes
    on gold images that stand apart from the scored ones: observer -> (within their range, asked).
    """

    stimulus: Ints
    observer: Ints
    score: Floats
    stimuli: tuple[str, ...]
    observers: tuple[str, ...]
    low: float
    high: float
    panel: NDArray[Any] | None = None
    question: NDArray[Any] | None = None
    rep: Ints | None = None
    session: NDArray[Any] | None = None
    position: Floats | None = None
    response_ms: Floats | None = None
    time: Floats | None = None
    simulated: Bools | None = None
    info: pd.DataFrame = field(default_factory=pd.DataFrame)
    gold: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many votes there are."""
        return len(self.score)

    @property
    def whole(self) -> bool:
        """Whether the scale has at most 21 whole steps and every vote is one of them."""
        steps = self.high - self.low + 1
        return bool(steps <= MOST_CATEGORIES and not np.any((self.score - self.low) % 1))

    @property
    def categories(self) -> Floats:
        """The steps of a whole scale, `low`..`high`."""
        return np.arange(self.low, self.high + 1)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, low: float, high: float, stimuli: pd.DataFrame | None = None) -> Votes:
        """Votes from a long table with `stimulus, observer, score` and any of the extra columns.

        `stimuli` may name every stimulus once (a column or index `stimulus`) with `content`, `is_ref` and labels.
        Names are sorted, so the order of rows decides nothing; with `stimuli`, its order is kept.
        Raises TableFault for a missing column, a score that is no number or out of scale, and an unknown stimulus.
        """
        for column in LONG_COLUMNS:
            if column not in frame.columns:
                raise TableFault(f"the votes have no column {column!r}; they have: {', '.join(map(str, frame.columns))}")
        info = stimuli_info(stimuli, frame["stimulus"])
        names = tuple(info.index)
        codes = pd.Index(names).get_indexer(_texts(frame["stimulus"]))
        if len(codes) and codes.min() < 0:
            row = int(np.argmin(codes))
            raise TableFault(f"stimulus {str(frame['stimulus'].iloc[row])!r} (row {row + 1} of the votes) is not in the stimuli")
        observer, observers = pd.factorize(pd.Index(_texts(frame["observer"]), dtype=object), sort=True)
        extras: dict[str, Any] = {column: _extra(frame[column], column) for column in EXTRA_COLUMNS if column in frame.columns}
        return cls(
            stimulus=codes.astype(np.int64),
            observer=np.asarray(observer, np.int64),
            score=_scores(frame["score"], low, high),
            stimuli=names,
            observers=tuple(map(str, observers)),
            low=float(low),
            high=float(high),
            info=info,
            **extras,
        )

    def select(self, mask: NDArray[Any]) -> Votes:
        """The votes that a mask or an index array `(V,)` picks; stimuli and observers keep their codes."""
        arrays: dict[str, Any] = {f: getattr(self, f) for f in ("stimulus", "observer", "score", *EXTRA_COLUMNS)}
        picked: dict[str, Any] = {name: None if array is None else array[mask] for name, array in arrays.items()}
        return replace(self, **picked)

    def without(self, observers: set[str]) -> Votes:
        """The votes of all other observers; the codes stay."""
        gone = np.array([name in observers for name in self.observers], bool)
        return self.select(~gone[self.observer]) if len(self) else self

    def first(self) -> Votes:
        """First presentations only: of each observer's votes on a stimulus (per panel and question) the earliest.

        Earliest by `rep`, then `time`, then `position`, then the order of rows.
        """
        return self._first

    @cached_property
    def _first(self) -> Votes:
        pair = self.cells()
        if not (np.diff(np.sort(pair)) == 0).any():
            return self
        keys: list[NDArray[Any]] = [np.arange(len(pair))]
        for name in ("position", "time", "rep"):
            array = getattr(self, name)
            if array is not None:
                keys.append(array)
        order = np.lexsort((*keys, pair))
        starts = np.flatnonzero(np.diff(pair[order], prepend=-1))
        made = self.select(np.sort(order[starts]))
        made.__dict__["_first"] = made
        return made

    def cells(self) -> Ints:
        """One number per (stimulus, observer, panel, question)."""
        pair = self.stimulus * max(1, len(self.observers)) + self.observer
        for name in ("panel", "question"):
            array = getattr(self, name)
            if array is not None:
                codes, values = pd.factorize(array)
                pair = pair * max(1, len(values)) + codes
        return pair

    def matrix(self) -> Floats:
        """First presentations as stimuli x observers `(J, I)`; nan = missing."""
        return self.grid().matrix()

    def grid(self) -> Grid:
        """First presentations as stimuli x observers `(J, I)`, without room for the missing ones; of several panels or questions
        a cell holds the last vote."""
        first, people = self.first(), max(1, len(self.observers))
        cell = (first.stimulus * people + first.observer)[::-1]
        latest = len(first) - 1 - np.unique(cell, return_index=True)[1]
        if len(latest) < len(first):
            first = first.select(np.sort(latest))
        return Grid(first.stimulus, first.observer, first.score, (len(self.stimuli), len(self.observers)))

    def panels(self) -> NDArray[Any]:
        """The panel of each vote `(V,)`."""
        return _column(self.panel, DEFAULT_PANEL, len(self))

    def questions(self) -> NDArray[Any]:
        """The question of each vote `(V,)`."""
        return _column(self.question, DEFAULT_QUESTION, len(self))

    def groups(self) -> Iterator[tuple[str, str, Votes]]:
        """(panel, question, votes) for every panel and question, sorted by name."""
        if not len(self) or (self.panel is None and self.question is None):
            yield DEFAULT_PANEL, DEFAULT_QUESTION, self
            return
        panels, questions = self.panels(), self.questions()
        for question in sorted(set(questions)):
            for panel in sorted(set(panels[questions == question])):
                own = (panels == panel) & (questions == question)
                yield str(panel), str(question), self if own.all() else self.select(own)

    def references(self) -> Ints:
        """For each stimulus `(J,)` the code of its content's one reference (itself for a reference); -1 = none or several."""
        content = self.info["content"].to_numpy(dtype=object)
        is_ref = self.info["is_ref"].to_numpy(dtype=bool)
        found: dict[str, int] = {}
        for code in np.flatnonzero(is_ref):
            found[content[code]] = -1 if content[code] in found else int(code)
        return np.array([found.get(name, -1) if name else -1 for name in content], np.int64)

    def frame(self) -> pd.DataFrame:
        """The votes as a long table with the columns of the votes' format."""
        columns: dict[str, Any] = {
            "stimulus": np.array(self.stimuli, dtype=object)[self.stimulus],
            "observer": np.array(self.observers, dtype=object)[self.observer],
            "score": self.score,
        }
        columns |= {name: getattr(self, name) for name in EXTRA_COLUMNS if getattr(self, name) is not None}
        return pd.DataFrame(columns)


def from_matrix(
    matrix: NDArray[Any],
    low: float,
    high: float,
    *,
    stimuli: tuple[str, ...] | None = None,
    observers: tuple[str, ...] | None = None,
    content: tuple[str, ...] | None = None,
    is_ref: NDArray[Any] | None = None,
) -> Votes:
    """Votes from stimuli x observers `(J, I)`, nan = missing; unnamed ones are called s0000... and o0000..."""
    grid = np.asarray(matrix, float)
    rows, columns = np.nonzero(~np.isnan(grid))
    names = stimuli or tuple(f"s{j:04d}" for j in range(grid.shape[0]))
    info = pd.DataFrame({"content": content or "", "is_ref": False if is_ref is None else is_ref}, index=list(names))
    return Votes(
        stimulus=rows.astype(np.int64),
        observer=columns.astype(np.int64),
        score=grid[rows, columns],
        stimuli=names,
        observers=observers or tuple(f"o{i:04d}" for i in range(grid.shape[1])),
        low=float(low),
        high=float(high),
        info=_finished(info),
    )


def stimuli_info(stimuli: pd.DataFrame | None, voted: pd.Series) -> pd.DataFrame:
    """What is known about each stimulus, indexed by its name; from the votes' own names when there is no table."""
    if stimuli is None:
        return _finished(pd.DataFrame(index=sorted(set(_texts(voted)))))
    table = stimuli.set_index("stimulus") if "stimulus" in stimuli.columns else stimuli.copy()
    table.index = pd.Index(_texts(table.index.to_series()), dtype=object)
    doubled = table.index[table.index.duplicated()]
    if len(doubled):
        raise TableFault(f"stimulus {doubled[0]!r} stands twice in the stimuli: name each once")
    return _finished(table)


def truth(value: object) -> bool:
    """Whether a cell says yes: 1, true, yes, y, t, in any case."""
    return str(value).strip().lower() in {"1", "1.0", "true", "yes", "y", "t"}


def _finished(info: pd.DataFrame) -> pd.DataFrame:
    """`info` with `content` as text and `is_ref` as bool, first of all columns."""
    content = info["content"] if "content" in info else pd.Series("", index=info.index)
    is_ref = info["is_ref"] if "is_ref" in info else pd.Series(False, index=info.index)
    others = [c for c in info.columns if c not in ("content", "is_ref")]
    made = info[others].copy()
    made.insert(0, "content", pd.Series(_texts(content), index=info.index, dtype=object))
    made.insert(1, "is_ref", [truth(v) for v in is_ref])
    made.index = pd.Index([str(name) for name in info.index], dtype=object, name="stimulus")
    return made


def _texts(values: pd.Series) -> list[str]:
    """Cells as text; a missing cell is empty, and whole floats lose their `.0`."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu":
        codes, numbers = pd.factorize(values)
        return list(np.array([str(v) for v in numbers], dtype=object)[codes])
    if pd.api.types.is_float_dtype(values):
        return ["" if np.isnan(v) else (str(int(v)) if v == int(v) else str(v)) for v in values.to_numpy(float)]
    return ["" if v is None or v is pd.NA or v != v else str(v) for v in values.tolist()]


def _scores(values: pd.Series, low: float, high: float) -> Floats:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    bad = ~((numbers >= low) & (numbers <= high))
    if bad.any():
        row = int(np.argmax(bad))
        raise TableFault(
            f"score {str(values.iloc[row])!r} (row {row + 1} of the votes) is not a number from {low:g} to {high:g}: "
            "mend it or name the right scale"
        )
    return numbers


def _extra(values: pd.Series, column: str) -> NDArray[Any]:
    if column == "simulated" and values.dtype == bool:
        return values.to_numpy(dtype=bool)
    if column == "simulated":
        return np.array([truth(v) for v in values], bool)
    if column in ("panel", "question", "session"):
        default = {"panel": DEFAULT_PANEL, "question": DEFAULT_QUESTION}.get(column, "")
        return np.array([text or default for text in _texts(values)], dtype=object)
    if column == "time" and not pd.api.types.is_numeric_dtype(values):
        stamps = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
        return ((stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(dtype=float)
    numbers = pd.to_numeric(values, errors="coerce")
    return numbers.fillna(0).to_numpy(dtype=np.int64) if column == "rep" else numbers.to_numpy(dtype=float)


def _column(array: NDArray[Any] | None, default: str, length: int) -> NDArray[Any]:
    return np.full(length, default, dtype=object) if array is None else array
