"""What a table of results is made of: cells of mean and spread, rows, and the table with its notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

AVERAGE = "Average"


@dataclass(frozen=True)
class Cell:
    """One model on one test set: `mean` and `sd` (ddof 1; None for one run) over `runs` runs that did not collapse.

    `collapsed` runs are left out of the mean; `with_collapsed` is (mean, sd) over all of them; `wild` runs have outputs
    outside [1, 10] that spoil their PLCC by more than .02.
    """

    mean: float | None
    sd: float | None
    runs: int
    collapsed: int = 0
    wild: int = 0
    with_collapsed: tuple[float, float | None] | None = None
    clipped: float | None = None
    rank: int | None = None


@dataclass(frozen=True)
class Row:
    """One line of a table: model and training set, and a cell per column (None: not measured)."""

    model: str
    training: str
    kind: str
    cells: dict[str, Cell | None]


@dataclass(frozen=True)
class Table:
    """One table: `columns` are the test sets' titles, the last is the average; `notes` stand under it."""

    measure: str
    title: str
    columns: list[str]
    rows: list[Row]
    notes: list[str] = field(default_factory=list)


def mean_sd(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean and SD with ddof 1; None where there are too few values."""
    if not values:
        return None, None
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
