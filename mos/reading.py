"""Votes and stimuli from files, with every odd cell named by its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from mos.cells import Cells, read_cells
from mos.scores import RESERVED
from mos.spellings import STIMULUS_SPELLINGS, VOTE_SPELLINGS, match, said_back
from mos.sureal_files import read_sureal
from mos.votes import Bools, Floats, Ints, Votes
from workspace.errors import TableFault, nearest

Scale = tuple[float, float]
DEFAULT_SCALE: Scale = (1.0, 10.0)
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "<na>", "-"})


@dataclass(frozen=True)
class BadCell:
    """A cell that gave no vote: `line` in the file (the header is line 1), `column`, what stood there and why not."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """What a file gave: the votes, the columns as found -> as named here, the layout, bad cells and notes to say back.

    `parts` are all votes, one part per scale; `votes` is the first of them, and all where the file has one scale.
    """

    parts: tuple[Votes, ...]
    layout: str
    columns: dict[str, str] = field(default_factory=dict)
    bad: list[BadCell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def votes(self) -> Votes:
        """The votes on the first scale."""
        return self.parts[0]


def read_votes(
    path: Path, scale: Scale | None = None, stimuli: Path | None = None, scales: Mapping[str, Scale] | None = None
) -> Reading:
    """Votes from a long or matrix CSV or Parquet file, or from sureal's JSON or Python data set.

    `scale` (low, high) defaults to 1..10, for sureal's files to 1..ref_score; `scales` holds other scales by question. Cells that
    are no vote are listed in `bad` and left out; blank and nan cells are missing votes and counted in `notes`.
    Raises TableFault where a needed column is missing or nothing in the file is a vote.
    """
    notes: list[str] = []
    columns: dict[str, str] = {}
    info = None
    if path.suffix.lower() in (".json", ".py"):
        long, info, top = read_sureal(path)
        layout = f"sureal {'JSON' if path.suffix.lower() == '.json' else 'Python'}"
        scale = scale or ((1.0, top) if top else None)
    else:
        cells = read_cells(path)
        columns = match(cells.frame.columns, VOTE_SPELLINGS)
        layout, long = _long(path, cells, columns, notes)
    if stimuli is not None:
        info = read_stimuli(stimuli, notes)
    ends = _ends(path, long, scale or DEFAULT_SCALE, scales or {})
    if scale is None and (ends == np.array(DEFAULT_SCALE)).all(axis=1).any():
        notes.append("scale taken as 1 to 10: say --scale LOW HIGH for another")
    kept, bad = _checked(long, ends, info, notes)
    if not len(kept):
        raise TableFault(_nothing(path, bad, *(scale or DEFAULT_SCALE)))
    return Reading(_parts(kept, info), layout, columns, bad, notes)


def _ends(path: Path, long: pd.DataFrame, scale: Scale, scales: Mapping[str, Scale]) -> Floats:
    """The scale of each row, `(rows, 2)`. Raises TableFault for a scale that is none or a question that isn't there."""
    for name, (low, high) in {"": scale, **scales}.items():
        if not low < high:
            said = f"scale of {name}" if name else "scale"
            raise TableFault(f"{said} {low:g} {high:g}: the lower end must come first and differ from the upper")
    ends = np.tile(np.array(scale, dtype=float), (len(long), 1))
    asked = long["question"].astype(object).map(str).to_numpy() if "question" in long else np.full(len(long), "", dtype=object)
    known = sorted(set(asked.tolist()) - {""})
    for name, own in scales.items():
        if name not in known:
            raise TableFault(f"{path} has no question {name!r}{nearest(name, known)}; it has: {', '.join(known) or 'none'}")
        ends[asked == name] = own
    return ends


def _parts(kept: pd.DataFrame, info: pd.DataFrame | None) -> tuple[Votes, ...]:
    """The votes of each scale, in the order in which the scales appear."""
    pairs = list(zip(kept["low"].tolist(), kept["high"].tolist(), strict=True))
    rows = kept.drop(columns=["low", "high"])
    chosen = [(low, high, [pair == (low, high) for pair in pairs]) for low, high in dict.fromkeys(pairs)]
    return tuple(Votes.from_frame(rows.loc[mask].reset_index(drop=True), low, high, info) for low, high, mask in chosen)


def read_stimuli(path: Path, notes: list[str]) -> pd.DataFrame:
    """The table of stimuli: `stimulus`, `content`, `is_ref` and any label, as text. Raises TableFault without names."""
    frame = read_cells(path).frame
    columns = match(frame.columns, STIMULUS_SPELLINGS)
    if "stimulus" not in columns.values():
        raise TableFault(f"{path} has no column 'stimulus'; it has: {', '.join(map(str, frame.columns))}")
    if said_back(columns):
        notes.append(f"{path.name}: read {said_back(columns)}")
    frame = frame.rename(columns=columns)
    taken = [c for c in frame.columns if c in RESERVED and c != "stimulus"]
    if taken:
        notes.append(f"{path.name}: labels left out since scores.csv has columns of that name: {', '.join(taken)}")
    return frame.drop(columns=taken)


