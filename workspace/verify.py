"""Checks of the workspace's files and tables against each other; pixels are checked by their files' hashes."""

from __future__ import annotations

from collections.abc import Iterator

from workspace.files import TEMPORARY_SUFFIX, read_rows, sha256_file
from workspace.settings import Workspace
from workspace.tables import MANIFEST_COLUMNS, SOURCES_COLUMNS


def file_faults(workspace: Workspace) -> Iterator[str]:
    """One line per fault: a listed file that is missing or changed, an image that no table lists, a row without its photo."""
    sources = read_rows(workspace.sources, SOURCES_COLUMNS) if workspace.sources.exists() else []
    manifest = read_rows(workspace.manifest, MANIFEST_COLUMNS) if workspace.manifest.exists() else []
    yield from _row_faults(sources, manifest)
    yield from _image_faults(workspace, sources, manifest)
    for path in sorted(workspace.root.rglob(f".*{TEMPORARY_SUFFIX}")):
        yield f"{path.relative_to(workspace.root)}: left by a run that was killed; the same command again removes it"


def _row_faults(sources: list[dict[str, str]], manifest: list[dict[str, str]]) -> Iterator[str]:
    names = [row["pristine"] for row in sources if row["pristine"]]
    for name in sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else ():
        yield f"sources.csv: {name} stands in more than one row"
    known = set(names)
    seen: set[str] = set()
    for row in manifest:
        if row["file"] in seen:
            yield f"manifest.csv: {row['file']} is listed twice"
        seen.add(row["file"])
        if row["pristine"] not in known:
            yield f"manifest.csv: {row['file']} comes from {row['pristine']}, which sources.csv does not list"


def _image_faults(workspace: Workspace, sources: list[dict[str, str]], manifest: list[dict[str, str]]) -> Iterator[str]:
    listed = set()
    for row in manifest:
        path = workspace.root / row["file"]
        listed.add(path)
        if not path.is_file():
            yield f"{row['file']}: listed in manifest.csv but missing"
        elif sha256_file(path) != row["sha256"]:
            yield f"{row['file']}: its bytes differ from manifest.csv"
    for row in sources:
        path = workspace.pristine / f"{row['pristine']}.png"
        if row["pristine"] and not path.is_file():
            yield f"pristine/{row['pristine']}.png: listed in sources.csv but missing"
        elif row["pristine"]:
            listed.add(path)
    for folder in (workspace.pristine, workspace.distorted):
        for path in sorted(folder.rglob("*.png")) if folder.is_dir() else ():
            if path not in listed and not path.name.startswith("."):
                yield f"{path.relative_to(workspace.root)}: no table lists it"
