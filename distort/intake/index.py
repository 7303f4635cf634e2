"""What one run of `prepare` knows of its files and photos, on the disk: 140,000 photos need no more memory than one.

The tables are SQLite's own temporary ones: they have no name in any folder and are gone with the run, killed or not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from distort.intake.found import Found
from workspace.scratch import scratch
from workspace.streams import Row

BATCH = 500
_TABLES = (
    "CREATE TABLE files (number INTEGER PRIMARY KEY, path BLOB UNIQUE, label TEXT, fault TEXT, name TEXT)",
    "CREATE TABLE keys (number INTEGER PRIMARY KEY, name TEXT UNIQUE, folded TEXT, original BLOB)",
    "CREATE INDEX keys_folded ON keys (folded)",
    "CREATE INDEX keys_original ON keys (original)",
    "CREATE TABLE photos (name TEXT PRIMARY KEY, crop TEXT, rotation TEXT, masks TEXT, complete INTEGER, made TEXT DEFAULT '', "
    "png_sha256 TEXT DEFAULT '') WITHOUT ROWID",
    "CREATE TABLE originals (sha256 TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID",
)


@dataclass(frozen=True)
class Known:
    """What tables say of a photo: its edits, whether no cell waits for a default, and what an earlier run made of it."""

    crop: str = ""
    rotation: str = ""
    masks: str = ""
    complete: bool = False
    made: str = ""
    png_sha256: str = ""


class Index:
    """The files to try, the names that photos have or get, the known photos, and the name of each original's hash."""

    def __init__(self) -> None:
        self.tables = scratch(*_TABLES)
        self.count = 0
        self.last = 0

    def add_file(self, item: Found) -> None:
        """Take a file in; the same path a second time is passed over."""
        found = self.tables.execute(
            "INSERT OR IGNORE INTO files (path, label, fault) VALUES (?, ?, ?)", (os.fsencode(item.path), item.label, item.fault)
        )
        self.count += found.rowcount

    def files(self) -> Iterator[tuple[Found, str]]:
        """Every file with its photo's name (empty: not named), in the order of coming; names may be given meanwhile."""
        after = 0
        while batch := self.tables.execute(
            "SELECT number, path, label, fault, name FROM files WHERE number > ? ORDER BY number LIMIT ?", (after, BATCH)
        ).fetchall():
            after = batch[-1][0]
            for _, path, label, fault, name in batch:
                yield Found(Path(os.fsdecode(path)), label, fault), name or ""

    def add_key(self, name: str, original: str) -> None:
        """A name is given to the photo of this path."""
        self.tables.execute(
            "INSERT OR REPLACE INTO keys (name, folded, original) VALUES (?, ?, ?)",
            (name, name.casefold(), os.fsencode(original)),
        )
        self._count_from(name)

    def _count_from(self, name: str) -> None:
        """The next number follows the highest that any name has."""
        numbered = re.fullmatch(r"P(\d+)", name)
        self.last = max(self.last, int(numbered[1]) if numbered else 0)

    def name_file(self, path: Path, name: str) -> None:
        """Write down what a file's photo is called."""
        self.tables.execute("UPDATE files SET name = ? WHERE path = ?", (name, os.fsencode(path)))

    def name_of(self, original: str) -> str:
        """The name that a path's photo has; empty when it has none."""
        return self._one("SELECT name FROM keys WHERE original = ? ORDER BY number DESC LIMIT 1", os.fsencode(original))

    def original(self, name: str) -> str:
        """The path that a name stands for; empty when it stands for none."""
        found = self.tables.execute("SELECT original FROM keys WHERE name = ?", (name,)).fetchone()
        return os.fsdecode(found[0]) if found else ""

    def is_taken(self, name: str) -> bool:
        """Whether a name is given, in whatever case of letters, or is that of a known photo whose key is lost."""
        query = "SELECT 1 FROM keys WHERE folded = ? UNION ALL SELECT 1 FROM photos WHERE name = ?"
        return bool(self.tables.execute(query, (name.casefold(), name)).fetchone())

    def move(self, name: str, original: str) -> None:
        """The photo of this name lies elsewhere now."""
        self.tables.execute("UPDATE keys SET original = ? WHERE name = ?", (os.fsencode(original), name))

    def drop_key(self, name: str) -> None:
        """Give a name free again."""
        self.tables.execute("DELETE FROM keys WHERE name = ?", (name,))

    def keys(self) -> Iterator[tuple[str, str]]:
        """Name and original path, in the order of coming."""
        after = 0
        while batch := self.tables.execute(
            "SELECT number, name, original FROM keys WHERE number > ? ORDER BY number LIMIT ?", (after, BATCH)
        ).fetchall():
            after = batch[-1][0]
            for _, name, original in batch:
                yield name, os.fsdecode(original)

    def know(self, rows: Iterable[Row], measures: Iterable[Row]) -> None:
        """Take over what `sources.csv` and the table of measures hold."""
        for row in rows:
            cells = [row["pristine"], *(row[column].strip() for column in ("crop", "rotation", "masks"))]
            complete = bool(row["subject"].strip() and row["accepted"].strip())
            self.tables.execute(
                "INSERT OR REPLACE INTO photos (name, crop, rotation, masks, complete) VALUES (?, ?, ?, ?, ?)", (*cells, complete)
            )
            self._count_from(row["pristine"])
            if row["sha256"]:
                self.tables.execute("INSERT OR REPLACE INTO originals VALUES (?, ?)", (row["sha256"], row["pristine"]))
        for row in measures:
            self.tables.execute(
                "UPDATE photos SET made = ?, png_sha256 = ? WHERE name = ?", (row["made"], row["png_sha256"], row["pristine"])
            )

    def known(self, name: str) -> Known | None:
        """What the tables say of a photo; None when it has no row."""
        found = self.tables.execute(
            "SELECT crop, rotation, masks, complete, made, png_sha256 FROM photos WHERE name = ?", (name,)
        ).fetchone()
        if not found:
            return None
        crop, rotation, masks, complete, made, png_sha256 = found
        return Known(crop, rotation, masks, bool(complete), made, png_sha256)

    def fresh(self) -> int:
        """How many named files have no row in `sources.csv` yet."""
        query = "SELECT count(*) FROM files WHERE name IS NOT NULL AND name NOT IN (SELECT name FROM photos)"
        return int(self.tables.execute(query).fetchone()[0])

    def twin(self, sha256: str, name: str) -> str:
        """The name of the first photo with this original, which is `name` when there was none."""
        self.tables.execute("INSERT OR IGNORE INTO originals VALUES (?, ?)", (sha256, name))
        return self._one("SELECT name FROM originals WHERE sha256 = ?", sha256)

    def close(self) -> None:
        """Let the temporary file go."""
        self.tables.close()

    def _one(self, query: str, value: str | bytes) -> str:
        found = self.tables.execute(query, (value,)).fetchone()
        return str(found[0]) if found else ""