def _long(path: Path, cells: Cells, columns: dict[str, str], notes: list[str]) -> tuple[str, pd.DataFrame]:
    """The layout and the long table with `line`; score cells are still as they stand in the file."""
    names = set(columns.values())
    frame = cells.frame.rename(columns=columns)
    if "observer" in names or "score" in names:
        missing = [name for name in ("stimulus", "observer", "score") if name not in names]
        if missing:
            raise TableFault(f"{path} has no column {missing[0]!r}; it has: {', '.join(map(str, cells.frame.columns))}")
        unused = [c for c in frame.columns if c not in VOTE_SPELLINGS]
        if unused:
            notes.append(f"columns not used: {', '.join(unused)}")
        long = frame[[c for c in frame.columns if c in VOTE_SPELLINGS]].assign(line=cells.line)
        layout = "long"
    else:
        long, layout = _from_matrix(path, cells, frame), "matrix"
    if said_back(columns):
        notes.append(f"read {said_back(columns)}")
    if cells.decimal_comma:
        long["score"] = long["score"].astype(object).map(lambda v: v.replace(",", ".") if isinstance(v, str) else v)
    return layout, long


def _from_matrix(path: Path, cells: Cells, frame: pd.DataFrame) -> pd.DataFrame:
    """A matrix unrolled: the column of names (or the first) and one column per observer."""
    head = "stimulus" if "stimulus" in frame.columns else str(frame.columns[0])
    if frame.shape[1] < 2:
        raise TableFault(f"{path} has the one column {head!r}: stimulus, observer, score or a matrix were expected")
    voters = [c for c in frame.columns if c != head and c not in ("content", "is_ref")]
    doubled = frame[head][frame[head].duplicated()]
    if len(doubled):
        raise TableFault(f"{path} names stimulus {doubled.iloc[0]!r} twice: a matrix has one row for each")
    return pd.DataFrame(
        {
            "stimulus": np.repeat(frame[head].to_numpy(dtype=object), len(voters)),
            "observer": np.tile(np.array(voters, dtype=object), len(frame)),
            "score": frame[voters].to_numpy(dtype=object).ravel(),
            "line": np.repeat(cells.line, len(voters)),
        }
    )


def _checked(long: pd.DataFrame, ends: Floats, info: pd.DataFrame | None, notes: list[str]) -> tuple[pd.DataFrame, list[BadCell]]:
    """The rows that are votes, and the cells that are none."""
    texts = long["score"].astype(object).map(lambda v: str(v).strip().lower())
    missing = texts.isin(MISSING).to_numpy()
    if missing.any():
        notes.append(f"{int(missing.sum())} blank or nan scores taken as missing votes")
    number = pd.to_numeric(long["score"], errors="coerce").to_numpy(dtype=float)
    bad: list[BadCell] = []
    gone = missing.copy()
    names = long["stimulus"].astype(object).map(str)
    known = set(info["stimulus"].map(str)) if info is not None else None
    lacking = [c for c in ("stimulus", "observer") if (long[c].astype(object).map(str).str.strip() == "").any()]
    checks: list[tuple[Bools, str, str]] = [
        ((long[c].astype(object).map(str).str.strip() == "").to_numpy(), c, f"no {c} named") for c in lacking
    ]
    checks.append((~np.isfinite(number) & ~missing, "score", "not a number"))
    outside = np.isfinite(number) & ~((number >= ends[:, 0]) & (number <= ends[:, 1]))
    for low, high in dict.fromkeys(map(tuple, ends[outside].tolist())):
        checks.append((outside & (ends == (low, high)).all(axis=1), "score", f"out of the scale {low:g} to {high:g}"))
    if known is not None:
        checks.append((~names.isin(known).to_numpy(), "stimulus", "not in the table of stimuli"))
    for mask, column, reason in checks:
        bad += _listed(long, mask & ~gone, column, reason)
        gone |= mask
    doubled = _doubled(long, gone, notes)
    bad += _listed(long, doubled, "score", "a second vote of the same observer on the same stimulus")
    good = ~(gone | doubled)
    kept = long.loc[good].assign(score=number[good], low=ends[good, 0], high=ends[good, 1])
    return kept.drop(columns="line"), sorted(bad, key=lambda cell: (cell.line, cell.column))


def _listed(long: pd.DataFrame, mask: Bools, column: str, reason: str) -> list[BadCell]:
    rows: Ints = np.flatnonzero(mask)
    values, lines = long[column].to_numpy(dtype=object)[rows], long["line"].to_numpy()[rows]
    return [BadCell(int(line), column, str(value), reason) for line, value in zip(lines, values, strict=True)]


def _doubled(long: pd.DataFrame, gone: Bools, notes: list[str]) -> Bools:
    """Votes after the first on the same stimulus by the same observer, unless the file tells repetitions apart."""
    keys = [c for c in ("stimulus", "observer", "panel", "question") if c in long]
    told = ["rep"] if "rep" in long else [c for c in ("session", "position", "time") if c in long]
    kept = long.loc[~gone]
    if told and "rep" not in told and kept.duplicated(keys).any():
        notes.append(f"no column rep: several votes of an observer on a stimulus are told apart by {', '.join(told)}")
    mask = np.zeros(len(long), bool)
    mask[np.flatnonzero(~gone)] = kept.duplicated([*keys, *told]).to_numpy()
    return mask


def _nothing(path: Path, bad: list[BadCell], low: float, high: float) -> str:
    first = f"; the first: line {bad[0].line}, {bad[0].column} {bad[0].value!r} ({bad[0].reason})" if bad else ""
    return (
        f"{path}: no cell is a vote from {low:g} to {high:g}{first}: columns stimulus, observer, score or a matrix were expected"
    )
