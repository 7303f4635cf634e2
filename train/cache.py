"""A set decoded and resized once, memory-mapped: a training view at 1.125 x the input, an evaluation view at the input size."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from train.cache_files import STALE, Entry, Journal, Store, View, pack
from train.datasets.base import LoadedSet
from train.pixels import RESIZES, open_rgb, square, train_side
from workspace.errors import DatasetFault, PhotoFault, UsageFault
from workspace.files import lock, need_space, sha256_bytes, write_json

FORM = 1
PACKED_SHARE = 0.42
VIEWS = ("train", "eval")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Cache:
    """Both views of one set, uint8 RGB: `train_view` (N, S', S', 3), `eval_view` (N, S, S, 3); row i as in the set's table."""

    folder: Path
    input_size: int
    resize: str
    train_view: View
    eval_view: View

    def __len__(self) -> int:
        return len(self.eval_view)


@dataclass(frozen=True)
class _Made:
    """One row's entry and its bytes per view; no bytes when only the file's time had changed."""

    entry: Entry
    stored: dict[str, bytes] = field(default_factory=dict)


def default_cache_dir() -> Path:
    """`DERMIQA_CACHE`, else `XDG_CACHE_HOME/dermiqa`, else `~/.cache/dermiqa`."""
    said = os.environ.get("DERMIQA_CACHE")
    return Path(said) if said else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dermiqa"


def estimate(images: int, input_size: int, *, packed: bool = False) -> int:
    """Bytes that the cache of so many images takes; the packed form is estimated from photographs (a quarter to a third)."""
    raw = images * 3 * (train_side(input_size) ** 2 + input_size**2)
    return int(raw * PACKED_SHARE) if packed else raw


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk that holds (or will hold) a folder."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def cache_folder(loaded: LoadedSet, input_size: int, resize: str, cache_dir: Path, *, packed: bool = False) -> Path:
    """Where a set's cache lies: named after set, size, resize, and a hash of its file list."""
    listed = hashlib.sha256("\n".join([str(FORM), str(loaded.folder), *loaded.table["file"]]).encode()).hexdigest()[:12]
    return cache_dir / f"{loaded.name}-{input_size}-{resize}{'-packed' if packed else ''}-{listed}"


