"""Which files under the given folders are tried as photos."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workspace.errors import UsageFault

_PASSED_OVER = """avi cfg csv css db doc docx gz htm html ini js json jsonl log lnk m4a md mov mp3 mp4 numbers ods odt pdf ppt pptx
py rar rst rtf sh sqlite tar toml tsv txt url wav xls xlsx xml yaml yml zip"""
NO_PHOTOS = frozenset(f".{ending}" for ending in _PASSED_OVER.split())
"""Endings that are passed over: a photo folder may hold tables, notes and films."""

_KINDS = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))


@dataclass(frozen=True)
class Found:
    """A file to try: its absolute path, and its path below the given folder (`/` between parts), for lines and sidecars.

    `fault` says why it isn't even opened; empty for a regular file.
    """

    path: Path
    label: str
    fault: str = ""


def find_photos(given: Sequence[Path], leave: Collection[Path] = ()) -> Iterator[Found]:
    """Every file below the given folders (and every given file), sorted; hidden files and `NO_PHOTOS` are passed over.

    `leave` are folders not to enter. Links that lead out of the given folder, pipes and devices come with a `fault`. A file that
    two of the given paths hold comes twice. Raises UsageFault, before the first file, when a given path isn't there.
    """
    for place in given:
        if not place.exists():
            raise UsageFault(f"{place} is not there: name a folder of photos, or photos")
    return _all(given, {path.resolve() for path in leave})


def _all(given: Sequence[Path], avoid: set[Path]) -> Iterator[Found]:
    for place in given:
        path = place.resolve()
        if path.is_dir():
            yield from _walk(path, path, avoid)
        else:
            yield Found(path, path.name, _kind_fault(path.stat().st_mode))


def _walk(folder: Path, root: Path, avoid: set[Path]) -> Iterator[Found]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as fault:
        yield Found(folder, _label(folder, root), f"can't be opened ({fault.strerror})")
        return
    for name in names:
        path = folder / name
        if name.startswith("."):
            continue
        mode = _mode(path)
        if stat.S_ISDIR(mode) and _is_text(name):
            if path not in avoid:
                yield from _walk(path, root, avoid)
        elif stat.S_ISDIR(mode) or stat.S_ISLNK(mode) or path.suffix.lower() not in NO_PHOTOS:
            item = _entry(path, root)
            if item:
                yield item


def _mode(path: Path) -> int:
    """What kind of entry it is, links not followed; 0 when it has gone meanwhile."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _entry(path: Path, root: Path) -> Found | None:
    label = _label(path, root)
    if not _is_text(path.name):
        return Found(path, label, "its name is not valid UTF-8: rename it")
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return Found(path, label, "a link that leads nowhere")
        if not target.is_relative_to(root):
            return Found(path, label, "a link out of the folder: copy the photo itself into it")
        if target.is_dir() or target.suffix.lower() in NO_PHOTOS:
            return None
    return Found(path, label, _kind_fault(path.stat().st_mode))


def _kind_fault(mode: int) -> str:
    for test, word in _KINDS:
        if test(mode):
            return f"{word}, not a file"
    return ""


def _label(path: Path, root: Path) -> str:
    text = path.relative_to(root).as_posix() if path != root else path.name
    return "".join(c if c.isprintable() else "?" for c in text)
