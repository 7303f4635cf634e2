"""Near-duplicates by a perceptual hash: the same picture saved again, resized, or taken twice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from distort.types.arrays import Pixels

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
    """The hashes of all photos so far."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.places: dict[str, int] = {}
        self.hashes = np.empty(1024, dtype=np.uint64)

    @classmethod
    def of(cls, measures: Mapping[str, Mapping[str, str]]) -> Alike:
        """The hashes that earlier runs noted."""
        made = cls()
        for name, row in measures.items():
            made._append(name, row.get("phash", ""))
        return made

    def add(self, name: str, value: str) -> str:
        """Take a photo in; gives the name of the nearest other photo within `NEAR` bits, or an empty text."""
        if len(value) != 16:
            return ""
        found = ""
        if self.names:
            apart = np.bitwise_count(self.hashes[: len(self.names)] ^ np.uint64(int(value, 16)))
            for place in np.argsort(apart, kind="stable")[:4]:
                if apart[place] <= NEAR and self.names[place] != name:
                    found = self.names[place]
                    break
        self._append(name, value)
        return found

    def _append(self, name: str, value: str) -> None:
        if len(value) != 16:
            return
        if name in self.places:
            self.hashes[self.places[name]] = int(value, 16)
            return
        if len(self.names) == len(self.hashes):
            self.hashes = np.concatenate([self.hashes, np.empty_like(self.hashes)])
        self.hashes[len(self.names)] = int(value, 16)
        self.places[name] = len(self.names)
        self.names.append(name)
