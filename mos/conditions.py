"""conditions.csv: means over many images with intervals that count both observers and contents as samples.

A mean over contents and observers is crossed: se^2 = var_contents / C + var_observers / I - var_residual / (C I), Student t
with min(C, I) - 1 degrees of freedom. The pooled s / sqrt(votes) is far too narrow, and each side alone is too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mos.votes import Votes

Floats = NDArray[np.float64]

BOTH = "observers and contents like these"
OBSERVERS = "observers like these, on these images alone"
CONTENTS = "contents like these, for this one observer"
COLUMNS = (
    "panel", "question", "grouping", "name", "images", "contents", "observers", "votes", "votes_simulated", "mean", "se", "df",
    "ci95_low", "ci95_high", "speaks_for", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class CrossedMean:
    """Mean with its standard error, degrees of freedom and 95 % interval; None where undefined, with a reason."""

    mean: float | None
    se: float | None
    df: int | None
    low: float | None
    high: float | None
    speaks_for: str
    reason: str = ""


def crossed_mean(matrix: Floats) -> CrossedMean:
    """Mean of contents x observers `(C, I)`, nan = missing, every content with equal weight.

    With one content it speaks for observers only, with one observer for contents only; with one vote it has no interval.
    Missing votes: the variance of the weighted mean from the two-way components of the votes that are there.
    """
    table = _occupied(matrix)
    contents, observers = table.shape
    if table.size == 0:
        return CrossedMean(None, None, None, None, None, "", "no votes")
    mean = float(_row_means(table).mean())
    if contents == 1 or observers == 1:
        values = table.ravel()[~np.isnan(table.ravel())]
        speaks = OBSERVERS if contents == 1 else CONTENTS
        if len(values) < 2:
            return CrossedMean(mean, None, None, None, None, speaks, "one vote: no interval")
        return _interval(mean, float(values.std(ddof=1)) / len(values) ** 0.5, len(values) - 1, speaks)
    squared = _complete(table) if not np.isnan(table).any() else _missing(table)
    return _interval(mean, squared**0.5, min(contents, observers) - 1, BOTH)


def _occupied(matrix: Floats) -> Floats:
    """The matrix without rows and columns in which nothing is known; itself where there is none."""
    known = ~np.isnan(matrix)
    rows, columns = known.any(1), known.any(0)
    return matrix if rows.all() and columns.all() else matrix[rows][:, columns]


def _row_means(table: Floats) -> Floats:
    """The mean of what is known in each row; every row knows something."""
    known = ~np.isnan(table)
    return np.asarray(np.sum(table, axis=1, where=known) / known.sum(1), dtype=np.float64)


def _complete(table: Floats) -> float:
    contents, observers = table.shape
    rows, columns = table.mean(1), table.mean(0)
    rest = table - rows[:, None] - columns[None, :] + table.mean()
    residual = float(np.sum(rest**2)) / ((contents - 1) * (observers - 1))
    by_content, by_observer = float(rows.var(ddof=1)) / contents, float(columns.var(ddof=1)) / observers
    return float(max(by_content + by_observer - residual / (contents * observers), by_content, by_observer))


def _missing(table: Floats) -> float:
    from mos.components import henderson

    known = ~np.isnan(table)
    row, column = np.nonzero(known)
    if len(row) <= sum(table.shape):
        rows = _row_means(table)
        return float(rows.var(ddof=1)) / len(rows)
    content, observer, residual = np.maximum(henderson(table[known], [row.astype(np.int64), column.astype(np.int64)]), 0)
    weights = (1 / known.sum(1) / len(table))[row]
    by_observer = np.bincount(column, weights, minlength=table.shape[1])
    parts = content / len(table), observer * float(np.sum(by_observer**2)), residual * float(np.sum(weights**2))
    return float(sum(parts))


def _interval(mean: float, se: float, df: int, speaks: str) -> CrossedMean:
    half = float(stats.t.ppf(0.975, df)) * se
    reason = "all votes are equal: the interval's width is not to be trusted" if se == 0 else ""
    return CrossedMean(mean, se, df, mean - half, mean + half, speaks, reason)


def content_codes(votes: Votes) -> NDArray[np.int64]:
    """For each stimulus `(J,)` the number of its content; a stimulus without a content is a content of its own."""
    names = [c or f"\0{s}" for c, s in zip(votes.info["content"], votes.stimuli, strict=True)]
    return pd.factorize(np.array(names, dtype=object))[0].astype(np.int64)


def cell_means(content: NDArray[np.int64], observer: NDArray[np.int64], score: Floats) -> Floats:
    """Mean score of each observer on each content, contents x observers (those that occur), nan = none; arrays `(V,)`."""
    rows, row = np.unique(content, return_inverse=True)
    columns, column = np.unique(observer, return_inverse=True)
    flat, size = row * len(columns) + column, len(rows) * len(columns)
    counts = np.bincount(flat, minlength=size).astype(float)
    means = np.full(size, np.nan)
    np.divide(np.bincount(flat, score, minlength=size), counts, out=means, where=counts > 0)
    return means.reshape(len(rows), len(columns))


NO_GROUPING = frozenset(
    {"is_ref", "file", "sha256", "pristine", "credit", "licence", "kind", "may_redistribute", "kadid_type", "kadid_level",
     "gold_low", "gold_high"}
)  # fmt: skip


def groupings(info: pd.DataFrame) -> list[str]:
    """The columns of the stimuli's table that group images: content, variant, axis, subject (unless it is the content) and labels."""
    chosen = [c for c in info.columns if c not in NO_GROUPING and 2 <= _distinct(info[c]) < max(2, len(info))]
    own = [str(v) for v in info["content"]]
    return [c for c in chosen if c == "content" or [str(v) for v in info[c]] != own]


