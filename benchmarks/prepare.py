"""Preparing a 12 MP JPEG beside OpenCV: `python -m benchmarks.prepare [PHOTO] [--quick] [--stream N]`.

Without PHOTO a 12 MP JPEG is made from the photos that ship with the package. `--stream N` prepares N small photos instead and
prints the memory of the parent and of its worker as the run goes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
from PIL import Image

from distort import png
from distort.intake.judge import judge
from distort.intake.one import Task, prepare_one, pristine
from distort.intake.prepare import prepare
from distort.intake.read import read_photo
from distort.intake.shape import Edits
from workspace.settings import create

SIDE = 512
PHOTOS = Path(__file__).resolve().parent.parent / "dermiqa" / "demo_photos"


def large_photo(folder: Path) -> Path:
    """A JPEG of 4032 x 3024 pixels with fine texture, quality 95, orientation 6."""
    base = Image.open(PHOTOS / "poison_oak_arm.jpg").convert("RGB").resize((4032, 3024), Image.Resampling.BICUBIC)
    grain = np.random.RandomState(0).normal(0, 6, (3024, 4032, 1))
    exif = Image.Exif()
    exif[274] = 6
    path = folder / "large.jpg"
    Image.fromarray(np.clip(np.asarray(base) + grain, 0, 255).astype(np.uint8)).save(path, quality=95, exif=exif.tobytes())
    return path


def by_opencv(path: Path) -> None:
    """The yardstick: decode and INTER_AREA resize, nothing else."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    scale = SIDE / max(image.shape[:2])
    cv2.resize(image, (round(image.shape[1] * scale), round(image.shape[0] * scale)), interpolation=cv2.INTER_AREA)


def plain(path: Path) -> None:
    """Decode, orient, profile, resize, encode."""
    png.encode(pristine(read_photo(path), Edits(), SIDE)[0])


def with_flags(path: Path) -> None:
    """The same with every flag."""
    original = read_photo(path)
    rgb, _ = pristine(original, Edits(), SIDE)
    judge(rgb, original, reduced=max(original.rgb.shape[:2]) / SIDE)
    png.encode(rgb)


def whole(path: Path) -> None:
    """All that a worker does: hashes too."""
    prepare_one(Task("a", "a", path, path.with_suffix(".none"), SIDE))


def medians(works: dict[str, Callable[[Path], None]], path: Path, turns: int) -> dict[str, float]:
    """Median milliseconds of processor time of each work, taken in turns so that a busy machine is shared fairly."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work(path)
    for _ in range(turns):
        for name, work in works.items():
            start = time.process_time()
            work(path)
            times[name].append(time.process_time() - start)
    return {name: float(np.median(values)) * 1e3 for name, values in times.items()}


def speed(path: Path, turns: int) -> None:
    """Print the table."""
    works = {"OpenCV decode + INTER_AREA": by_opencv, "decode, orient, profile, resize, PNG": plain}
    works |= {"the same with all flags": with_flags, "a worker's whole task": whole}
    cv2.setNumThreads(1)
    found = medians(works, path, turns)
    base = found["OpenCV decode + INTER_AREA"]
    print(f"{path.name}, {Image.open(path).size}, one thread, processor time, median of {turns}")
    for name, value in found.items():
        print(f"  {name:38} {value:8.1f} ms  {value / base:5.2f} x")


def stream(count: int) -> None:
    """Prepare `count` small photos, then the same folder again: resident memory every tenth of the way, and the slope."""
    with tempfile.TemporaryDirectory() as folder:
        place = create(Path(folder) / "ws")
        random = np.random.RandomState(0)
        photos = Path(folder) / "photos"
        photos.mkdir()
        for i in range(count):
            Image.fromarray(random.randint(0, 256, (24, 32, 3)).astype(np.uint8)).save(photos / f"{i:06d}.png")
        for turn in ("first run", "second run, all kept"):
            print(turn)
            sizes = dict(watched(lambda: prepare(place, [photos]), count))
            early = min(done for done in sizes if done >= count // 5)
            slope = (sizes[count] - sizes[early]) / (count - early)
            print(f"  the parent grew by {slope / 1e3:.2f} kB per photo from {early:,} to {count:,} photos", flush=True)


def watched(run: Callable[[], Iterable[object]], count: int) -> Iterator[tuple[int, int]]:
    """The parent's resident bytes by photos done, every tenth of the way; printed with the worker's."""
    start, parent, step = time.perf_counter(), psutil.Process(), max(1, count // 10)
    for done, _ in enumerate(run(), start=1):
        if done % step == 0:
            worker = sum(child.memory_info().rss for child in parent.children())
            own = parent.memory_info().rss
            said = f"parent {own / 1e6:6.1f} MB, worker {worker / 1e6:6.1f} MB"
            print(f"{done:7d} photos  {time.perf_counter() - start:7.1f} s  {said}", flush=True)
            yield done, own


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true", help="3 turns instead of 15")
    parser.add_argument("--stream", type=int, metavar="N", help="prepare N small photos and watch the memory")
    said = parser.parse_args()
    if said.stream:
        stream(said.stream)
        return
    with tempfile.TemporaryDirectory() as folder:
        speed(said.photo or large_photo(Path(folder)), 3 if said.quick else 15)


if __name__ == "__main__":
    main()
