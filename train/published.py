"""The paper's own tables 3 and 4, to stand beside a user's: its dermatology set is another set, so no column is shared with it.

Source: Hernández Montilla et al., Enhanced Dermatology Image Quality Assessment via Cross-Domain Training (ICBRA 2025).
"""

from __future__ import annotations

from pathlib import Path

from train.cells import AVERAGE, Cell, Row, Table
from train.tables import MEASURES
from workspace.files import read_rows

SOURCE = "Published figures (Hernández Montilla et al. 2025, tables 3 and 4); their dermatology set is another set than yours."
COLUMNS = ["measure", "model", "training", "test", "mean", "sd"]


def published() -> list[Table]:
    """The paper's two tables, five splits each, with the average that the paper does not print left out."""
    rows = read_rows(Path(__file__).with_name("paper_tables.csv"), COLUMNS)
    return [_table([row for row in rows if row["measure"] == measure], measure) for measure in MEASURES]


def _table(rows: list[dict[str, str]], measure: str) -> Table:
    columns = list(dict.fromkeys(row["test"] for row in rows))
    lines: dict[tuple[str, str], dict[str, Cell | None]] = {}
    for row in rows:
        cells = lines.setdefault((row["model"], row["training"]), {})
        cells[row["test"]] = Cell(float(row["mean"]), float(row["sd"]), 5)
    made = [Row(model, training, "model", cells) for (model, training), cells in lines.items()]
    return Table(measure, f"The paper: {MEASURES[measure]}", [c for c in columns if c != AVERAGE], made, [SOURCE])
