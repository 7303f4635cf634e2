"""A patient's photo leaves: everything in a workspace that shows it or tells about it is listed, removed, and certified.

Copies are known by their hash wherever they lie; exports and reports that name the photo go as a whole, since they can be
made again; models that were trained on it are named. Plans of studies stay: other photos keep their places and votes.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from distort.intake.notes import MEASURES, measures_path, read_measures
from workspace.files import lock, sha256_bytes, sha256_file, write_json, write_rows, write_text
from workspace.manifest import rebuild
from workspace.settings import Workspace
from workspace.sources import editing, read_keys, read_source, write_keys
from workspace.streams import stream_rows
from workspace.tables import MANIFEST_COLUMNS

FOLDER = "withdrawals"
_BLIND = frozenset((".png", ".jpg", ".jpeg", ".webp", ".pt", ".safetensors", ".onnx"))
"""Endings of files that hold no words; they are known by their hash and name alone."""
_LARGEST_SEARCHED = 2_000_000_000


@dataclass(frozen=True)
class Holding:
    """A place that holds something of the photo: `kind` (pristine, variants, frozen copy, export, report, cache, model), path."""

    kind: str
    path: Path
    sha256: str = ""


@dataclass
class Withdrawal:
    """What a withdrawal found: `removed` holdings, `models` that learnt from the photo, `original` the hash of its file."""

    name: str
    original: str
    removed: list[Holding] = field(default_factory=list)
    models: list[Path] = field(default_factory=list)


def certificates(workspace: Workspace) -> Path:
    """Folder of the certificates, `reports/withdrawals`."""
    return workspace.reports / FOLDER


def find(workspace: Workspace, name: str, *, caches: Sequence[Path] = ()) -> Withdrawal:
    """Everything that holds the photo; changes nothing. `caches` are folders outside that may hold decoded images.

    Raises WorkspaceFault when `sources.csv` has no such photo.
    """
    row = read_source(workspace, name)
    found = Withdrawal(name, row["sha256"])
    hashes = dict(_hashes(workspace, name))
    pristine = workspace.pristine / f"{name}.png"
    if pristine.exists():
        found.removed.append(Holding("pristine", pristine, sha256_file(pristine)))
    for folder in sorted(workspace.distorted.glob("*")):
        if (folder / name).is_dir():
            found.removed.append(Holding("variants", folder / name))
    for path in _files(workspace.root / "studies"):
        if path.stat().st_size in hashes.values() and sha256_file(path) in hashes:
            found.removed.append(Holding("frozen copy", path, sha256_file(path)))
    search = _search_for(name, hashes)
    found.removed += _whole(workspace.exports, "export", search)
    found.removed += _reports(workspace, search)
    for cache in caches:
        found.removed += _whole(cache, "cache", search)
    found.models = [holding.path for holding in _whole(workspace.models, "model", search)]
    return found


def withdraw(
    workspace: Workspace, name: str, *, caches: Sequence[Path] = (), also: Iterable[str] = ()
) -> tuple[Withdrawal, Path]:
    """Remove everything that `find` lists, the photo's rows too, and write a certificate; gives the findings and its path.

    `also` are lines for the certificate about what was done elsewhere (the database). A withdrawal that was killed is
    finished by the same call. Raises WorkspaceFault when the photo is unknown or a run is at work here.
    """
    with ExitStack() as held:
        for which in ("prepare", "distort"):
            held.enter_context(lock(workspace.root, which, doing="at work"))
        found = find(workspace, name, caches=caches)
        for holding in found.removed:
            _remove(holding.path)
        path = _certify(workspace, found, list(also))
        _forget_rows(workspace, name)
    return found, path


def withdrawn_hashes(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of each withdrawn original -> day of its withdrawal, so that it doesn't come in again unnoticed."""
    found = {}
    for path in sorted(certificates(workspace).glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        found[told["original_sha256"]] = told["at"][:10]
    return found


def _hashes(workspace: Workspace, name: str) -> Iterator[tuple[str, int]]:
    """SHA-256 and size of every image of the photo: those on the disk, and those that the manifest lists."""
    for path in [workspace.pristine / f"{name}.png", *workspace.distorted.glob(f"*/{name}/*.png")]:
        if path.is_file():
            yield sha256_file(path), path.stat().st_size
    if workspace.manifest.exists():
        for row in stream_rows(workspace.manifest, MANIFEST_COLUMNS):
            if row["pristine"] == name:
                yield row["sha256"], int(row["bytes"] or 0)


@dataclass(frozen=True)
class _Search:
    """Looks for a photo in files: by its images' hashes and sizes, by its name and those hashes as words (`pattern`)."""

    name: str
    hashes: set[str]
    sizes: set[int]
    pattern: re.Pattern[bytes]

    def meets(self, path: Path) -> bool:
        """Whether a file is an image of the photo, is called as it, or names it."""
        size = path.stat().st_size
        if path.stem == self.name or (size in self.sizes and sha256_file(path) in self.hashes):
            return True
        if size > _LARGEST_SEARCHED or path.suffix.lower() in _BLIND:
            return False
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(self.pattern.search(n.encode()) or self.pattern.search(archive.read(n)) for n in archive.namelist())
        if path.suffix.lower() == ".parquet":
            return _in_parquet(path, self.pattern)
        return bool(self.pattern.search(path.read_bytes()))


def _search_for(name: str, hashes: dict[str, int]) -> _Search:
    words = "|".join([re.escape(name), *sorted(hashes)])
    pattern = re.compile(rb"(?<![A-Za-z0-9])(?:" + words.encode() + rb")(?![A-Za-z0-9])")
    return _Search(name, set(hashes), set(hashes.values()), pattern)


def _in_parquet(path: Path, pattern: re.Pattern[bytes]) -> bool:
    import pyarrow.parquet

    for batch in pyarrow.parquet.ParquetFile(path).iter_batches():
        for column in batch.columns:
            if any(isinstance(v, str) and pattern.search(v.encode()) for v in column.to_pylist()):
                return True
    return False


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) if folder.is_dir() else []


