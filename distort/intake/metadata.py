"""A sidecar CSV (`prepare --metadata`): what is known about photos, by file name, for the empty cells of `sources.csv`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from workspace.errors import TableFault, nearest
from workspace.scratch import scratch
from workspace.sources import MEASURED, row_faults
from workspace.streams import Row, stream_rows
from workspace.tables import SOURCES_COLUMNS

GIVEN = [column for column in SOURCES_COLUMNS if column not in MEASURED]
"""The columns that a sidecar may give."""


class Sidecar:
    """The rows of a sidecar by file name, kept on the disk; remembers which were asked for."""

    def __init__(self, path: Path) -> None:
        """Read and check a sidecar. Raises TableFault for a missing `file` column, two rows of one file, or a bad cell."""
        self.path = path
        self.others: list[str] = []
        self.rows = scratch("CREATE TABLE rows (file TEXT PRIMARY KEY, cells TEXT, used INTEGER DEFAULT 0)")
        for row in stream_rows(path, ["file"]):
            self.others = self.others or [column for column in row if column != "file" and column not in GIVEN]
            name = row["file"].replace("\\", "/").removeprefix("./")
            for fault in row_faults({**row, "pristine": name}):
                raise TableFault(f"{path}: {fault}")
            cells = {column: row[column].strip() for column in GIVEN if row.get(column, "").strip()}
            added = self.rows.execute("INSERT OR IGNORE INTO rows (file, cells) VALUES (?, ?)", (name, json.dumps(cells)))
            if not added.rowcount:
                raise TableFault(f"{path}: {name} stands in two rows, one was expected")

    def of(self, label: str) -> Row:
        """What the sidecar says of a photo by its path below the given folder, else by its bare name: the cells that are filled."""
        for name in (label, label.rpartition("/")[2]):
            found = self.rows.execute("SELECT cells FROM rows WHERE file = ?", (name,)).fetchone()
            if found:
                self.rows.execute("UPDATE rows SET used = 1 WHERE file = ? AND used = 0", (name,))
                said: Row = json.loads(found[0])
                return said
        return {}

    def hints(self) -> Iterator[str]:
        """One line for the columns that sources.csv doesn't have, one for the rows that met no photo."""
        if self.others:
            near = [f"{column}{nearest(column, GIVEN)}" for column in self.others]
            yield f"{self.path.name}: columns passed over: {', '.join(near)}"
        (unused,) = self.rows.execute("SELECT count(*) FROM rows WHERE used = 0").fetchone()
        if unused:
            some = self.rows.execute("SELECT file FROM rows WHERE used = 0 ORDER BY rowid LIMIT 3").fetchall()
            named = ", ".join(name for (name,) in some) + (" ..." if unused > 3 else "")
            yield f"{self.path.name}: {unused} rows met no photo ({named})"
