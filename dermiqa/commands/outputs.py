"""Where a verb writes: looked at before the work begins, so that no work is lost to a wrong name and no photo is written over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from workspace.errors import UsageFault


def check_files(named: Mapping[str, Path | None], photos: Iterable[Path] = ()) -> None:
    """Raises UsageFault where an option's file (None: not asked for) has no name, is a folder, one of the photos that are read,
    the file of another option, or lies where nothing can be written. Missing folders are made."""
    taken = {_place(photo) for photo in photos}
    seen: dict[str, str] = {}
    for option, path in named.items():
        if path is None:
            continue
        if str(path) in (".", "-") or path.is_dir():
            raise UsageFault(f"{option} {str(path)!r} is no file name: name a file to write")
        place = _place(path)
        if place in taken:
            raise UsageFault(f"{option} {path} is one of the photos: name another file, it would be written over")
        if place in seen:
            raise UsageFault(f"{seen[place]} and {option} both name {path}: name two files")
        seen[place] = option
        _make(option, path.parent)


def check_folder(option: str, path: Path | None) -> None:
    """Raises UsageFault where an option's folder (None: not asked for) has no name, is a file, or can't be made or written."""
    if path is None:
        return
    if str(path) in (".", "-"):
        raise UsageFault(f"{option} {str(path)!r} is no folder's name: name a folder to write into")
    _make(option, path)


def _place(path: Path) -> str:
    return os.path.realpath(path)


def _make(option: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise UsageFault(f"{option}: folder {folder} can't be made ({fault.strerror})") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageFault(f"{option}: nothing can be written into {folder}")
