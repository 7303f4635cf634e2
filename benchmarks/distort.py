"""Speed and memory of the distortion engine beside its peers, all in one run: `python -m benchmarks.distort [--quick] [--memory]`.

The peer imagecorruptions is measured when `pip install --no-deps --target DIR imagecorruptions` was run and --peer DIR is given.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from PIL import Image

from distort.engine import Task, Totals, photo, run
from distort.png import write_png
from distort.preview import prepared
from distort.recipes import load_recipe
from distort.work import distorter, pixels_sha256
from workspace.files import write_rows
from workspace.settings import Workspace, create
from workspace.tables import SOURCES_COLUMNS

ROOT = Path(__file__).resolve().parent.parent
PHOTO = ROOT / "dermiqa" / "demo_photos" / "erythema_migrans_dark.jpg"
PAPER = load_recipe("paper")
Pixels = np.ndarray


@dataclass(frozen=True)
class Pair:
    """Medians in ms of two jobs run by turns; ratios first / second of the time on the wall and of the processor's time."""

    first: float
    second: float
    ratio: float
    cpu_ratio: float


def paired(first: Callable[[], object], second: Callable[[], object], rounds: int) -> Pair:
    """Run two jobs by turns; the medians of their ratios are what the load of others disturbs least."""
    wall: tuple[list[float], list[float]] = ([], [])
    cpu: tuple[list[float], list[float]] = ([], [])
    first(), second()
    for _ in range(rounds):
        for k, job in enumerate((first, second)):
            begin, busy = time.perf_counter(), time.process_time()
            job()
            wall[k].append((time.perf_counter() - begin) * 1e3)
            cpu[k].append((time.process_time() - busy) * 1e3)
    ratios = [median(a / b for a, b in zip(*times, strict=True)) for times in (wall, cpu)]
    return Pair(median(wall[0]), median(wall[1]), *ratios)


def told(what: str, pair: Pair, bar: str, *, times: bool = False) -> None:
    """A pair as a line of the table; `times`: how many times faster rather than the ratio."""
    ratios = [f"1:{1 / r:.1f}" if times else f"{r:.2f}" for r in (pair.ratio, pair.cpu_ratio)]
    line(what, f"{pair.first:.0f}", f"{pair.second:.0f}", *ratios, bar)


def line(what: str, ours: str, peer: str, ratio: str, cpu: str, bar: str) -> None:
    """One line of the table."""
    print(f"{what:<48} {ours:>8} {peer:>8} {ratio:>8} {cpu:>9}   {bar}")


def photo_512(height: int = 384) -> Pixels:
    """The demo photo at 512 x 384."""
    return np.ascontiguousarray(cv2.resize(prepared(PHOTO, 1024), (512, height), interpolation=cv2.INTER_AREA))


def filled(root: Path, count: int, rgb: Pixels) -> Workspace:
    """A workspace with `count` prepared photos that differ from each other."""
    place = create(root)
    base = dict.fromkeys(SOURCES_COLUMNS, "")
    rows = []
    for k in range(count):
        shifted = np.roll(rgb, k, axis=1)
        write_png(place.pristine / f"P{k:06d}.png", shifted)
        rows.append(base | {"pristine": f"P{k:06d}", "subject": f"P{k}"})
    write_rows(place.sources, rows, SOURCES_COLUMNS)
    return place


def variants_of(rgb: Pixels) -> list[Pixels]:
    """The 18 images of the paper's recipe."""
    make = distorter(rgb, PAPER, 0, pixels_sha256(rgb))
    return [make(variant) for variant in PAPER.variants]


def opencv_encode(images: list[Pixels]) -> None:
    """The yardstick: OpenCV's PNG encoder with no parameters alone, into memory."""
    for image in images:
        cv2.imencode(".png", image)


def encode_and_write(rgb: Pixels, folder: Path) -> None:
    """Pixels to 18 PNG files."""
    for k, image in enumerate(variants_of(rgb)):
        write_png(folder / f"{k}.png", image)


def whole(place: Workspace) -> None:
    """One photo as the engine does it: read, distort, encode, hash, PSNR, SSIM, write, record."""
    for path in (place.distorted / "paper" / "P000000").glob("*"):
        path.unlink()
    for path in (place.distorted / "paper" / "P000000").glob(".rows.csv"):
        path.unlink()
    photo(Task(place, "P000000", PAPER))


