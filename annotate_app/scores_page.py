"""What the results page shows of a study: the table of images and the sections with plots, for one panel and question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from mos.document import Section, Table
from mos.scores import score_table
from mos.votes import Votes

SORTS = ("stimulus", "content", "n", "mos", "sd", "dmos")
COLUMNS = ("stimulus", "panel", "content", "n", "n_simulated", "mos", "sd", "ci95_low", "ci95_high", "dmos")
LONG = 200
Group = tuple[str, str]


def chosen(groups: Sequence[Group], main: str, panel: str, question: str) -> Group | None:
    """The panel and question wanted, else the main question over the first panel that has votes; None without votes."""
    if (panel, question) in groups:
        return panel, question
    return next((pair for pair in groups if pair[1] == main), groups[0] if groups else None)


def image_table(votes: Votes) -> pd.DataFrame:
    """One row per image that was rated: COLUMNS as far as they are known."""
    table = score_table(votes)
    return table.loc[table["n"] > 0, [column for column in COLUMNS if column in table.columns]].reset_index(drop=True)


def ordered(table: pd.DataFrame, sort: str, down: bool) -> pd.DataFrame:
    """The table by a column of SORTS, as it is for any other word; what is not known comes last."""
    return table.sort_values(sort, ascending=not down, kind="stable") if sort in SORTS and sort in table.columns else table


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as a template or a CSV takes them; None where nothing is known."""
    return [{str(k): None if pd.isna(v) else v for k, v in row.items()} for row in table.to_dict("records")]


def sections(votes: Votes, simulated: bool) -> list[dict[str, Any]]:
    """Distribution, variants and conditions as JSON values; tables of more than LONG rows are cut, and say by how many (`more`)."""
    from mos.report_results import conditions, scores

    badge = "SIMULATED" if simulated else ""
    return [_plain(scores(votes, "", badge)), _plain(conditions(votes, "", badge))]


def _plain(section: Section) -> dict[str, Any]:
    blocks = []
    for block in section.blocks:
        values = asdict(block)
        if isinstance(block, Table):
            values |= {"numbers": block.numbers, "rows": list(block.rows)[:LONG], "more": max(0, len(block.rows) - LONG)}
        blocks.append(values)
    return {"title": section.title, "blocks": blocks}
