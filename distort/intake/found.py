"""Which files under the given folders are tried as photos, and what each is called here."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workspace.errors import UsageFault

_PASSED_OVER = """avi cfg csv css db doc docx gz htm html ini js json jsonl log lnk m4a md mov mp3 mp4 numbers ods odt pdf ppt pptx
py rar rst rtf sh sqlite tar toml tsv txt url wav xls xlsx xml yaml yml zip"""
NO_PHOTOS = frozenset(f".{ending}" for ending in _PASSED_OVER.split())
"""Endings that are passed over: a photo folder may hold tables, notes and films."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_KINDS = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))


@dataclass(frozen=True)
class Found:
    """A file to try: its absolute path, and its path below the given folder (`/` between parts), for lines and sidecars.

    `fault` says why it isn't even opened; empty for a regular file.
    """

    path: Path
    label: str
    fault: str = ""


def find_photos(given: Sequence[Path], leave: Collection[Path] = ()) -> list[Found]:
    """Every file below the given folders (and every given file), sorted; hidden files and `NO_PHOTOS` are passed over.

    `leave` are folders not to enter. Links that lead out of the given folder, pipes and devices come with a `fault`.
    Raises UsageFault when a given path isn't there.
    """
    found: dict[Path, Found] = {}
    avoid = {path.resolve() for path in leave}
    for place in given:
        if not place.exists():
            raise UsageFault(f"{place} is not there: name a folder of photos, or photos")
        if place.is_dir():
            root = place.resolve()
            for item in _walk(root, root, avoid):
                found.setdefault(item.path, item)
        else:
            path = place.resolve()
            found.setdefault(path, Found(path, path.name, _kind_fault(path.stat().st_mode)))
    return list(found.values())


def _walk(folder: Path, root: Path, avoid: set[Path]) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as fault:
        yield Found(folder, _label(folder, root), f"can't be opened ({fault.strerror})")
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if path not in avoid:
                yield from _walk(path, root, avoid)
        elif entry.is_symlink() or path.suffix.lower() not in NO_PHOTOS:
            item = _entry(path, root)
            if item:
                yield item


def _entry(path: Path, root: Path) -> Found | None:
    label = _label(path, root)
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError:
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


class Names:
    """Names for photos: legal and unequal on every system (no letter case, no reserved word); known ones are kept."""

    def __init__(self, known: dict[str, str], *, keep: bool) -> None:
        """`known`: name -> original path, from `keys.csv`; `keep`: call a photo as its file, else P0001, P0002 ..."""
        self.keep = keep
        self.by_path = {original: name for name, original in known.items()}
        self.taken = {name.casefold() for name in known}
        self.last = max((int(m[1]) for m in (re.fullmatch(r"P(\d+)", name) for name in known) if m), default=0)

    def of(self, item: Found) -> str:
        """The name of a file; the same file always gets the same name."""
        known = self.by_path.get(str(item.path))
        if known:
            return known
        name = self._kept(item) if self.keep else self._next()
        self.by_path[str(item.path)] = name
        self.taken.add(name.casefold())
        return name

    def _next(self) -> str:
        self.last += 1
        return f"P{self.last:04d}"

    def _kept(self, item: Found) -> str:
        stem = legal_name(item.path.stem)
        folder = legal_name(item.path.parent.name)
        for name in (stem, f"{folder}_{stem}"):
            if name.casefold() not in self.taken:
                return name
        count = 2
        while f"{stem}_{count}".casefold() in self.taken:
            count += 1
        return f"{stem}_{count}"


def legal_name(text: str) -> str:
    """A file's stem as a name: letters, digits, `-`, `_` and `.`, at most 80 characters, legal on Windows."""
    plain = unicodedata.normalize("NFC", text)
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in plain).strip("._ ")[:80].rstrip(".")
    if not name or _RESERVED.fullmatch(name):
        return f"photo_{name}".rstrip("_")
    return name