def usual(rgb: Pixels) -> None:
    """The 18 variants by scikit-image, scipy and Pillow as most scripts do them, and Pillow's PNG."""
    from scipy.interpolate import CubicSpline
    from skimage.color import hsv2rgb, lab2rgb, rgb2hsv, rgb2lab
    from skimage.filters import gaussian

    made: list[Any] = []
    for quality in (24, 7, 4):
        stream = BytesIO()
        Image.fromarray(rgb).save(stream, "JPEG", quality=quality)
        made.append(np.asarray(Image.open(stream)) / 255.0)
    made.append(gaussian(rgb, 2, mode="nearest", channel_axis=2))
    for scale in (0.7843, 0.2902):
        small = Image.fromarray(rgb).resize((int(512 * scale), int(384 * scale)), Image.Resampling.NEAREST)
        made.append(np.asarray(small.resize((512, 384), Image.Resampling.NEAREST)) / 255.0)
    for amount in (1, 2, 6):
        lab = rgb2lab(rgb)
        lab[..., 0] += amount * (lab[..., 0] - gaussian(lab[..., 0], 3, mode="nearest"))
        made.append(lab2rgb(lab))
    for a in (0.4, 0.7):
        lab = rgb2lab(rgb)
        lab[..., 0] = 100 * np.interp(lab[..., 0] / 100, np.linspace(0, 1, 101), np.linspace(0, 1, 101) ** (1 - a / 2))
        made.append((lab2rgb(lab) + 2 * np.clip(rgb / 255.0 * (1 + a), 0, 1)) / 3)
    for a in (0.4, 0.8):
        x = rgb / 255.0
        made.append(np.clip(x - 2 * a * x * (1 - x), 0, 1))
    hsv = rgb2hsv(rgb)
    hsv[..., 1] *= 0.4
    made.append(hsv2rgb(hsv))
    lab = rgb2lab(rgb)
    lab[..., 1:] *= 3
    made.append(lab2rgb(lab))
    for a in (0.3, -0.4, -0.6):
        made.append(np.clip(CubicSpline([0, 0.3, 0.5, 0.7, 1], [0, 0.25 - a / 4, 0.5, 0.75 + a / 4, 1])(rgb / 255.0), 0, 1))
    for image in made:
        Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8)).save(BytesIO(), "PNG")


def corruptions(folder: str) -> Callable[[Pixels], None]:
    """imagecorruptions' 15 of the 18 variants (it has no sharpening) and Pillow's PNG, with what newer libraries renamed put back."""
    import scipy.ndimage
    import skimage.filters

    sys.path.insert(0, folder)
    numba = types.ModuleType("numba")
    numba.njit = numba.prange = lambda *a, **k: a[0] if a and callable(a[0]) else lambda f: f  # type: ignore[attr-defined]
    resources = types.ModuleType("pkg_resources")
    resources.resource_filename = lambda *_: ""  # type: ignore[attr-defined]
    sys.modules.update({"numba": numba, "pkg_resources": resources, "scipy.ndimage.interpolation": scipy.ndimage})
    original = skimage.filters.gaussian
    skimage.filters.gaussian = lambda x, multichannel=True, **k: original(x, channel_axis=2, **k)
    from imagecorruptions import corrupt

    plan = [("jpeg_compression", s) for s in (2, 4, 5)] + [("gaussian_blur", 2), ("pixelate", 1), ("pixelate", 5)]
    plan += [("brightness", s) for s in (2, 3, 4, 5)] + [("saturate", 1), ("saturate", 3)] + [("contrast", s) for s in (1, 2, 3)]

    def all_of_them(rgb: Pixels) -> None:
        for name, severity in plan:
            image = corrupt(rgb, corruption_name=name, severity=severity)
            Image.fromarray(image).save(BytesIO(), "PNG")

    return all_of_them


def busy_seconds() -> float:
    """Processor time of this process and its workers so far."""
    import psutil

    own = psutil.Process()
    return float(sum(sum(p.cpu_times()[:2]) for p in (own, *own.children(recursive=True))))


