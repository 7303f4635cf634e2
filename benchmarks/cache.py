"""How much faster the cache is than the files: images per second from either and from the packed form, at 224 and 448 px.

    python -m benchmarks.cache FOLDER [--quick]

FOLDER holds photos (or folders of them). One thread reads; its processor time is counted, so that other work on the
machine does not. The cache lies in a temporary folder and is warm, as in every epoch after the first. The training view is
cropped and mirrored at random, as in training.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from train.cache import Cache, open_cache
from train.data import Part, Pool, TrainImages
from train.datasets import LoadedSet, load
from train.pixels import open_rgb, square, train_side


def photos_as_set(folder: Path, place: Path, limit: int) -> LoadedSet:
    """The photos of a folder as a custom set with a made-up score."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(limit, len(files))).astype(int)]
    (place / "images").mkdir()
    rows = ["file,score"]
    for number, path in enumerate(chosen):
        name = f"{number:05d}{path.suffix.lower()}"
        (place / "images" / name).symlink_to(path.resolve())
        rows.append(f"{name},5")
    (place / "scores.csv").write_text("\n".join(rows) + "\n")
    return load("custom", place, low=1, high=10)


def per_second(read: Callable[[], int], seconds: float) -> float:
    """Images per second of processor time of a function that reads some and returns how many: the best of three turns."""
    read()
    best = 0.0
    for _ in range(3):
        start, count = time.process_time(), 0
        while time.process_time() - start < seconds / 3:
            count += read()
        best = max(best, count / (time.process_time() - start))
    return best


def opening(one: LoadedSet, batch: int) -> Callable[[], int]:
    """Decoding alone: a batch of files to RGB at full size, nothing resized."""
    rng = np.random.default_rng(0)
    paths = one.table["path"].tolist()

    def read() -> int:
        for row in rng.integers(0, len(paths), batch):
            open_rgb(paths[row])
        return batch

    return read


def from_files(one: LoadedSet, size: int, batch: int) -> Callable[[], int]:
    """A batch from the files: decode whole, resize to the training side, crop, as without a cache."""
    rng = np.random.default_rng(0)
    paths = one.table["path"].tolist()
    side = train_side(size)

    def read() -> int:
        out = np.empty((batch, size, size, 3), np.uint8)
        for place, row in enumerate(rng.integers(0, len(paths), batch)):
            image = square(open_rgb(paths[row]), side, "shorter_side")
            top, left = rng.integers(0, side - size + 1, 2)
            out[place] = image[top : top + size, left : left + size]
        return batch

    return read


def loading(cache: Cache, batch: int) -> Callable[[], int]:
    """A batch from the cache by the training's own code."""
    rng = np.random.default_rng(0)
    count = len(cache)
    ones = np.ones(count)
    images = TrainImages(Pool([Part("photos", cache, np.arange(count), ones, ones, [""] * count)]), 0)
    epochs = iter(range(10**9))

    def read() -> int:
        epoch = next(epochs)
        return len(images.__getitems__([(int(sample), 0, epoch) for sample in rng.integers(0, count, batch)]))

    return read


def main() -> None:
    """Measure and print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path)
    words.add_argument("--quick", action="store_true", help="fewer images, one second per figure")
    said = words.parse_args()
    limit, seconds = (120, 1.0) if said.quick else (800, 6.0)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "set").mkdir()
        one = photos_as_set(said.folder, place / "set", limit)
        sizes = [open_rgb(path).size for path in one.table["path"].tolist()[:50]]
        print(f"{len(one)} photos, for example {sizes[0][0]}x{sizes[0][1]}; batches of 32, one thread, its processor time")
        opened = per_second(opening(one, 32), seconds)
        print(f"decoding alone, nothing resized: {opened:.0f}/s")
        print(
            f"{'input':>6} {'from files':>10} {'cache':>10} {'times':>7} {'packed':>10} {'times':>7} {'MB raw':>8} {'MB packed':>10}"
        )
        for size in (224, 448):
            slow = per_second(from_files(one, size, 32), seconds)
            rates, megabytes = [], []
            for packed in (False, True):
                cache = open_cache(one, size, cache_dir=place / "cache", packed=packed)
                rates.append(per_second(loading(cache, 32), seconds))
                megabytes.append(sum(p.stat().st_size for p in cache.folder.iterdir()) / 1e6)
            print(
                f"{size:>6} {slow:>8.0f}/s {rates[0]:>8.0f}/s {rates[0] / slow:>7.1f} {rates[1]:>8.0f}/s {rates[1] / slow:>7.1f} "
                f"{megabytes[0]:>8.1f} {megabytes[1]:>10.1f}"
            )


if __name__ == "__main__":
    main()
