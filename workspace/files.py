"""Files: written under a temporary name and renamed, locked against a second writer, named by their hash."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from workspace.errors import TableFault, WorkspaceFault

TEMPORARY_SUFFIX = ".part"


@contextmanager
def replacing(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """A temporary path beside `path`; renamed onto it when the block ends well, removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=TEMPORARY_SUFFIX, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except OSError as fault:
        if fault.errno in (28, 122):
            raise WorkspaceFault(f"the disk is full while writing {path}: free some space and run it again") from fault
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = False) -> None:
    """Write `data` so that `path` holds either the old or the new content; `durable` also syncs it to the disk."""
    with replacing(path, mode=mode) as temporary, temporary.open("wb") as stream:
        stream.write(data)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write UTF-8 text with `\\n` line ends, atomically."""
    write_bytes(path, text.encode("utf-8"), mode=mode)


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """Write a value as indented JSON, atomically; NaN is refused since JSON has none."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", mode=mode)


def read_rows(path: Path, required: Iterable[str] = ()) -> list[dict[str, str]]:
    """The rows of a CSV as text. Raises TableFault naming a missing file or column."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise TableFault(f"{path} is not there") from None
    except UnicodeDecodeError as fault:
        raise TableFault(f"{path} is not UTF-8 text (byte {fault.start}): save it as CSV UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    found = list(reader.fieldnames or [])
    for column in required:
        if column not in found:
            raise TableFault(f"{path} has no column {column!r}; it has: {', '.join(found) or 'nothing'}")
    return [{k: (v or "") for k, v in row.items() if k is not None} for row in reader]


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], columns: list[str], *, mode: int = 0o644) -> None:
    """Write a CSV atomically, row by row, with these columns in this order; None becomes an empty cell."""
    with replacing(path, mode=mode) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=columns, lineterminator="\n", extrasaction="raise")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: ("" if v is None else v) for k, v in row.items()})


def sha256_bytes(data: bytes | memoryview) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """Give `target` the content of `source` by a hard link where the disk allows it, else by a copy."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)


@contextmanager
def lock(folder: Path, name: str, *, wait: float = 0.0, doing: str = "writing here") -> Iterator[None]:
    """Hold the lock `name` of a folder. Raises WorkspaceFault at once (or after `wait` seconds) when another holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    guard = FileLock(folder / f".{name}.lock")
    try:
        guard.acquire(timeout=wait)
    except Timeout:
        raise WorkspaceFault(f"another dermiqa is {doing} in {folder} (lock .{name}.lock): wait for it or stop it") from None
    try:
        yield
    finally:
        guard.release()


def sweep(folder: Path) -> int:
    """Remove temporary files that a killed run left behind; call it under the writer's lock. Returns how many."""
    gone = 0
    for path in folder.rglob(f".*{TEMPORARY_SUFFIX}"):
        path.unlink(missing_ok=True)
        gone += 1
    return gone


def need_space(folder: Path, needed: int, what: str) -> None:
    """Raise WorkspaceFault when the disk that holds `folder` has fewer than `needed` bytes free."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise WorkspaceFault(
            f"{what} needs about {needed / 1e6:,.0f} MB and {folder} has {free / 1e6:,.0f} MB free: "
            "free some space or choose another folder"
        )
