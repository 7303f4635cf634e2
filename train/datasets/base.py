"""What every public set states about itself, and the pieces its reader is made of."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from workspace.errors import DatasetFault

PARTS = ("train", "val", "test")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
DEPTH = 4


@dataclass(frozen=True)
class Facts:
    """One set in numbers and words: `extremes` and `count` of the published label file, `low` and `high` of its nominal scale.

    `files` and `folders`: spellings of the label file and of the image folder, the preferred one first. `role`: split, test or
    train_val (train.splits.ROLES). `sizes`: published image sizes. `digests`: beginnings of `labels_digest` of known releases.
    `unscored`: pattern of images that belong to the set without a score. `options`: what its reader takes, with allowed values.
    """

    name: str
    title: str
    distortion: str
    low: float
    high: float
    extremes: tuple[float, float] | None
    count: int | None
    files: tuple[str, ...]
    folders: tuple[str, ...]
    score: str
    sd: str
    group: str
    licence: str
    citation: str
    address: str
    better: str = "higher"
    role: str = "split"
    paper_count: int | None = None
    sizes: tuple[tuple[int, int], ...] = ()
    digests: tuple[str, ...] = ()
    unscored: str = ""
    official: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rank: int = 99


@dataclass(frozen=True)
class Labels:
    """What a reader returns: `frame` with file, score, group, sd and more; the image folder; the scale that `score` is on."""

    frame: pd.DataFrame
    folder: Path
    low: float
    high: float
    better: str = "higher"
    simulated: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadedSet:
    """A set ready for splits, cache and training.

    `table` is sorted by file and holds file (relative to `folder`), path, score (the set's own scale), score10 (on [1, 10]),
    group, sd (nan where unknown), official (train, val, test or empty) and the set's extra label columns.
    """

    name: str
    facts: Facts
    root: Path
    folder: Path
    table: pd.DataFrame
    low: float
    high: float
    scale: str = "nominal"
    simulated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name that tables print: the set's own, or the user's name of a custom or dermiqa folder."""
        return self.facts.title if self.name == self.facts.name else self.name

    def digest(self) -> str:
        """SHA-256 over the sorted files and their scores: tells whether two copies hold the same labels (`labels_digest`)."""
        return labels_digest(self.table["file"].tolist(), self.table["score"].tolist())

    def __len__(self) -> int:
        return len(self.table)


def labels_digest(files: Sequence[str], scores: Sequence[float]) -> str:
    """SHA-256 over `name score` lines, sorted, the name without folders in lower case, the score to 2 decimals (4 on [0, 1])."""
    digits = 4 if max(scores, default=0.0) <= 1.0 else 2
    lines = sorted(f"{name.rsplit('/', 1)[-1].lower()} {score:.{digits}f}" for name, score in zip(files, scores, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def walk(root: Path, depth: int = DEPTH) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Folders below `root`, nearest first, with their folder and file names; leaves out hidden ones and `__MACOSX`."""
    level = [root]
    for _ in range(depth + 1):
        below: list[Path] = []
        for folder in level:
            try:
                entries = sorted(os.scandir(folder), key=lambda e: e.name)
            except (NotADirectoryError, FileNotFoundError, PermissionError):
                continue
            seen = [e for e in entries if not e.name.startswith(".") and e.name != "__MACOSX"]
            folders = [e.name for e in seen if e.is_dir()]
            yield folder, folders, [e.name for e in seen if e.is_file()]
            below += [folder / name for name in folders]
        level = below


def find_file(root: Path, names: Sequence[str]) -> Path | None:
    """The file nearest to `root` that bears one of these names in any case; earlier names win over nearness."""
    best: dict[str, Path] = {}
    wanted = {name.lower() for name in names}
    for folder, _, files in walk(root):
        for name in files:
            if name.lower() in wanted:
                best.setdefault(name.lower(), folder / name)
    return next((best[name.lower()] for name in names if name.lower() in best), None)


def need_file(root: Path, names: Sequence[str], title: str) -> Path:
    """As `find_file`. Raises DatasetFault naming what is missing and which other set the folder seems to hold."""
    if not root.is_dir():
        raise DatasetFault(f"{root} is not a folder: give the folder of {title} as downloaded")
    found = find_file(root, names)
    if found is None:
        from train.datasets import recognise

        other = recognise(root)
        seems = f"; it looks like {other}" if other and other != title else ""
        raise DatasetFault(f"{root} holds no {names[0]!r}, the scores of {title}{seems}: give the folder as downloaded")
    return found


def find_folder(root: Path, names: Sequence[str], samples: Sequence[str]) -> Path:
    """The image folder: bears one of `names` (earlier wins) and holds one of the `samples`; else any folder that holds one.

    Falls back to the first name below `root`, so that labels can be read without images.
    """
    wanted = {sample.lower() for sample in samples}
    rank = {name.lower(): i for i, name in enumerate(names)}
    holding: list[tuple[int, int, Path]] = []
    for number, (folder, _, files) in enumerate(walk(root)):
        if any(name.lower() in wanted for name in files):
            holding.append((rank.get(folder.name.lower(), len(rank)), number, folder))
    if holding:
        return min(holding)[2]
    for name in names:
        if (root / name).is_dir():
            return root / name
    return root / names[0] if names else root


def index_images(folder: Path) -> dict[str, str]:
    """Lower-case path relative to `folder` -> the path as the disk spells it, of every image file below it."""
    found: dict[str, str] = {}
    for place, _, files in walk(folder):
        prefix = "" if place == folder else place.relative_to(folder).as_posix() + "/"
        for name in files:
            if name.lower().endswith(IMAGE_SUFFIXES):
                found[(prefix + name).lower()] = prefix + name
    return found


def read_csv(path: Path, columns: Sequence[str], title: str, **options: Any) -> pd.DataFrame:
    """A label file as a frame. Raises DatasetFault naming a missing column or an unreadable file."""
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", **options)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        raise DatasetFault(f"{path} is not {title}'s table: {str(fault).splitlines()[0]}") from None
    frame.columns = [str(c).strip() for c in frame.columns]
    return need_columns(frame, columns, path, title)


def need_columns(frame: pd.DataFrame, columns: Sequence[str], path: Path, title: str) -> pd.DataFrame:
    """The frame itself. Raises DatasetFault when a column is missing."""
    for column in columns:
        if column not in frame.columns:
            seen = ", ".join(str(c) for c in frame.columns[:8])
            raise DatasetFault(f"{path} has no column {column!r} (it has: {seen}): is it {title}'s own table?")
    return frame


def need_pattern(files: pd.Series, pattern: str, path: Path, title: str) -> None:
    """Raise DatasetFault naming the first file name that is not one of this set's."""
    bad = [str(name) for name in files if not re.fullmatch(pattern, str(name))]
    if bad:
        raise DatasetFault(f"{path} names {bad[0]!r} ({len(bad)} such rows), which is no image name of {title}: wrong table?")
