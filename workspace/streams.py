"""Tables of any length, read and changed row by row: 140,000 photos need no more memory than one."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from workspace.errors import TableFault
from workspace.files import replacing

Row = dict[str, str]


def stream_rows(path: Path, required: Iterable[str] = ()) -> Iterator[Row]:
    """The rows of a CSV, one at a time. Raises TableFault naming a missing file or column."""
    for head, cells in _lines(path, required):
        row = dict(zip(head, cells, strict=False))
        yield row if len(cells) >= len(head) else {**dict.fromkeys(head, ""), **row}


def _lines(path: Path, required: Iterable[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The header with each row's cells; empty lines are passed over."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            head = next(reader, [])
            for column in required:
                if column not in head:
                    raise TableFault(f"{path} has no column {column!r}; it has: {', '.join(head) or 'nothing'}")
            yield from ((head, cells) for cells in reader if cells)
    except FileNotFoundError:
        raise TableFault(f"{path} is not there") from None
    except UnicodeDecodeError as fault:
        raise TableFault(f"{path} is not UTF-8 text (byte {fault.start}): save it as CSV UTF-8") from None


def revise_rows(path: Path, columns: list[str], names: Iterable[str], change: Callable[[str, Row], Row]) -> None:
    """Change the rows of a CSV that `names` name in the column `pristine`; rows that aren't there are added at the end.

    `change(name, row)` gives the row as it shall be; `row` is empty for a new one. All other rows pass through cell by cell. The
    file is replaced at once, columns other than `columns` are left out. The caller holds the lock. Raises TableFault.
    """
    wanted = dict.fromkeys(names)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for head, cells in _lines(path, columns) if path.exists() else ():
            row = dict(zip(head, cells, strict=False))
            name = row.get("pristine", "")
            if name in wanted:
                del wanted[name]
                row = change(name, {column: row.get(column, "") for column in columns})
            writer.writerow([row.get(column, "") for column in columns])
        for name in wanted:
            row = change(name, {})
            writer.writerow([row.get(column, "") for column in columns])
