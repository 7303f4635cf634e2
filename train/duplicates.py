"""Near-duplicates: photos of one scene under two names, found by perceptual hash and confirmed by the pictures' correlation.

Hash: imagehash's pHash (64 bits from the low frequencies of a 32 x 32 DCT). Confirmation: Pearson's correlation of 64 x 64 grey
thumbnails, which a change of brightness or contrast leaves alone. Mirrored, rotated or strongly cropped copies are not found.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from train.datasets.base import LoadedSet
from train.groups import Union
from train.pixels import open_rgb
from workspace.errors import PhotoFault, UsageFault
from workspace.files import replacing

SIDE = 64
BLOCK = 2048
FLAT = 2.0
LEVELS = ("identical", "scene")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Described:
    """A set's thumbnails (N, 64, 64) uint8 grey and hashes (N, 64) bool; `broken` marks images that can't be read."""

    name: str
    files: tuple[str, ...]
    groups: tuple[str, ...]
    thumbs: npt.NDArray[np.uint8]
    hashes: npt.NDArray[np.bool_]
    broken: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.files)


@dataclass(frozen=True)
class Pair:
    """Two images that show the same: `(set, file)` twice, correlation of the thumbnails, differing bits of the hashes."""

    one: tuple[str, str]
    other: tuple[str, str]
    correlation: float
    bits: int


def describe(
    loaded: LoadedSet, cache_dir: Path | None = None, *, jobs: int | None = None, progress: Progress | None = None
) -> Described:
    """Thumbnails and hashes of all images, kept in `cache_dir` under a name made of the files' sizes and times."""
    paths = [Path(p) for p in loaded.table["path"]]
    kept = None if cache_dir is None else cache_dir / "described" / f"{loaded.name}-{_key(paths)}.npz"
    if kept is not None and kept.is_file():
        with np.load(kept) as data:
            thumbs, hashes, broken = data["thumbs"], data["hashes"], data["broken"]
    else:
        thumbs, hashes, broken = _describe(paths, jobs or os.cpu_count() or 1, progress)
        if kept is not None:
            with replacing(kept) as temporary, temporary.open("wb") as stream:
                np.savez_compressed(stream, thumbs=thumbs, hashes=hashes, broken=broken)
    return Described(loaded.name, tuple(loaded.table["file"]), tuple(loaded.table["group"]), thumbs, hashes, broken)


def thumbnail(path: Path | str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Thumbnail (64, 64) and hash (64,) of one image. Raises PhotoFault."""
    import imagehash

    grey = open_rgb(path, at_least=SIDE).convert("L")
    small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX))
    return small, np.asarray(imagehash.phash(grey).hash, np.bool_).ravel()


def same(correlation: float, bits: int, level: str) -> bool:
    """Whether two images count as one. identical: correlation above .995. scene: also 10 bits or fewer and .6 or more.

    On the 1,579 pictures of objects in BIQ2021's subset ss01, looked at pair by pair in samples, `scene` joins the ladders of one
    object (blur, noise, exposure, white balance) and nothing else.
    """
    return correlation > 0.995 or (level == "scene" and bits <= 10 and correlation >= 0.6)


def pairs(described: Sequence[Described], level: str = "scene") -> Iterator[Pair]:
    """All pairs of near-duplicates within and across sets, without those that are in one group anyway."""
    if level not in LEVELS:
        raise UsageFault(f"level {level!r} of duplicates: expected {' or '.join(LEVELS)}")
    names = [(d.name, file) for d in described for file in d.files]
    groups = pd.factorize(pd.Series([f"{d.name}|{g}" for d in described for g in d.groups]))[0]
    signs, coarse, fine, usable = _features(described)
    for start in range(0, len(names), BLOCK):
        rows = slice(start, start + BLOCK)
        bits = np.rint((64 - signs[rows] @ signs[start:].T) / 2)
        close = (bits <= 10) if level == "scene" else np.zeros(bits.shape, np.bool_)
        close |= coarse[rows] @ coarse[start:].T > 0.97
        close &= groups[rows][:, None] != groups[start:][None, :]
        close &= usable[rows][:, None] & usable[start:][None, :]
        for a, b in np.argwhere(np.triu(close, 1)):
            one, other = start + int(a), start + int(b)
            correlation = float(fine(one) @ fine(other))
            if same(correlation, int(bits[a, b]), level):
                yield Pair(names[one], names[other], correlation, int(bits[a, b]))


def clusters(found: Sequence[Pair]) -> pd.DataFrame:
    """Columns set, file, cluster: pairs joined into clusters, named after their first member."""
    union = Union()
    for pair in found:
        union.join(pair.one, pair.other)
    members = sorted({member for pair in found for member in (pair.one, pair.other)})
    roots = [union.find(member) for member in members]
    first: dict[object, str] = {}
    for member, root in zip(members, roots, strict=True):
        first.setdefault(root, "/".join(member))
    table = [(name, file, first[root]) for (name, file), root in zip(members, roots, strict=True)]
    return pd.DataFrame(table, columns=["set", "file", "cluster"])


def centred(thumbs: npt.NDArray[np.uint8], side: int = SIDE) -> npt.NDArray[np.float32]:
    """Thumbnails averaged to side x side, without mean, of length 1: products of two are correlations (flat ones stay near 0)."""
    step = SIDE // side
    small = thumbs.reshape(len(thumbs), side, step, side, step).mean((2, 4), dtype=np.float32).reshape(len(thumbs), -1)
    small -= small.mean(1, keepdims=True)
    length = np.linalg.norm(small, axis=1, keepdims=True)
    return np.asarray(small / np.maximum(length, 1e-3), np.float32)


def _features(
    described: Sequence[Described],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], Callable[[int], npt.NDArray[np.float32]], npt.NDArray[np.bool_]]:
    """Hashes as +-1 (N, 64), coarse thumbnails (N, 256), fine ones by row on demand, and which rows say anything at all."""
    thumbs = np.concatenate([d.thumbs for d in described])
    signs = 2 * np.concatenate([d.hashes for d in described]).astype(np.float32) - 1
    usable = ~np.concatenate([d.broken for d in described])
    usable &= np.concatenate([d.thumbs.reshape(len(d), -1).std(1) >= FLAT for d in described])
    return signs, centred(thumbs, 16), lambda row: centred(thumbs[row : row + 1])[0], usable


def _describe(
    paths: list[Path], jobs: int, progress: Progress | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    thumbs = np.zeros((len(paths), SIDE, SIDE), np.uint8)
    hashes = np.zeros((len(paths), 64), np.bool_)
    broken = np.zeros(len(paths), np.bool_)

    def one(row: int) -> None:
        try:
            thumbs[row], hashes[row] = thumbnail(paths[row])
        except PhotoFault:
            broken[row] = True

    with ThreadPoolExecutor(jobs) as pool:
        for done, _ in enumerate(pool.map(one, range(len(paths))), start=1):
            if progress:
                progress(done, len(paths))
    return thumbs, hashes, broken


def _key(paths: list[Path]) -> str:
    lines = []
    for path in paths:
        try:
            status = path.stat()
            lines.append(f"{path} {status.st_size} {status.st_mtime_ns}")
        except OSError:
            lines.append(f"{path} missing")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
