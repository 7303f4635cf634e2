"""`manifest.csv`, one row per image: a pure function of `sources.csv` and of the record that lies beside each photo's variants.

Whoever makes a photo's variants writes `distorted/RECIPE/NAME/.rows.csv` last, so that a killed run knows what it has done,
and any number of workers leads to the same table. Everything here streams: 140,000 photos need no more memory than one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workspace.errors import TableFault, WorkspaceFault
from workspace.files import TEMPORARY_SUFFIX, lock, replacing, write_rows
from workspace.settings import Workspace
from workspace.streams import stream_rows
from workspace.tables import MANIFEST_COLUMNS, SOURCES_COLUMNS

RECORD = ".rows.csv"
FROM_SOURCES = ("subject", "source", "licence")
NO = frozenset({"no", "n", "false", "0"})

Row = dict[str, str]


def source_rows(workspace: Workspace) -> Iterator[Row]:
    """The rows of `sources.csv` that have a prepared photo. Raises TableFault when there is no such table."""
    if not workspace.sources.exists():
        raise TableFault(f"{workspace.sources} is not there: bring photos in with `dermiqa prepare PHOTOS`")
    return (row for row in stream_rows(workspace.sources, SOURCES_COLUMNS) if row["pristine"])


def is_refused(row: Row, column: str) -> bool:
    """Whether a yes / no cell of `sources.csv` says no; an empty cell doesn't."""
    return row.get(column, "").strip().lower() in NO


def record_path(workspace: Workspace, recipe: str, pristine: str) -> Path:
    """Where the record of one photo's variants lies."""
    return workspace.distorted / recipe / pristine / RECORD


def read_record(path: Path) -> list[Row]:
    """The rows of a record, the pristine photo's first; empty when there is none or it isn't a record."""
    try:
        rows = list(stream_rows(path, MANIFEST_COLUMNS))
    except (TableFault, OSError, csv.Error):
        return []
    return rows if rows and rows[0]["kind"] == "pristine" else []


def write_record(path: Path, rows: list[Row]) -> None:
    """Write a record atomically."""
    write_rows(path, rows, MANIFEST_COLUMNS)


def recipes_made(workspace: Workspace) -> list[str]:
    """Names of the recipes that have a folder, sorted."""
    if not workspace.distorted.is_dir():
        return []
    return sorted(p.name for p in workspace.distorted.iterdir() if p.is_dir() and not p.name.startswith("."))


def manifest_rows(workspace: Workspace) -> Iterator[Row]:
    """The manifest: for each recipe-made photo in the order of `sources.csv` its own row, then recipe by recipe its variants."""
    recipes = recipes_made(workspace)
    for source in source_rows(workspace):
        records = [read_record(record_path(workspace, recipe, source["pristine"])) for recipe in recipes]
        if not any(records):
            continue
        said = {column: source[column] for column in FROM_SOURCES}
        yield {**next(r for r in records if r)[0], **said, "flags": source["flags"]}
        for record in records:
            for row in record[1:]:
                yield {**row, **said}


@contextmanager
def _swept(path: Path) -> Iterator[None]:
    """Remove what a killed writer of `path` left beside it."""
    for left in path.parent.glob(f".{path.name}.*{TEMPORARY_SUFFIX}"):
        left.unlink(missing_ok=True)
    yield


def rebuild(workspace: Workspace) -> int:
    """Write `manifest.csv` anew from `sources.csv` and all records, under its lock; gives the number of rows."""
    rows = 0
    with (
        lock(workspace.root, "manifest", wait=60, doing="writing manifest.csv"),
        _swept(workspace.manifest),
        replacing(workspace.manifest) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.DictWriter(stream, fieldnames=MANIFEST_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in manifest_rows(workspace):
            writer.writerow(row)
            rows += 1
    return rows


def read_manifest(workspace: Workspace, recipe: str | None = None) -> Iterator[Row]:
    """The rows of `manifest.csv`, of one recipe with its pristine photos if `recipe` is given. Raises WorkspaceFault."""
    if not workspace.manifest.exists():
        raise WorkspaceFault(f"{workspace.root} has no manifest.csv yet: make variants with `dermiqa distort`")
    for row in stream_rows(workspace.manifest, MANIFEST_COLUMNS):
        if recipe is None or row["recipe"] in ("", recipe):
            yield row
