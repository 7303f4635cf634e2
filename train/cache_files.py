"""What a cache folder consists of: a journal of its rows, and for each view one file of raw or of losslessly packed images."""

from __future__ import annotations

import csv
import io
import os
import zlib
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from train.pixels import Pixels
from workspace.errors import DatasetFault

STALE = "-"


@dataclass(frozen=True)
class Entry:
    """One row: the source's size, time and SHA-256, and for either view where its bytes lie and their CRC-32."""

    row: int
    size: int
    mtime_ns: int
    sha256: str
    train_at: int = 0
    train_bytes: int = 0
    train_crc: int = 0
    eval_at: int = 0
    eval_bytes: int = 0
    eval_crc: int = 0

    def untouched(self, path: Path) -> bool:
        """Whether the source still has the size and time that it had when it was read."""
        try:
            now = path.stat()
        except OSError:
            return False
        return self.sha256 != STALE and (now.st_size, now.st_mtime_ns) == (self.size, self.mtime_ns)

    def place(self, view: str) -> tuple[int, int, int]:
        """Offset, length and CRC-32 of the view `train` or `eval`."""
        if view == "train":
            return self.train_at, self.train_bytes, self.train_crc
        return self.eval_at, self.eval_bytes, self.eval_crc


class Journal:
    """`index.csv`: one line per row written, later lines win; only ever appended to, so a kill loses at most its last line."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "index.csv"

    def read(self) -> dict[int, Entry]:
        """The newest entry of each row; a torn last line is left out."""
        entries: dict[int, Entry] = {}
        if not self.path.exists():
            return entries
        with self.path.open(newline="", encoding="ascii", errors="replace") as stream:
            for cells in csv.reader(stream):
                if len(cells) == len(fields(Entry)) + 1 and cells[-1] == "ok":
                    values = [
                        cell if field.name == "sha256" else int(cell) for cell, field in zip(cells, fields(Entry), strict=False)
                    ]
                    entry = Entry(*values)  # type: ignore[arg-type]
                    entries[entry.row] = entry
        return entries

    def append(self, entry: Entry) -> None:
        """Add one line and hand it to the system."""
        torn = self.path.exists() and self.path.stat().st_size and not self._ends_a_line()
        with self.path.open("a", newline="", encoding="ascii") as stream:
            if torn:
                stream.write("\n")
            csv.writer(stream, lineterminator="\n").writerow([*astuple(entry), "ok"])

    def _ends_a_line(self) -> bool:
        with self.path.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) == b"\n"


class View(Protocol):
    """N square images: `shape` is (N, side, side, 3); an index gives one of them, uint8 RGB."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, side, side, 3)."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> Pixels: ...


class PackedView:
    """A view whose images lie as lossless WebP one after another; each index decodes one."""

    def __init__(self, path: Path, side: int, places: list[tuple[int, int, int]]) -> None:
        self.path, self.side, self.places = path, side, places
        self.bytes = np.memmap(path, np.uint8, mode="r")

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, side, side, 3)."""
        return (len(self.places), self.side, self.side, 3)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, row: int) -> Pixels:
        at, length, _ = self.places[row]
        return unpack(self.bytes[at : at + length])

    def __reduce__(self) -> tuple[type[PackedView], tuple[Path, int, list[tuple[int, int, int]]]]:
        return PackedView, (self.path, self.side, self.places)


class Store:
    """The file of one view while it is written."""

    def __init__(self, folder: Path, view: str, side: int, images: int, *, packed: bool) -> None:
        self.path = folder / f"{view}.{'webp' if packed else 'u8'}"
        self.side, self.images, self.packed = side, images, packed
        self.each = side * side * 3
        if not self.path.exists():
            with self.path.open("wb") as stream:
                stream.truncate(0 if packed else self.each * images)

    def write(self, row: int, stored: bytes) -> tuple[int, int, int]:
        """Put one image's bytes at their place (raw) or at the end (packed). Returns offset, length, CRC-32."""
        with self.path.open("r+b") as stream:
            at = stream.seek(0, os.SEEK_END) if self.packed else stream.seek(row * self.each)
            stream.write(stored)
        return at, len(stored), zlib.crc32(stored)

    def view(self, places: list[tuple[int, int, int]]) -> View:
        """The file memory-mapped, read only. Raises DatasetFault when it was cut short."""
        needed = max((at + length for at, length, _ in places), default=0)
        if not self.path.exists() or self.path.stat().st_size < needed:
            raise DatasetFault(
                f"{self.path} was cut short (expected at least {needed:,} bytes): delete the folder to build it again"
            )
        if self.packed:
            return PackedView(self.path, self.side, places)
        return np.memmap(self.path, np.uint8, mode="r", shape=(self.images, self.side, self.side, 3))

    def faults(self, places: list[tuple[int, int, int]]) -> list[int]:
        """Rows whose stored bytes no longer have their CRC-32."""
        data = np.memmap(self.path, np.uint8, mode="r")
        return [row for row, (at, length, crc) in enumerate(places) if zlib.crc32(data[at : at + length].tobytes()) != crc]


def pack(image: Pixels) -> bytes:
    """A uint8 RGB image as lossless WebP: a quarter to a third of its size, decoded in 1 ms (252 px) to 3 ms (504 px)."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "WEBP", lossless=True, quality=0, method=0)
    return stream.getvalue()


def unpack(stored: Pixels) -> Pixels:
    """The image of `pack`, bit for bit."""
    import cv2

    decoded = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    if decoded is None:
        raise DatasetFault("a packed image of a cache can't be decoded: delete the cache's folder to build it again")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))
