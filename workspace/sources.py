"""`sources.csv`, one row per photo and the only home of what is known about it; and `keys.csv`, which tells the original path.

Whoever edits takes the lock; whoever edits after a look says the hash of the row that was seen, so that no edit is lost unseen.
A photo's `sha256` is that of its original file. `flags` are words, separated by blanks, set by `dermiqa prepare`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date

from workspace.errors import TableFault, WorkspaceFault, nearest
from workspace.files import lock, read_rows, sha256_bytes, write_rows
from workspace.settings import Workspace
from workspace.streams import Row, revise_rows, stream_rows
from workspace.tables import KEYS_COLUMNS, SOURCES_COLUMNS

MEASURED = ("file", "pristine", "sha256", "width", "height", "flags")
"""Columns that `dermiqa prepare` alone writes."""
YES_NO = ("may_show", "may_alter", "may_redistribute", "accepted")
WANTED = ("source", "licence", "credit", "may_show", "may_alter", "may_redistribute", "skin_tone", "body_site")
"""Columns whose empty cells `dermiqa sources` counts as missing."""

_BOX = r"\d+ \d+ [1-9]\d* [1-9]\d*"
_SHAPES = {
    "crop": (re.compile(rf"({_BOX})?"), "`x y width height` in pixels of the upright original"),
    "masks": (
        re.compile(rf"({_BOX}(; *{_BOX})*)?"),
        "`x y width height`, several separated by `;`, in pixels of the upright original",
    ),
    "rotation": (re.compile(r"(-?\d+(\.\d+)?)?"), "degrees clockwise"),
}


def read_sources(workspace: Workspace) -> list[Row]:
    """All rows of `sources.csv`, in its order; empty when there is no such table. Raises TableFault naming a missing column."""
    return read_rows(workspace.sources, SOURCES_COLUMNS) if workspace.sources.exists() else []


def stream_sources(workspace: Workspace) -> Iterator[Row]:
    """The rows of `sources.csv` one at a time, in flat memory; none when there is no such table."""
    return stream_rows(workspace.sources, SOURCES_COLUMNS) if workspace.sources.exists() else iter(())


def read_source(workspace: Workspace, name: str) -> Row:
    """The row of one photo. Raises WorkspaceFault that names the nearest known photo."""
    return _find(workspace, read_sources(workspace), name)


def row_hash(row: Mapping[str, str]) -> str:
    """A short hash of a row's cells, to be handed back with an edit."""
    cells = [row.get(column, "") for column in SOURCES_COLUMNS]
    return sha256_bytes(json.dumps(cells, ensure_ascii=False).encode())[:16]


@contextmanager
def editing(workspace: Workspace, *, wait: float = 30.0) -> Iterator[list[Row]]:
    """The rows under the lock, to be changed in place; written when the block ends well and anything changed."""
    with lock(workspace.root, "sources", wait=wait, doing="editing sources.csv"):
        rows = read_sources(workspace)
        before = [row_hash(row) for row in rows]
        yield rows
        if [row_hash(row) for row in rows] != before or not workspace.sources.exists():
            kept = [{column: row.get(column, "") for column in SOURCES_COLUMNS} for row in rows]
            write_rows(workspace.sources, kept, SOURCES_COLUMNS)


def revise(workspace: Workspace, names: Iterable[str], change: Callable[[str, Row], Row], *, wait: float = 30.0) -> None:
    """Change the named photos' rows under the lock, or add them, as `workspace.streams.revise_rows` does: in flat memory."""
    with lock(workspace.root, "sources", wait=wait, doing="editing sources.csv"):
        revise_rows(workspace.sources, SOURCES_COLUMNS, names, change)


def change(workspace: Workspace, name: str, values: Mapping[str, str], *, seen: str | None = None) -> Row:
    """Set cells of one photo's row; `seen` is the `row_hash` of the row as the editor saw it.

    Raises WorkspaceFault when the photo is unknown or its row has changed since; TableFault for a cell that can't be, or a
    column that is unknown or measured.
    """
    for column in values:
        if column not in SOURCES_COLUMNS:
            raise TableFault(f"sources.csv has no column {column!r}{nearest(column, list(SOURCES_COLUMNS))}")
        if column in MEASURED:
            raise TableFault(f"sources.csv: {column} is measured by `dermiqa prepare` and can't be set by hand")
    with editing(workspace) as rows:
        row = _find(workspace, rows, name)
        if seen is not None and seen != row_hash(row):
            raise WorkspaceFault(f"the row of {name} in sources.csv was changed meanwhile: look at it again, then edit")
        changed = {**row, **values}
        for fault in row_faults(changed):
            raise TableFault(f"sources.csv: {fault}")
        row.update(values)
        return dict(row)


def row_faults(row: Mapping[str, str]) -> Iterator[str]:
    """One line for each cell that can't be: yes / no columns, the date, crop, rotation and masks."""
    name = row.get("pristine") or row.get("file") or "a row"
    for column in YES_NO:
        if row.get(column, "").strip().lower() not in ("", "yes", "no"):
            yield f"{name}: {column} is {row[column]!r}, yes, no or nothing was expected"
    for column, (shape, expected) in _SHAPES.items():
        if not shape.fullmatch(row.get(column, "").strip()):
            yield f"{name}: {column} is {row[column]!r}, {expected} was expected"
    if row.get("consent_expires", "").strip() and expiry(row) is None:
        yield f"{name}: consent_expires is {row['consent_expires']!r}, a date such as 2031-12-31 was expected"


def expiry(row: Mapping[str, str]) -> date | None:
    """The day on which the consent ends, or None when no (legible) day is given."""
    try:
        return date.fromisoformat(row.get("consent_expires", "").strip())
    except ValueError:
        return None


def blocked(row: Mapping[str, str], *, today: date | None = None) -> str:
    """Why a photo may not stand in a study (`may_show is no`), or an empty text; an empty cell doesn't block."""
    for column in ("accepted", "may_show", "may_alter"):
        if row.get(column, "").strip().lower() == "no":
            return f"{column} is no"
    end = expiry(row)
    if end is not None and end < (today or date.today()):
        return f"the consent expired on {end.isoformat()}"
    return ""


def missing(row: Mapping[str, str]) -> list[str]:
    """The columns of `WANTED` that are empty in a row."""
    return [column for column in WANTED if not row.get(column, "").strip()]


def flags_of(row: Mapping[str, str]) -> list[str]:
    """The flags of a row, such as `["blurred", "near_duplicate:P0003"]`."""
    return row.get("flags", "").split()


def read_keys(workspace: Workspace) -> dict[str, str]:
    """Name here -> original path, in the table's order; empty when there is no `keys.csv`."""
    return dict(stream_keys(workspace))


def stream_keys(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Name here and original path, one pair at a time; none when there is no `keys.csv`."""
    rows = stream_rows(workspace.keys, KEYS_COLUMNS) if workspace.keys.exists() else iter(())
    return ((row["pristine"], row["original"]) for row in rows)


def write_keys(workspace: Workspace, keys: Iterable[tuple[str, str]]) -> None:
    """Write `keys.csv` from (name, original path) pairs with mode 600: names of files carry names of patients."""
    rows = ({"pristine": name, "original": original} for name, original in keys)
    write_rows(workspace.keys, rows, KEYS_COLUMNS, mode=0o600)


def _find(workspace: Workspace, rows: list[Row], name: str) -> Row:
    for row in rows:
        if row["pristine"] == name:
            return row
    names = [row["pristine"] for row in rows]
    raise WorkspaceFault(f"{workspace.sources} has no photo {name!r}{nearest(name, names)}: see `dermiqa sources`")
