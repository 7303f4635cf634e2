"""Near-duplicates by a perceptual hash: the same picture saved again, resized, or taken twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from distort.types.arrays import Pixels
from workspace.scratch import scratch

NEAR = 6
"""Photos whose 64-bit hashes differ in at most so many bits are near-duplicates."""


def phash(rgb: Pixels) -> str:
    """The 64-bit perceptual hash as 16 hex digits: signs of the 8 x 8 lowest cosine frequencies of a 32 x 32 grey thumbnail."""
    import cv2

    small = cv2.resize(rgb, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = small @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    low = cv2.dct(grey)[:8, :8].ravel()
    bits = low > np.median(low)
    return np.packbits(bits).tobytes().hex()


class Alike:
    """The hashes of all photos so far in one array of 8 bytes each; their names lie on the disk."""

    def __init__(self) -> None:
        self.names = scratch("CREATE TABLE names (place INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        self.count = 0
        self.hashes = np.empty(1024, dtype=np.uint64)

    @classmethod
    def of(cls, measures: Iterable[Mapping[str, str]]) -> Alike:
        """The hashes that earlier runs noted, from rows with `pristine` and `phash`."""
        made = cls()
        for row in measures:
            made._append(row["pristine"], row.get("phash", ""))
        return made

    def add(self, name: str, value: str) -> str:
        """Take a photo in; gives the name of the nearest other photo within `NEAR` bits, or an empty text."""
        if len(value) != 16:
            return ""
        apart = np.bitwise_count(self.hashes[: self.count] ^ np.uint64(int(value, 16)))
        near = np.flatnonzero(apart <= NEAR)
        twins = (self._name(int(place)) for place in near[np.argsort(apart[near], kind="stable")])
        found = next((twin for twin in twins if twin != name), "")
        self._append(name, value)
        return found

    def _name(self, place: int) -> str:
        return str(self.names.execute("SELECT name FROM names WHERE place = ?", (place,)).fetchone()[0])

    def _append(self, name: str, value: str) -> None:
        if len(value) != 16:
            return
        known = self.names.execute("SELECT place FROM names WHERE name = ?", (name,)).fetchone()
        if known:
            self.hashes[known[0]] = int(value, 16)
            return
        if self.count == len(self.hashes):
            self.hashes = np.concatenate([self.hashes, np.empty_like(self.hashes)])
        self.hashes[self.count] = int(value, 16)
        self.names.execute("INSERT INTO names VALUES (?, ?)", (self.count, name))
        self.count += 1