def throughput(rgb: Pixels, jobs: int, count: int) -> tuple[float, float]:
    """Images per second of a whole run over `count` photos, and processor ms per image; the workers' start is left out."""
    with tempfile.TemporaryDirectory() as folder:
        place = filled(Path(folder) / "w", count, rgb)
        steps = run(place, PAPER, jobs=jobs, totals=Totals())
        for _ in range(2 * jobs):
            next(steps)
        begin, busy = time.perf_counter(), busy_seconds()
        images = 18 * sum(1 for _ in steps)
        return images / (time.perf_counter() - begin), (busy_seconds() - busy) * 1e3 / images


def memory(count: int) -> None:
    """Resident memory of this process over a run on `count` photos of 24 x 32, and its slope."""
    import psutil

    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        place = filled(Path(folder) / "w", count, np.ascontiguousarray(photo_512()[::16, ::16]))
        seen = []
        recipe = load_recipe("paper")
        begin = time.perf_counter()
        for k, _ in enumerate(run(place, recipe, totals=Totals())):
            if k % max(1, count // 20) == 0:
                seen.append((k, process.memory_info().rss / 1e6))
        end = process.memory_info().rss / 1e6
    steady = [point for point in seen if point[0] >= count // 5]
    slope = np.polyfit([k for k, _ in steady], [mb for _, mb in steady], 1)[0]
    print(f"\n{count} photos of 24 x 32, {18 * count} images in {time.perf_counter() - begin:.0f} s, one process")
    print(
        f"resident: {steady[0][1]:.1f} MB after {steady[0][0]}, {steady[-1][1]:.1f} MB after {steady[-1][0]}, {end:.1f} MB at the end"
    )
    print(f"slope {slope * 1e3:+.3f} kB per photo: {slope * 140_000:+.1f} MB over 140,000 photos")


def speed(rounds: int, photos: int, peer: str | None) -> None:
    """The table of speeds."""
    cv2.setNumThreads(1)
    rgb = photo_512()
    images = variants_of(rgb)
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}; 18 variants of 512 x 384, medians of {rounds} rounds by turns, ms\n")
    line("work", "ours", "peer", "ratio", "CPU ratio", "bar")
    with tempfile.TemporaryDirectory() as folder:
        place = filled(Path(folder) / "w", 1, rgb)
        out = Path(folder)

        def ours() -> None:
            encode_and_write(rgb, out)

        def yardstick() -> None:
            opencv_encode(images)

        told("pixels to PNG files / OpenCV's encoder alone", paired(ours, yardstick, rounds), "<= 1.0")
        told("whole: hashes, PSNR, SSIM, files / the same", paired(lambda: whole(place), yardstick, rounds), "<= 2.0")
        few = max(3, rounds // 4)
        told("files / scikit-image, scipy, Pillow", paired(ours, lambda: usual(rgb), few), ">= 10 x", times=True)
        if peer:
            other = corruptions(peer)
            what = "files / imagecorruptions, Pillow (15 of the 18)"
            told(what, paired(ours, lambda: other(rgb), few), ">= 10 x", times=True)
    pairs = [(throughput(rgb, 1, photos), throughput(rgb, 2, photos)) for _ in range(3)]
    one, two = (max(pair[k][0] for pair in pairs) for k in (0, 1))
    line("images/s: one job, two jobs (best of 3)", f"{one:.0f}", f"{two:.0f}", f"{two / one:.2f}", "", ">= 1.8")
    one, two = (median(pair[k][1] for pair in pairs) for k in (0, 1))
    what = "processor ms per image: one job, two jobs"
    line(what, f"{one:.1f}", f"{two:.1f}", f"{2 * one / two:.2f}", "", "2 free cores would give this ratio")


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--memory", action="store_true", help="also 20,000 small photos (2,000 with --quick)")
    parser.add_argument("--peer", help="the folder that holds imagecorruptions")
    said = parser.parse_args()
    warnings.simplefilter("ignore")
    speed(5 if said.quick else 21, 12 if said.quick else 40, said.peer)
    if said.memory:
        memory(2_000 if said.quick else 20_000)


if __name__ == "__main__":
    main()