def _whole(folder: Path, kind: str, search: _Search) -> list[Holding]:
    """The entries of a folder (files, folders) in which the photo is met."""
    if not folder.is_dir():
        return []
    found = []
    for entry in sorted(folder.iterdir()):
        files = _files(entry) if entry.is_dir() else [entry]
        if any(search.meets(path) for path in files if path.is_file()):
            found.append(Holding(kind, entry))
    return found


def _reports(workspace: Workspace, search: _Search) -> list[Holding]:
    """Reports that name the photo or may show it: its contact sheets, all sheets of axes, galleries, study reports."""
    found = []
    own = {certificates(workspace), workspace.reports / "sheets", measures_path(workspace)}
    for sheet in sorted(workspace.reports.glob("sheets/**/*")):
        if sheet.is_file() and (sheet.stem.startswith("axis_") or search.meets(sheet)):
            found.append(Holding("report", sheet))
    if workspace.reports.is_dir():
        for entry in sorted(workspace.reports.iterdir()):
            files = _files(entry) if entry.is_dir() else [entry]
            if entry not in own and any(search.meets(path) for path in files):
                found.append(Holding("report", entry))
    return found


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _forget_rows(workspace: Workspace, name: str) -> None:
    """Take the photo's rows out of measures, keys and sources, and write the manifest anew."""
    measures = read_measures(workspace)
    if measures.pop(name, None) is not None:
        write_rows(measures_path(workspace), measures.values(), MEASURES)
    keys = read_keys(workspace)
    if keys.pop(name, None) is not None:
        write_keys(workspace, keys.items())
    if workspace.manifest.exists():
        rebuild(workspace)
    with editing(workspace) as rows:
        rows[:] = [row for row in rows if row["pristine"] != name]


def _certify(workspace: Workspace, found: Withdrawal, also: list[str]) -> Path:
    """Write the certificate as JSON and as Markdown. It holds hashes and places, nothing of the picture or the person."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    removed = [
        {"kind": h.kind, "place": _place(workspace, h.path), **({"sha256": h.sha256} if h.sha256 else {})} for h in found.removed
    ]
    models = [_place(workspace, path) for path in found.models]
    told = {
        "photo": found.name,
        "original_sha256": found.original,
        "at": moment,
        "removed": removed,
        "models": models,
        "also": also,
    }
    target = certificates(workspace) / f"{found.name}.json"
    if target.exists():
        target = target.with_name(f"{found.name}_{sha256_bytes(moment.encode())[:6]}.json")
    write_json(target, told)
    lines = [
        f"# Withdrawal of photo {found.name}",
        f"\nOn {moment} the photo with the original file's SHA-256 `{found.original}` was taken out of this collection.",
        "\n## Removed",
        *(f"- {r['kind']}: `{r['place']}`" for r in removed),
        "\n## Models trained on it",
        *([f"- `{place}`: train again without it, or withdraw the model" for place in models] or ["- none found here"]),
        *(["\n## Elsewhere", *(f"- {line}" for line in also)] if also else []),
        "\n## What stays",
        "- the plans and votes of studies (numbers without the picture), so that other photos keep theirs",
        "- the original file outside this workspace, and backups and exports that left it: they are yours to delete",
    ]
    write_text(target.with_suffix(".md"), "\n".join(lines) + "\n")
    return target.with_suffix(".md")


def _place(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.root).as_posix() if path.is_relative_to(workspace.root) else str(path)
