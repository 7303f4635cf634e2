"""The cache: right pixels, rebuilt when a file changes, safe against kills, small when packed."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.train.fakes import custom_set, picture
from train import cache as caching
from train.cache import cache_folder, damaged, estimate, open_cache
from train.cache_files import Entry, Journal, pack, unpack
from train.datasets import load
from train.pixels import RESIZES, open_rgb, square
from workspace.errors import DatasetFault, UsageFault, WorkspaceFault


def expected(path: str, side: int, resize: str) -> np.ndarray:
    """What a view should hold."""
    return square(open_rgb(path), side, resize)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("resize", RESIZES)
def test_views_hold_the_resized_images_in_the_tables_order(tmp_path: Path, resize: str, packed: bool) -> None:
    """Either view of row i is the image of row i, raw and packed alike, in all three ways of resizing."""
    one = custom_set(tmp_path, 7)
    cache = open_cache(one, 32, resize, tmp_path / "cache", packed=packed)
    assert cache.train_view.shape == (7, 36, 36, 3)
    assert cache.eval_view.shape == (7, 32, 32, 3)
    assert len(cache) == 7
    for row, path in enumerate(one.table["path"]):
        np.testing.assert_array_equal(cache.train_view[row], expected(path, 36, resize))
        np.testing.assert_array_equal(cache.eval_view[row], expected(path, 32, resize))


def test_second_opening_reads_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An up-to-date cache is opened without decoding anything."""
    one = custom_set(tmp_path, 5)
    before = open_cache(one, 32, cache_dir=tmp_path / "cache").eval_view[3].copy()
    monkeypatch.setattr(caching, "open_rgb", lambda *a, **k: pytest.fail("decoded again"))
    np.testing.assert_array_equal(open_cache(one, 32, cache_dir=tmp_path / "cache").eval_view[3], before)


@pytest.mark.parametrize("packed", [False, True])
def test_a_changed_file_is_rebuilt_and_no_other(tmp_path: Path, packed: bool) -> None:
    """Only the image whose bytes changed is decoded again; one that was merely touched is not."""
    one = custom_set(tmp_path, 6)
    open_cache(one, 32, cache_dir=tmp_path / "cache", packed=packed)
    changed, touched = Path(one.table["path"].iloc[2]), Path(one.table["path"].iloc[4])
    picture(99, (96, 72)).save(changed)
    os.utime(touched, (1, 1))
    seen: list[tuple[int, int]] = []
    cache = open_cache(one, 32, cache_dir=tmp_path / "cache", packed=packed, progress=lambda d, t: seen.append((d, t)))
    assert seen == [(1, 2), (2, 2)]
    np.testing.assert_array_equal(cache.eval_view[2], expected(str(changed), 32, "shorter_side"))
    np.testing.assert_array_equal(cache.eval_view[4], expected(str(touched), 32, "shorter_side"))
    assert damaged(one, 32, cache_dir=tmp_path / "cache", packed=packed) == []


def test_size_and_way_have_caches_of_their_own(tmp_path: Path) -> None:
    """Another input size, another way or another list of files is another cache."""
    one = custom_set(tmp_path, 4)
    folders = {cache_folder(one, s, r, tmp_path, packed=p) for s in (32, 48) for r in RESIZES for p in (False, True)}
    (tmp_path / "images" / "p003.png").unlink()
    folders.add(cache_folder(load("custom", tmp_path, images="present", title="mine", low=0, high=100), 32, "squash", tmp_path))
    assert len(folders) == 13


def test_broken_images_are_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    """A broken image stops the cache with its name; once mended, only that one is decoded."""
    one = custom_set(tmp_path, 5)
    Path(one.table["path"].iloc[1]).write_text("broken")
    with pytest.raises(DatasetFault, match=r"p001\.png can't be read as an image.*dataset check"):
        open_cache(one, 32, cache_dir=tmp_path / "cache")
    picture(50).save(one.table["path"].iloc[1])
    seen: list[int] = []
    open_cache(one, 32, cache_dir=tmp_path / "cache", progress=lambda done, total: seen.append(total))
    assert seen == [1]


def test_the_disk_is_checked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too small a disk is an error with both sizes, before anything is written."""
    one = custom_set(tmp_path, 4)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 1000))
    with pytest.raises(WorkspaceFault, match=r"the cache of mine at 224 px needs about 1 MB and .* has 0 MB free"):
        open_cache(one, 224, cache_dir=tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_dir()]


def test_estimate_of_the_six_sets() -> None:
    """All six sets at B5's 448 px take about 100 GB, as raw bytes."""
    images = 10_125 + 10_073 + 11_125 + 19_998 + 12_000 + 1_162
    assert estimate(images, 448) / 1e9 == pytest.approx(88, abs=1)
    assert estimate(1, 224) == 3 * (252**2 + 224**2)


