"""Why a cell of a result is empty: one row per stimulus or observer, table and reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mos.dmos import dmos_reasons, dmos_table
from mos.fits import Fit
from mos.votes import Votes

COLUMNS = ("table", "row", "panel", "question", "columns", "reason")
AGAINST_REFERENCE = frozenset({"DMOS", "LIVE_DMOS"})


def model_reasons(made: Fit, votes: Votes, panel: str, question: str) -> list[tuple[str, ...]]:
    """Rows for a model's empty scores and intervals."""
    against = dmos_reasons(votes, dmos_table(votes)) if made.name in AGAINST_REFERENCE else [""] * len(votes.stimuli)
    rows: list[tuple[str, ...]] = []
    for j in np.flatnonzero(~np.isfinite(made.se)):
        blank = not np.isfinite(made.score[j])
        why = made.reason or _why(int(made.votes[j]), against[j], blank)
        columns = "score se ci95_low ci95_high" if blank else "se ci95_low ci95_high"
        rows.append((f"models/{made.name}.csv", votes.stimuli[j], panel, question, columns, why))
    return rows


def _why(n: int, against: str, blank: bool) -> str:
    if against and (blank or n):
        return against
    if n == 0:
        return "no vote"
    if n == 1:
        return "one vote"
    return "no observer whose votes differ" if blank else "unanimous: no spread to estimate from"


NEEDS = {
    "gold_statistic": "no stimulus has gold_low and gold_high",
    "gold_share": "no stimulus has gold_low and gold_high",
    "repeats_statistic": "no image was rated twice",
    "repeats_within_sd": "no image was rated twice",
    "speed_statistic": "no response times",
    "response_ms_median": "no response times",
    "drift_statistic": "no order known: neither position nor time",
    "drift": "no order known: neither position nor time",
    "longest_run": "no order known: neither position nor time",
    "vqeg_mm_statistic": "the stimuli have no label variant",
}


def observer_reasons(table: pd.DataFrame, panel: str, question: str) -> list[tuple[str, ...]]:
    """Rows for empty cells of an observers' table: one for a column that is empty throughout, else one per observer."""
    rows: list[tuple[str, ...]] = []
    for column in table.columns:
        empty = table[column].isna().to_numpy()
        if not empty.any():
            continue
        if empty.all():
            why = NEEDS.get(column, "fewer than three votes, or votes that do not differ")
            rows.append(("observers.csv", "all", panel, question, column, why))
        else:
            why = (
                "no outlying vote" if column == "bt500_balance" else "too few votes of this observer, or votes that do not differ"
            )
            rows += [("observers.csv", name, panel, question, column, why) for name in table["observer"][empty]]
    return rows
