"""A sidecar CSV (`prepare --metadata`): what is known about photos, by file name, for the empty cells of `sources.csv`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workspace.errors import TableFault, nearest
from workspace.files import read_rows
from workspace.sources import MEASURED, Row, row_faults
from workspace.tables import SOURCES_COLUMNS

GIVEN = [column for column in SOURCES_COLUMNS if column not in MEASURED]
"""The columns that a sidecar may give."""


class Sidecar:
    """The rows of a sidecar by file name; remembers which were asked for."""

    def __init__(self, path: Path) -> None:
        """Read and check a sidecar. Raises TableFault for a missing `file` column, two rows of one file, or a bad cell."""
        rows = read_rows(path, ["file"])
        self.path = path
        self.others = [column for column in (rows[0] if rows else {}) if column != "file" and column not in GIVEN]
        self.rows: dict[str, Row] = {}
        self.used: set[str] = set()
        for row in rows:
            name = row["file"].replace("\\", "/").removeprefix("./")
            if name in self.rows:
                raise TableFault(f"{path}: {name} stands in two rows, one was expected")
            for fault in row_faults({**row, "pristine": name}):
                raise TableFault(f"{path}: {fault}")
            self.rows[name] = {column: row.get(column, "").strip() for column in GIVEN}

    def of(self, label: str) -> Row:
        """What the sidecar says of a photo by its path below the given folder, else by its bare name; empty when nothing."""
        for name in (label, label.rpartition("/")[2]):
            if name in self.rows:
                self.used.add(name)
                return self.rows[name]
        return {}

    def hints(self) -> Iterator[str]:
        """One line for the columns that sources.csv doesn't have, one for the rows that met no photo."""
        if self.others:
            near = [f"{column}{nearest(column, GIVEN)}" for column in self.others]
            yield f"{self.path.name}: columns passed over: {', '.join(near)}"
        unused = [name for name in self.rows if name not in self.used]
        if unused:
            named = ", ".join(unused[:3]) + (" ..." if len(unused) > 3 else "")
            yield f"{self.path.name}: {len(unused)} rows met no photo ({named})"
