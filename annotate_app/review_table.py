"""The review's table: its columns, filters and order as the address says them, and the CSV of exactly what is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from annotate_app.order import by_value
from mos.screening import RULES

Row = Mapping[str, Any]
SHOWN = ("all", "proposed", "undecided", "decided", "excluded")


@dataclass(frozen=True)
class Column:
    """A column: its key in the address, its heading with the unit, what it takes from a row, and places after the point."""

    key: str
    word: str
    value: Callable[[Row], Any]
    digits: int | None = None


def _statistic(name: str, scale: float = 1.0) -> Callable[[Row], Any]:
    def value(row: Row) -> Any:
        found = row["statistics"][name]
        return None if found is None else found * scale

    return value


def standing_word(row: Row) -> str:
    """Where an observer stands, in words."""
    now = row["standing"]
    if now.excluded:
        return "excluded"
    return f"{now.asked} of {now.needed} persons exclude" if now.asked else "counts"


COLUMNS = (
    Column("observer", "Observer", lambda row: row["label"]),
    Column("standing", "Standing", standing_word),
    Column("panel", "Panel", lambda row: row["panel"]),
    Column("votes", "Votes", _statistic("n"), 0),
    Column("r", "r with others", _statistic("r_pearson"), 2),
    Column("run", "Longest run", _statistic("longest_run"), 0),
    Column("gold", "Gold hit, share", _statistic("gold_share"), 2),
    Column("repeats", "Repeats, levels", _statistic("repeats_within_sd"), 2),
    Column("time", "Time, s", _statistic("response_ms_median", 0.001), 1),
    Column("drift", "Drift, levels", _statistic("drift"), 2),
    Column("against", "Rules against", lambda row: len(row["proposed"]), 0),
)


@dataclass(frozen=True)
class View:
    """What of the review is seen; it stands whole in the address."""

    show: str = "all"
    panel: str = ""
    sort: str = "observer"
    down: str = ""

    def query(self, **other: str) -> str:
        """The address's query with some parts changed."""
        values = {**vars(self), **other}
        return urlencode({key: value for key, value in values.items() if value and (key, value) != ("show", "all")})


def seen(rows: Sequence[Row], view: View) -> list[Row]:
    """The rows that a view shows, in its order; what is not known comes last either way."""
    column = next((one for one in COLUMNS if one.key == view.sort), COLUMNS[0])
    return by_value((row for row in rows if _shown(row, view)), column.value, view.down == "yes")


def _shown(row: Row, view: View) -> bool:
    fits = {
        "proposed": bool(row["proposed"]),
        "undecided": not row["decisions"],
        "decided": bool(row["decisions"]),
        "excluded": row["standing"].excluded,
    }.get(view.show, True)
    return fits and (not view.panel or row["panel"] == view.panel)


def csv_rows(rows: Sequence[Row]) -> tuple[list[str], list[dict[str, Any]]]:
    """Headings and rows: the columns, each rule's verdict, and the decisions in words."""
    heads = [column.word for column in COLUMNS]
    lines = []
    for row in rows:
        line = {column.word: "" if column.value(row) is None else column.value(row) for column in COLUMNS}
        line |= {rule: row["verdicts"][rule] for rule in RULES}
        line["decisions"] = "; ".join(
            f"{one['at']:%Y-%m-%d} {one['who']}: {one['verdict']}, {one['reason']}" for one in row["decisions"]
        )
        lines.append(line)
    return [*heads, *RULES, "decisions"], lines
