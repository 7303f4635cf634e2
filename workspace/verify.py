"""Checks of the workspace's files and tables against each other, in flat memory; pixels are checked by their files' hashes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from workspace.files import TEMPORARY_SUFFIX, sha256_file
from workspace.scratch import scratch
from workspace.settings import Workspace
from workspace.streams import stream_rows
from workspace.tables import MANIFEST_COLUMNS, SOURCES_COLUMNS


def file_faults(workspace: Workspace) -> Iterator[str]:
    """One line per fault: a listed file that is missing or changed, an image that no table lists, a row without its photo."""
    seen = scratch("CREATE TABLE photos (name TEXT PRIMARY KEY)", "CREATE TABLE files (path BLOB PRIMARY KEY)")
    yield from _source_faults(workspace, seen)
    yield from _manifest_faults(workspace, seen)
    yield from _unlisted(workspace, seen)
    for path in sorted(workspace.root.rglob(f".*{TEMPORARY_SUFFIX}")):
        yield f"{path.relative_to(workspace.root)}: left by a run that was killed; the same command again removes it"
    seen.close()


def _source_faults(workspace: Workspace, seen: sqlite3.Connection) -> Iterator[str]:
    for row in stream_rows(workspace.sources, SOURCES_COLUMNS) if workspace.sources.exists() else ():
        name = row["pristine"]
        if not name:
            continue
        if not _first(seen, "photos", name):
            yield f"sources.csv: {name} stands in more than one row"
        path = workspace.pristine / f"{name}.png"
        _first(seen, "files", os.fsencode(path))
        if not path.is_file():
            yield f"pristine/{name}.png: listed in sources.csv but missing"


def _manifest_faults(workspace: Workspace, seen: sqlite3.Connection) -> Iterator[str]:
    listed = scratch("CREATE TABLE rows (file TEXT PRIMARY KEY)")
    for row in stream_rows(workspace.manifest, MANIFEST_COLUMNS) if workspace.manifest.exists() else ():
        if not _first(listed, "rows", row["file"]):
            yield f"manifest.csv: {row['file']} is listed twice"
        if not seen.execute("SELECT 1 FROM photos WHERE name = ?", (row["pristine"],)).fetchone():
            yield f"manifest.csv: {row['file']} comes from {row['pristine']}, which sources.csv does not list"
        path = workspace.root / row["file"]
        _first(seen, "files", os.fsencode(path))
        if not path.is_file():
            yield f"{row['file']}: listed in manifest.csv but missing"
        elif sha256_file(path) != row["sha256"]:
            yield f"{row['file']}: its bytes differ from manifest.csv"
    listed.close()


def _first(tables: sqlite3.Connection, table: str, value: str | bytes) -> bool:
    """Take a value in; whether it is there for the first time."""
    return tables.execute(f"INSERT OR IGNORE INTO {table} VALUES (?)", (value,)).rowcount > 0


def _unlisted(workspace: Workspace, seen: sqlite3.Connection) -> Iterator[str]:
    for top in (workspace.pristine, workspace.distorted):
        for folder, below, names in os.walk(top):
            below.sort()
            for name in sorted(n for n in names if n.endswith(".png") and not n.startswith(".")):
                path = Path(folder) / name
                if not seen.execute("SELECT 1 FROM files WHERE path = ?", (os.fsencode(path),)).fetchone():
                    yield f"{path.relative_to(workspace.root)}: no table lists it"
