"""Uploads: photos or ZIP archives, kept in `uploads/BATCH/` under names of our own, within limits of size and number."""

from __future__ import annotations

import re
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workspace.errors import UsageFault, WorkspaceFault
from workspace.files import need_space, replacing
from workspace.settings import Workspace

LARGEST_FILE = 200 * 1024 * 1024
LARGEST_ARCHIVE = 2 * 1024 * 1024 * 1024
MOST_FILES = 5_000
WORST_RATIO = 200
BATCH = re.compile(r"[A-Za-z0-9_-]{8,40}")


@dataclass(frozen=True)
class Kept:
    """What became of one upload: how many files were kept, and one line for each that was not."""

    kept: int
    refused: tuple[str, ...] = ()


def batch_folder(workspace: Workspace, batch: str) -> Path:
    """The folder of a batch. Raises UsageFault for a name that is none."""
    if not BATCH.fullmatch(batch):
        raise UsageFault("the upload has no proper batch name: load the page again")
    return workspace.root / "uploads" / batch


def safe_name(name: str) -> str:
    """A file name without its path and without characters that some system refuses."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = re.sub(r"[^\w.() -]", "_", last).strip(" .")[-120:]
    return plain or "photo"


async def receive(workspace: Workspace, batch: str, name: str, parts: AsyncIterator[bytes]) -> Kept:
    """Keep one uploaded file; a ZIP archive is unpacked. Raises UsageFault when it is too large."""
    folder = batch_folder(workspace, batch)
    need_space(workspace.root, 2 * LARGEST_FILE, "this upload")
    is_archive = name.lower().endswith(".zip")
    limit = LARGEST_ARCHIVE if is_archive else LARGEST_FILE
    target = free_path(folder, safe_name(name))
    size = 0
    with replacing(target, mode=0o600) as temporary, temporary.open("wb") as stream:
        async for part in parts:
            size += len(part)
            if size > limit:
                raise UsageFault(f"{safe_name(name)} is larger than {limit // 2**20} MB")
            stream.write(part)
    if not is_archive:
        return Kept(1)
    try:
        return unpack(target, folder)
    finally:
        target.unlink(missing_ok=True)


def unpack(archive: Path, folder: Path) -> Kept:
    """Unpack the files of a ZIP archive under names of our own; bombs, links and encrypted files are refused by a line each."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [entry for entry in opened.infolist() if not entry.is_dir()]
            if len(members) > MOST_FILES:
                raise WorkspaceFault(f"the archive holds {len(members)} files, at most {MOST_FILES} were expected")
            total = sum(entry.file_size for entry in members)
            need_space(folder, total, "this archive")
            if total > 4 * LARGEST_ARCHIVE or total > WORST_RATIO * max(1, archive.stat().st_size):
                raise WorkspaceFault(f"the archive would unpack to {total / 2**20:,.0f} MB: it was refused")
            refused = [line for entry in members if (line := _member_fault(entry))]
            kept = sum(_keep(opened, entry, folder) for entry in members if not _member_fault(entry))
            return Kept(kept, tuple(refused))
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as fault:
        raise WorkspaceFault(f"{archive.name} is no whole ZIP archive: {fault}") from None


def free_path(folder: Path, name: str) -> Path:
    """A path in the folder that nothing uses yet: equal names get a number."""
    stem, suffix = Path(name).stem, Path(name).suffix
    for path in _candidates(folder, stem, suffix):
        if not path.exists():
            return path
    raise WorkspaceFault(f"too many files called {name}")


def _candidates(folder: Path, stem: str, suffix: str) -> Iterator[Path]:
    yield folder / f"{stem}{suffix}"
    for number in range(2, MOST_FILES):
        yield folder / f"{stem}-{number}{suffix}"


def _member_fault(entry: zipfile.ZipInfo) -> str:
    name = safe_name(entry.filename)
    if entry.flag_bits & 1:
        return f"{name}: it is encrypted"
    if (entry.external_attr >> 16) & 0o170000 == 0o120000:
        return f"{name}: it is a link"
    if entry.file_size > LARGEST_FILE:
        return f"{name}: it is larger than {LARGEST_FILE // 2**20} MB"
    return ""


def _keep(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> int:
    target = free_path(folder, safe_name(entry.filename))
    with opened.open(entry) as source, replacing(target, mode=0o600) as temporary, temporary.open("wb") as stream:
        left = entry.file_size
        while piece := source.read(1 << 20):
            left -= len(piece)
            if left < 0:
                raise WorkspaceFault(f"{safe_name(entry.filename)} is larger than its archive says: the archive was refused")
            stream.write(piece)
    return 1