def test_packing_is_lossless_and_smaller() -> None:
    """Packed images come back bit for bit, noise included; a smooth one is far smaller."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    smooth = np.asarray(picture(1, (252, 252)))
    for image in (noise, smooth):
        np.testing.assert_array_equal(unpack(np.frombuffer(pack(image), np.uint8)), image)
    assert len(pack(smooth)) < smooth.nbytes / 2


def test_packed_views_travel_to_worker_processes(tmp_path: Path) -> None:
    """A packed view can be pickled: the copy opens the file for itself."""
    cache = open_cache(custom_set(tmp_path, 3), 32, cache_dir=tmp_path / "cache", packed=True)
    copy: Any = pickle.loads(pickle.dumps(cache.train_view))
    np.testing.assert_array_equal(copy[2], cache.train_view[2])


def test_an_existing_packed_cache_is_used(tmp_path: Path) -> None:
    """Without a word about packing the packed cache is taken where it is the one that was built."""
    one = custom_set(tmp_path, 3)
    packed = open_cache(one, 32, cache_dir=tmp_path / "cache", packed=True)
    assert open_cache(one, 32, cache_dir=tmp_path / "cache").folder == packed.folder
    assert open_cache(one, 32, cache_dir=tmp_path / "cache", packed=False).folder != packed.folder


def test_changed_pixels_are_found(tmp_path: Path) -> None:
    """A flipped bit in the stored pixels, and a file cut short, are found."""
    one = custom_set(tmp_path, 4)
    cache = open_cache(one, 32, cache_dir=tmp_path / "cache")
    with (cache.folder / "eval.u8").open("r+b") as stream:
        stream.seek(2 * 32 * 32 * 3 + 5)
        byte = stream.read(1)
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte[0] ^ 1]))
    assert damaged(one, 32, cache_dir=tmp_path / "cache") == ["p002.png"]
    with (cache.folder / "eval.u8").open("r+b") as stream:
        stream.truncate(100)
    with pytest.raises(DatasetFault, match="was cut short"):
        open_cache(one, 32, cache_dir=tmp_path / "cache")


def test_two_builders_are_kept_apart(tmp_path: Path) -> None:
    """A second process that finds the cache being built says so."""
    from workspace.files import lock

    one = custom_set(tmp_path, 3)
    folder = cache_folder(one, 32, "shorter_side", tmp_path / "cache")
    with lock(folder.parent, folder.name), pytest.raises(WorkspaceFault, match="another dermiqa is building a cache"):
        open_cache(one, 32, cache_dir=tmp_path / "cache")


def test_torn_journal_line_is_left_out(tmp_path: Path) -> None:
    """A line cut by a kill counts for nothing, and the next one starts on a line of its own."""
    journal = Journal(tmp_path)
    journal.append(Entry(0, 1, 2, "aa"))
    journal.append(Entry(1, 1, 2, "bb"))
    journal.path.write_bytes(journal.path.read_bytes()[:-7])
    assert list(journal.read()) == [0]
    journal.append(Entry(2, 1, 2, "cc"))
    assert list(journal.read()) == [0, 2]


@pytest.mark.parametrize(("size", "resize", "says"), [(8, "squash", "16 to 4096"), (64, "crop", "expected shorter_side")])
def test_bad_settings_are_named(tmp_path: Path, size: int, resize: str, says: str) -> None:
    """An input size or a way of resizing that is none."""
    with pytest.raises(UsageFault, match=says):
        open_cache(custom_set(tmp_path, 2), size, resize, tmp_path / "cache")


BUILD = """
import sys
from pathlib import Path
from train.cache import open_cache
from train.datasets import load
root = Path(sys.argv[1])
one = load("custom", root, title="mine", low=0, high=100)
open_cache(one, 96, cache_dir=root / "cache", packed=sys.argv[2] == "packed", jobs=2, progress=lambda d, t: print(d, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["raw", "packed"])
def test_killed_builds_go_on_and_give_the_same_bytes(tmp_path: Path, form: str) -> None:
    """Builds killed at random moments leave nothing under the final name, go on, and end in the pixels of an unbroken build."""
    one = custom_set(tmp_path, 160, (200, 150))
    folder = cache_folder(one, 96, "shorter_side", tmp_path / "cache", packed=form == "packed")
    rng, killed, seen = np.random.default_rng(1), 0, 0
    while not folder.exists():
        child = subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path), form], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(int(rng.integers(10, 50))):
            if not child.stdout.readline():
                break
            seen += 1
        time.sleep(float(rng.uniform(0, 0.01)))
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        child.stdout.close()
        assert killed < 30
    assert killed >= 3
    assert seen < 160 + 40 * killed
    cache = open_cache(one, 96, cache_dir=tmp_path / "cache", packed=form == "packed")
    for row, path in enumerate(one.table["path"]):
        np.testing.assert_array_equal(cache.train_view[row], expected(path, 108, "shorter_side"))
    assert damaged(one, 96, cache_dir=tmp_path / "cache", packed=form == "packed") == []
