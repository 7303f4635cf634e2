"""What `prepare` notes as it goes: a private journal of finished photos, and the table of measures that a resumed run reads.

The journal gets a line per photo; now and then it is merged into `sources.csv` and `reports/photos.csv` and emptied. So a
run that is killed loses nothing, and 140,000 photos don't write the table 140,000 times.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workspace.settings import Workspace
from workspace.sources import revise
from workspace.streams import Row, revise_rows, stream_rows
from workspace.tables import SOURCES_COLUMNS

JOURNAL = ".prepare.jsonl"
MOST_NOTES = 2000
"""Held in memory before they are merged, whatever the time."""
MEASURES = [
    "pristine", "made", "png_sha256", "phash", "largest_side", "blur", "contrast", "brightness", "colourfulness", "si",
    "clipped_dark", "clipped_light", "jpeg_quality", "jpeg_damage", "blocking", "border", "vignette", "ruler", "text", "bar_code",
    "face",
]  # fmt: skip
"""Columns of `reports/photos.csv`."""


def measures_path(workspace: Workspace) -> Path:
    """`reports/photos.csv`: one row of measures per prepared photo."""
    return workspace.reports / "photos.csv"


def stream_measures(workspace: Workspace) -> Iterator[Row]:
    """The rows of measures, one at a time; none when there is no such table yet."""
    path = measures_path(workspace)
    return stream_rows(path, MEASURES) if path.exists() else iter(())


def read_measures(workspace: Workspace) -> dict[str, Row]:
    """The rows of measures by photo; empty when there is no such table yet."""
    return {row["pristine"]: row for row in stream_measures(workspace)}


@dataclass
class Note:
    """A finished photo: cells of `sources.csv` that were measured, cells that a sidecar gives, and measures."""

    name: str
    measured: Row = field(default_factory=dict)
    given: Row = field(default_factory=dict)
    measures: Row = field(default_factory=dict)


class Journal:
    """The notes of one run, merged at intervals that grow with what a merge costs."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.path = workspace.root / JOURNAL
        self.notes = _read(self.path)
        self.stream: Any = None
        self.every = 15.0
        self.merged = time.monotonic()

    def add(self, note: Note) -> None:
        """Write a note down; it outlives a kill from here on."""
        if self.stream is None:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self.stream = os.fdopen(handle, "w", encoding="utf-8")
        self.stream.write(json.dumps(asdict(note), ensure_ascii=False) + "\n")
        self.stream.flush()
        self.notes.append(note)
        if len(self.notes) >= MOST_NOTES or time.monotonic() - self.merged > self.every:
            self.merge()

    def merge(self) -> None:
        """Bring all notes into the tables and empty the journal."""
        started = time.monotonic()
        if self.notes:
            _into_sources(self.workspace, self.notes)
            _into_measures(self.workspace, self.notes)
        self.close()
        self.path.unlink(missing_ok=True)
        self.notes = []
        self.merged = time.monotonic()
        self.every = max(15.0, 20.0 * (self.merged - started))

    def close(self) -> None:
        """Close the file; what it holds stays for the next run."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None


def _read(path: Path) -> list[Note]:
    """The notes of a run that was killed; a last line that is cut off is left out."""
    if not path.exists():
        return []
    notes = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            notes.append(Note(**json.loads(line)))
        except (ValueError, TypeError):
            break
    return notes


def _into_sources(workspace: Workspace, notes: list[Note]) -> None:
    said = _by_name(notes)

    def noted(name: str, row: Row) -> Row:
        row = row or dict.fromkeys(SOURCES_COLUMNS, "")
        for note in said[name]:
            row.update(note.measured)
            fill(row, note.given)
        return row

    revise(workspace, said, noted)


def _by_name(notes: list[Note]) -> dict[str, list[Note]]:
    """The notes of each photo, in their order: two runs may have noted the same one."""
    found: dict[str, list[Note]] = {}
    for note in notes:
        found.setdefault(note.name, []).append(note)
    return found


def fill(row: Row, given: Row) -> None:
    """Fill the empty cells of a row: the sidecar's, else a photo is its own subject and accepted. A filled cell is kept."""
    for column, value in {"subject": row["pristine"], "accepted": "yes", **{k: v for k, v in given.items() if v}}.items():
        if not row[column].strip():
            row[column] = value


def _into_measures(workspace: Workspace, notes: list[Note]) -> None:
    said = {note.name: note.measures for note in notes if note.measures}
    if said:
        revise_rows(measures_path(workspace), MEASURES, said, lambda name, row: said[name])