def open_cache(
    loaded: LoadedSet,
    input_size: int,
    resize: str = "shorter_side",
    cache_dir: Path | None = None,
    *,
    packed: bool | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Cache:
    """The set's cache, built or brought up to date first; `progress(done, total)` is called for every image built.

    `packed` chooses the losslessly packed form; None takes the form that is there already, else the raw one.

    A killed build goes on where it stopped; an image whose bytes changed is rebuilt. Raises WorkspaceFault when the disk is too
    small or another process builds it, DatasetFault naming the images that can't be read.
    """
    if resize not in RESIZES:
        raise UsageFault(f"resize {resize!r}: expected {', '.join(RESIZES)}")
    if not 16 <= input_size <= 4096:
        raise UsageFault(f"input size {input_size}: expected 16 to 4096 pixels")
    builder = _builder(loaded, input_size, resize, cache_dir, packed, jobs)
    folder = builder.folder
    if not folder.is_dir() or builder.stale():
        with lock(folder.parent, folder.name, doing="building a cache", wait=0):
            builder.build(progress)
    return builder.opened()


def damaged(
    loaded: LoadedSet, input_size: int, resize: str = "shorter_side", cache_dir: Path | None = None, *, packed: bool | None = None
) -> list[str]:
    """Files whose pixels in the cache are no longer those that were written (CRC-32 of every image of both views)."""
    return _builder(loaded, input_size, resize, cache_dir, packed, 1).damaged()


def _builder(
    loaded: LoadedSet, input_size: int, resize: str, cache_dir: Path | None, packed: bool | None, jobs: int | None
) -> _Builder:
    place = cache_dir or default_cache_dir()
    forms = {form: cache_folder(loaded, input_size, resize, place, packed=form) for form in (False, True)}
    if packed is None:
        packed = forms[True].is_dir() and not forms[False].is_dir()
    return _Builder(loaded, forms[packed], input_size, resize, packed, jobs or os.cpu_count() or 1)


class _Builder:
    """The work of one cache folder: which rows are out of date, and making them."""

    def __init__(self, loaded: LoadedSet, folder: Path, input_size: int, resize: str, packed: bool, jobs: int) -> None:
        self.loaded, self.folder, self.resize, self.packed, self.jobs = loaded, folder, resize, packed, jobs
        self.input_size = input_size
        self.sides = {"train": train_side(input_size), "eval": input_size}
        self.paths = [Path(p) for p in loaded.table["path"]]

    @property
    def place(self) -> Path:
        """The folder in use: the final one, or the hidden one of a build that is not finished."""
        return self.folder if self.folder.is_dir() else self.folder.with_name(f".{self.folder.name}.part")

    def stale(self) -> list[int]:
        """Rows that were never built, or whose file no longer has the size and time it was built from."""
        entries = Journal(self.place).read()
        return [row for row, path in enumerate(self.paths) if row not in entries or not entries[row].untouched(path)]

    def stores(self) -> dict[str, Store]:
        """The files of both views."""
        return {v: Store(self.place, v, self.sides[v], len(self.paths), packed=self.packed) for v in VIEWS}

    def build(self, progress: Progress | None) -> None:
        """Make every stale row, then give the folder its final name."""
        place, rows = self.place, self.stale()
        what = f"the cache of {self.loaded.title} at {self.input_size} px"
        need_space(place, estimate(len(rows), self.input_size, packed=self.packed), what)
        place.mkdir(parents=True, exist_ok=True)
        journal, stores, broken = Journal(place), self.stores(), []
        entries = journal.read()
        for done, made in enumerate(self._made(rows, entries), start=1):
            if isinstance(made, PhotoFault):
                broken.append(str(made))
            else:
                self._keep(made, entries, journal, stores)
            if progress:
                progress(done, len(rows))
        if broken:
            more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
            raise DatasetFault(f"{what}: {broken[0]}{more}; `dermiqa dataset check` lists them")
        if place != self.folder:
            about = {"form": FORM, "set": self.loaded.name, "images": len(self.paths), "resize": self.resize, **self.sides}
            write_json(place / "cache.json", {**about, "packed": self.packed})
            place.rename(self.folder)

    def _keep(self, made: _Made, entries: dict[int, Entry], journal: Journal, stores: dict[str, Store]) -> None:
        row, entry = made.entry.row, made.entry
        if made.stored:
            if row in entries:
                journal.append(replace(entries[row], sha256=STALE))
            at, length, crc = stores["train"].write(row, made.stored["train"])
            entry = replace(entry, train_at=at, train_bytes=length, train_crc=crc)
            at, length, crc = stores["eval"].write(row, made.stored["eval"])
            entry = replace(entry, eval_at=at, eval_bytes=length, eval_crc=crc)
        journal.append(entry)

    def _made(self, rows: list[int], entries: dict[int, Entry]) -> Iterator[_Made | PhotoFault]:
        """The rows' images in order, decoded by `jobs` threads (Pillow frees the interpreter's lock), few in memory at a time."""
        waiting: deque[Future[_Made | PhotoFault]] = deque()
        with ThreadPoolExecutor(self.jobs) as pool:
            for row in rows:
                waiting.append(pool.submit(self._make, row, entries.get(row)))
                if len(waiting) >= 4 * self.jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _make(self, row: int, before: Entry | None) -> _Made | PhotoFault:
        path = self.paths[row]
        try:
            status, data = path.stat(), path.read_bytes()
            entry = Entry(row, status.st_size, status.st_mtime_ns, sha256_bytes(data))
            if before is not None and before.sha256 == entry.sha256:
                return _Made(replace(before, size=entry.size, mtime_ns=entry.mtime_ns), {})
            image = open_rgb(io.BytesIO(data), at_least=self.sides["train"], name=str(path))
            views = {view: square(image, side, self.resize) for view, side in self.sides.items()}
        except PhotoFault as fault:
            return fault
        except OSError as fault:
            return PhotoFault(f"{path} can't be read: {fault.strerror}")
        return _Made(entry, {v: pack(pixels) if self.packed else pixels.tobytes() for v, pixels in views.items()})

    def opened(self) -> Cache:
        """Both views, memory-mapped."""
        entries = Journal(self.folder).read()
        stores = self.stores()
        views = {v: stores[v].view([entries[row].place(v) for row in range(len(self.paths))]) for v in VIEWS}
        return Cache(self.folder, self.input_size, self.resize, views["train"], views["eval"])

    def damaged(self) -> list[str]:
        """Files whose stored pixels changed since they were written."""
        entries, stores = Journal(self.folder).read(), self.stores()
        rows = {row for v in VIEWS for row in stores[v].faults([entries[r].place(v) for r in range(len(self.paths))])}
        return [self.loaded.table["file"].iloc[row] for row in sorted(rows)]