def _distinct(values: pd.Series) -> int:
    return len({str(v) for v in values if not _blank(v)})


def _blank(value: object) -> bool:
    return value is None or value != value or str(value) == ""


def condition_table(votes: Votes) -> pd.DataFrame:
    """conditions.csv: one row per panel, question and group of images (columns COLUMNS), and one for all images.

    References count as the variant `reference` and as no axis.
    """
    rows = []
    for panel, question, group in votes.groups():
        first = group.first()
        for grouping in ["all", *groupings(votes.info)]:
            rows += [{"panel": panel, "question": question, **row} for row in _rows(first, grouping)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(first: Votes, grouping: str) -> list[dict[str, object]]:
    names, group = np.unique(group_names(first.info, grouping).astype(str), return_inverse=True)
    by_vote = group[first.stimulus]
    order = np.argsort(by_vote, kind="stable")
    ends = np.searchsorted(by_vote[order], np.arange(len(names) + 1))
    content = content_codes(first)
    picks = [(name, order[a:b]) for name, a, b in zip(names.tolist(), ends[:-1], ends[1:], strict=True)]
    return [_row(first, content, grouping, name, pick) for name, pick in picks if name and len(pick)]


def _row(first: Votes, content: NDArray[np.int64], grouping: str, name: str, pick: NDArray[np.int64]) -> dict[str, object]:
    stimulus, observer = first.stimulus[pick], first.observer[pick]
    table = cell_means(content[stimulus], observer, first.score[pick])
    found = crossed_mean(table)
    return {
        "grouping": grouping,
        "name": name,
        "images": len(np.unique(stimulus)),
        "contents": table.shape[0],
        "observers": table.shape[1],
        "votes": len(pick),
        "votes_simulated": 0 if first.simulated is None else int(first.simulated[pick].sum()),
        "mean": found.mean,
        "se": found.se,
        "df": found.df,
        "ci95_low": found.low,
        "ci95_high": found.high,
        "speaks_for": found.speaks_for,
        "reason": found.reason,
    }


def group_names(info: pd.DataFrame, grouping: str) -> NDArray[np.object_]:
    """Each image's name in a grouping `(J,)`, "" = in none; references are the variant `reference` and of no axis."""
    if grouping == "all":
        return np.full(len(info), "all", dtype=object)
    names = np.array([_label(v) for v in info[grouping]], dtype=object)
    if grouping in ("variant", "axis"):
        names[info["is_ref"].to_numpy(bool)] = "reference" if grouping == "variant" else ""
    return names


def _label(value: object) -> str:
    if _blank(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
