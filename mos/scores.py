"""Opinion scores per stimulus: descriptives, intervals, paired differential scores and the votes' histogram."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mos.bounded import bounded_interval, student_half
from mos.counts import divide, means, quantiles, spreads, totals
from mos.dmos import dmos_reasons, dmos_table
from mos.sos import sos_fit
from mos.votes import Floats, Votes

SCORE_COLUMNS = (
    "n", "n_simulated", "mos", "sd", "se", "ci95_low", "ci95_high", "ci95_bounded_low", "ci95_bounded_high",
    "median", "q25", "q75", "dmos", "dmos_n", "dmos_ci95_low", "dmos_ci95_high", "good_or_better", "poor_or_worse",
)  # fmt: skip

RESERVED = frozenset({*SCORE_COLUMNS, "stimulus", "panel", "question"})


def score_table(votes: Votes, crushing: str = "none") -> pd.DataFrame:
    """Opinion scores of every stimulus, panel and question, from first presentations.

    Columns: stimulus, panel, question, content, is_ref, the labels of `votes.info`, SCORE_COLUMNS, and on a whole
    scale `votes_L` .. `votes_H` (how many). Scores in the scale's units; `good_or_better` (>= L + .75 (H - L)) and
    `poor_or_worse` (<= L + .25 (H - L)) are shares 0..1. Labels named as in RESERVED are left out.
    Undefined is nan; `score_reasons` says why.
    A stimulus that nobody rated stands in every group with n = 0; one that another group rated stands there alone.
    """
    first = votes.first()
    rated = totals(first.stimulus, len(votes.stimuli)) > 0
    whole = first.whole
    tables = []
    for panel, question, group in first.groups():
        own = totals(group.stimulus, len(votes.stimuli)) > 0
        table = _of_group(group, crushing, whole)
        table.insert(1, "panel", panel)
        table.insert(2, "question", question)
        tables.append(table[own | ~rated])
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0].reset_index(drop=True)


def _of_group(votes: Votes, crushing: str, whole: bool) -> pd.DataFrame:
    size, code, score = len(votes.stimuli), votes.stimulus, votes.score
    columns: dict[str, Any] = {"stimulus": np.array(votes.stimuli, dtype=object)}
    columns |= {name: votes.info[name].to_numpy() for name in votes.info.columns if name not in RESERVED}
    columns |= _central(votes)
    columns["median"], columns["q25"], columns["q75"] = quantiles(code, size, score, (0.5, 0.25, 0.75))
    paired = dmos_table(votes, crushing)
    columns |= {"dmos": paired.dmos, "dmos_n": paired.n.astype(np.int64)}
    columns |= {"dmos_ci95_low": paired.ci95_low, "dmos_ci95_high": paired.ci95_high}
    span = votes.high - votes.low
    columns["good_or_better"] = means(code, size, (score >= votes.low + 0.75 * span).astype(float))
    columns["poor_or_worse"] = means(code, size, (score <= votes.low + 0.25 * span).astype(float))
    if whole:
        steps = len(votes.categories)
        cell = code * steps + (score - votes.low).astype(np.int64)
        counts = np.bincount(cell, minlength=size * steps).reshape(size, steps)
        columns |= {f"votes_{step:g}": counts[:, i] for i, step in enumerate(votes.categories)}
    return pd.DataFrame(columns)


def _central(votes: Votes) -> dict[str, Any]:
    """n, MOS, spread and the two intervals; unanimous stimuli get the bounded interval in both places."""
    size, code = len(votes.stimuli), votes.stimulus
    n, mos, sd = totals(code, size), means(code, size, votes.score), spreads(code, size, votes.score)
    se = divide(sd, np.sqrt(n))
    variance = np.where(n > 1, sd**2 * (n - 1) / np.maximum(n, 1), np.nan)
    a = sos_fit(mos, variance, votes.low, votes.high).a
    bounded_low, bounded_high = bounded_interval(mos, n, a, votes.low, votes.high)
    half = student_half(se, n)
    simulated = votes.simulated if votes.simulated is not None else np.zeros(len(votes), bool)
    return {
        "n": n.astype(np.int64),
        "n_simulated": totals(code, size, simulated.astype(float)).astype(np.int64),
        "mos": mos,
        "sd": sd,
        "se": se,
        "ci95_low": np.where(sd == 0, bounded_low, mos - half),
        "ci95_high": np.where(sd == 0, bounded_high, mos + half),
        "ci95_bounded_low": bounded_low,
        "ci95_bounded_high": bounded_high,
    }


def score_reasons(votes: Votes, table: pd.DataFrame) -> pd.DataFrame:
    """Why cells of `score_table(votes)` are null or not Student's: stimulus, panel, question, columns, reason."""
    first, rows = votes.first(), []
    for (panel, question), part in table.groupby(["panel", "question"], sort=False):
        for column in (("no vote", part["n"] == 0, "mos sd se ci95 median dmos"), ("one vote", part["n"] == 1, "sd se ci95"),
                       ("unanimous: the bounded interval stands in for Student's", part["sd"] == 0, "ci95")):  # fmt: skip
            rows += [(name, panel, question, column[2], column[0]) for name in part["stimulus"][column[1]]]
        group = next(g for p, q, g in first.groups() if (p, q) == (panel, question))
        reasons = dict(zip(votes.stimuli, dmos_reasons(group, dmos_table(group)), strict=True))
        for name, mean in zip(part["stimulus"], part["dmos"], strict=True):
            if reasons[name]:
                rows.append((name, panel, question, "dmos dmos_ci95" if np.isnan(mean) else "dmos_ci95", reasons[name]))
    return pd.DataFrame(rows, columns=["stimulus", "panel", "question", "columns", "reason"])


def reference_lines(votes: Votes, table: pd.DataFrame) -> list[str]:
    """One line per panel and question: whether the references themselves score good or better, as P.910 asks."""
    good = votes.low + 0.75 * (votes.high - votes.low)
    lines = []
    for (panel, question), part in table[table["is_ref"] & (table["n"] > 0)].groupby(["panel", "question"], sort=False):
        below: Floats = part["mos"].to_numpy(dtype=float)
        lines.append(
            f"{panel}, {question}: {int(np.sum(below < good))} of {len(below)} references score below {good:g} "
            f"(mean {below.mean():.2f}); P.910 asks that a reference is good or better"
        )
    return lines
