"""A run from `sources.csv` to `manifest.csv`: complete, the same for any workers, resumed, repaired."""

from __future__ import annotations

import errno
import os
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from distort.engine import Totals, count, run
from distort.png import read_rgb, write_png
from distort.recipes import load_recipe
from distort.work import pixels_sha256
from tests.distort.sets import picture, small_set, source_row
from workspace.errors import TableFault, WorkspaceFault
from workspace.files import lock, read_rows, sha256_file, write_rows
from workspace.settings import Workspace, create
from workspace.tables import MANIFEST_COLUMNS, SOURCES_COLUMNS
from workspace.verify import file_faults

PAPER = load_recipe("paper")


def distort(place: Workspace, recipe: str = "paper", jobs: int = 1) -> Totals:
    """Run a recipe to its end."""
    totals = Totals()
    list(run(place, load_recipe(recipe), jobs=jobs, totals=totals))
    return totals


def test_every_image_has_its_row(tmp_path: Path) -> None:
    """Two photos give 2 x 19 rows with exactly the documented columns; every hash and size is the file's own."""
    place = small_set(tmp_path / "w", 2)
    totals = distort(place)
    rows = read_rows(place.manifest)
    assert list(rows[0]) == MANIFEST_COLUMNS
    assert (totals.photos, totals.made, totals.kept, totals.rows, len(rows)) == (2, 36, 0, 38, 38)
    assert [r["variant"] for r in rows[:19]] == ["", *(v.name for v in PAPER.variants)]
    for row in rows:
        path = place.root / row["file"]
        rgb = read_rgb(path)
        assert (sha256_file(path), str(path.stat().st_size)) == (row["sha256"], row["bytes"])
        assert (pixels_sha256(rgb), str(rgb.shape[1]), str(rgb.shape[0])) == (row["pixels_sha256"], row["width"], row["height"])
        assert (row["subject"], row["licence"]) == (row["pristine"], "CC0")
    assert list(file_faults(place)) == []


def test_figures_agree_with_another_library(tmp_path: Path) -> None:
    """PSNR, SSIM and the clipped share of every row equal scikit-image's and NumPy's to the digits written."""
    place = small_set(tmp_path / "w", 1, 90, 120)
    distort(place)
    luma = np.array([0.299, 0.587, 0.114])
    own, *rows = read_rows(place.manifest)
    pristine = read_rgb(place.root / own["file"])
    for row in rows:
        image = read_rgb(place.root / row["file"])
        expected = structural_similarity(
            pristine @ luma, image @ luma, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
        assert float(row["ssim"]) == pytest.approx(expected, abs=2e-5)
        assert float(row["psnr"]) == pytest.approx(peak_signal_noise_ratio(pristine, image), abs=1e-4)
        assert float(row["clipped"]) == pytest.approx(np.isin(image, (0, 255)).mean(), abs=1e-6)


def test_an_identity_is_flagged(tmp_path: Path) -> None:
    """A grey photo desaturated or oversaturated equals itself: the row says identity, PSNR inf, SSIM 1."""
    place = small_set(tmp_path / "w", 1)
    grey = picture(36, 48, 0).mean(axis=2, keepdims=True).repeat(3, axis=2).astype(np.uint8)
    write_png(place.pristine / "P1.png", grey)
    distort(place)
    flagged = [(r["variant"], r["psnr"], r["ssim"]) for r in read_rows(place.manifest) if r["flags"] == "identity"]
    assert flagged == [("color_1", "inf", "1.000000"), ("color_2", "inf", "1.000000")]


def test_any_number_of_jobs_gives_the_same_bytes(tmp_path: Path) -> None:
    """One job and two give the same manifest, byte for byte, and the same files; random types among them."""
    recipe = tmp_path / "mixed.toml"
    recipe.write_text(
        '[[variant]]\nname = "n"\ntype = 11\nlevel = 3\n[[variant]]\nname = "b"\ntype = "color_block"\namount = 3\n'
        '[[variant]]\nname = "c"\nsteps = [{type = 17, level = 3}, {type = 11, level = 1}, {type = 11, level = 1}]\n'
    )
    one, two = (small_set(tmp_path / name, 5) for name in ("one", "two"))
    for name in ("paper", str(recipe)):
        distort(one, name)
        distort(two, name, jobs=2)
    assert one.manifest.read_bytes() == two.manifest.read_bytes()
    for path in one.distorted.rglob("*.png"):
        assert path.read_bytes() == (two.root / path.relative_to(one.root)).read_bytes()
    chain = next(r for r in read_rows(one.manifest) if r["variant"] == "c")
    assert (chain["kadid_type"], chain["kadid_level"], chain["axis"], chain["seed"]) == (
        "17+11+11",
        "3+1+1",
        "combined",
        "20250919",
    )


def test_noise_differs_between_photos_levels_and_places(tmp_path: Path) -> None:
    """The random stream depends on the photo, the amount and the place in a chain: no two are the same noise."""
    from distort.recipes import Step
    from distort.work import random_state

    draws = [
        random_state(1, "aa", Step(11, 1, 0.001), 0), random_state(2, "aa", Step(11, 1, 0.001), 0),
        random_state(1, "ab", Step(11, 1, 0.001), 0), random_state(1, "aa", Step(11, 2, 0.002), 0),
        random_state(1, "aa", Step(13, 1, 0.001), 0), random_state(1, "aa", Step(11, 1, 0.001), 1),
    ]  # fmt: skip
    assert len({int(d.randint(2**31)) for d in draws}) == 6
    assert int(random_state(1, "aa", Step(11, 1, 0.001), 0).randint(2**31)) == 866241418


def test_a_second_run_keeps_everything(tmp_path: Path) -> None:
    """The same command again makes nothing, touches no image and writes the same manifest."""
    place = small_set(tmp_path / "w")
    distort(place)
    before = {p: p.stat().st_mtime_ns for p in place.distorted.rglob("*.png")}
    text = place.manifest.read_bytes()
    totals = distort(place)
    assert (totals.made, totals.kept) == (0, 54)
    assert {p: p.stat().st_mtime_ns for p in place.distorted.rglob("*.png")} == before
    assert place.manifest.read_bytes() == text


def test_only_what_is_missing_damaged_or_changed_is_made_again(tmp_path: Path) -> None:
    """A deleted image, a damaged one and a pristine photo that was prepared anew are made again, nothing else."""
    place = small_set(tmp_path / "w")
    distort(place)
    text = place.manifest.read_bytes()
    (place.distorted / "paper" / "P1" / "blur_1.png").unlink()
    with (place.distorted / "paper" / "P1" / "jpeg_1.png").open("r+b") as stream:
        stream.seek(200)
        stream.write(b"x")
    assert distort(place).made == 2
    assert place.manifest.read_bytes() == text
    write_png(place.pristine / "P2.png", picture(36, 48, 77))
    assert distort(place).made == 18
    assert list(file_faults(place)) == []


def test_what_sources_says_reaches_the_manifest(tmp_path: Path) -> None:
    """A licence edited in sources.csv stands in every row after the next run, though no image is made."""
    place = small_set(tmp_path / "w", 1)
    distort(place)
    write_rows(place.sources, [source_row("P1", licence="CC BY 4.0", flags="blurred")], SOURCES_COLUMNS)
    assert distort(place).made == 0
    rows = read_rows(place.manifest)
    assert {r["licence"] for r in rows} == {"CC BY 4.0"}
    assert [r["flags"] for r in rows if r["kind"] == "pristine"] == ["blurred"]


def test_a_changed_recipe_replaces_what_it_changed(tmp_path: Path) -> None:
    """After an edit of a recipe the changed variant is made again and the removed one is gone from disk and manifest."""
    place = small_set(tmp_path / "w", 1)
    recipe = tmp_path / "own.toml"
    first = '[[variant]]\nname = "a"\ntype = 1\namount = 1\n[[variant]]\nname = "b"\ntype = 10\nlevel = 1\n'
    recipe.write_text(first + '[[variant]]\nname = "c"\ntype = 17\nlevel = 2\n')
    distort(place, str(recipe))
    recipe.write_text(first.replace("amount = 1", "amount = 2"))
    totals = distort(place, str(recipe))
    assert (totals.made, totals.kept, totals.removed) == (1, 1, 1)
    assert [r["variant"] for r in read_rows(place.manifest)] == ["", "a", "b"]
    assert list(file_faults(place)) == []


def test_one_bad_photo_stops_nobody(tmp_path: Path) -> None:
    """A damaged, a cut and a missing pristine photo are named, the others are made."""
    place = small_set(tmp_path / "w", 4)
    data = bytearray((place.pristine / "P1.png").read_bytes())
    data[300] ^= 255
    (place.pristine / "P1.png").write_bytes(data)
    (place.pristine / "P2.png").write_bytes((place.pristine / "P2.png").read_bytes()[:400])
    (place.pristine / "P3.png").unlink()
    totals = distort(place)
    assert totals.made == 18
    assert totals.faults == [
        "P1: pristine/P1.png is damaged (chunk b'IDAT' at byte 46): make it again",
        "P2: pristine/P2.png is cut off after 400 bytes: make it again",
        "P3: pristine/P3.png can't be read (No such file or directory): prepare the photo again",
    ]


def test_photos_that_may_not_be_altered_are_left_out(tmp_path: Path) -> None:
    """A photo that is not accepted or may not be altered gets no variants; with none left the run says so."""
    place = small_set(tmp_path / "w", 3)
    rows = [source_row("P1"), source_row("P2", may_alter="no"), source_row("P3", accepted="no")]
    write_rows(place.sources, rows, SOURCES_COLUMNS)
    assert count(place, PAPER) == (1, 2)
    assert distort(place).made == 18
    write_rows(place.sources, rows[1:], SOURCES_COLUMNS)
    with pytest.raises(WorkspaceFault, match=r"no photo in .*sources\.csv may be used: see its columns accepted and may_alter"):
        distort(place)


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    """While one run holds the workspace another ends at once with one line."""
    place = small_set(tmp_path / "w", 1)
    with lock(place.root, "distort"), pytest.raises(WorkspaceFault, match="another dermiqa is distorting"):
        distort(place)


def test_without_sources_it_says_what_to_do(tmp_path: Path) -> None:
    """A workspace without photos names `dermiqa prepare`."""
    with pytest.raises(TableFault, match=r"sources\.csv is not there: bring photos in with `dermiqa prepare PHOTOS`"):
        distort(create(tmp_path / "w"))


def test_a_small_disk_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The need is estimated from the photos that still lack variants; a disk with less free is refused at once."""
    place = small_set(tmp_path / "w")
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 10_000)
    monkeypatch.setattr("workspace.files.shutil.disk_usage", lambda _: usage)
    with pytest.raises(WorkspaceFault, match=r"the recipe paper needs about .* MB and .* has 0 MB free"):
        count(place, PAPER)
    assert not place.distorted.exists()


def test_a_disk_that_fills_up_stops_the_run_and_a_second_one_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk in the middle is one line; after space was freed the same command leads to the same bytes as a whole run."""
    place, whole = (small_set(tmp_path / name) for name in ("w", "whole"))
    real, calls = os.replace, []

    def replace(source: str, target: str) -> None:
        calls.append(target)
        if len(calls) == 25:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("workspace.files.os.replace", replace)
        with pytest.raises(WorkspaceFault, match=r"the disk is full while writing .*: free some space and run it again"):
            distort(place)
    assert distort(place).kept > 0
    distort(whole)
    assert place.manifest.read_bytes() == whole.manifest.read_bytes()
    assert list(file_faults(place)) == []


def test_recipes_stand_side_by_side(tmp_path: Path) -> None:
    """Two recipes share the pristine row; each photo's rows stay together."""
    place = small_set(tmp_path / "w", 2)
    distort(place, "kadid-seven")
    distort(place, "paper")
    rows = read_rows(place.manifest)
    assert len(rows) == 2 * (1 + 45 + 18)
    assert [r["kind"] for r in rows].count("pristine") == 2
    assert [r["pristine"] for r in rows] == sorted(r["pristine"] for r in rows)
    assert list(file_faults(place)) == []


@pytest.mark.slow
def test_memory_stays_flat(tmp_path: Path) -> None:
    """From the 200th to the 900th photo a run's resident memory grows by less than 2 MB: nothing is kept of a photo."""
    import psutil

    place = create(tmp_path / "w")
    for k in range(900):
        write_png(place.pristine / f"P{k}.png", picture(12, 16, k))
    write_rows(place.sources, [source_row(f"P{k}") for k in range(900)], SOURCES_COLUMNS)
    recipe = tmp_path / "two.toml"
    recipe.write_text('[[variant]]\nname = "a"\ntype = 8\nlevel = 2\n[[variant]]\nname = "b"\ntype = 11\nlevel = 1\n')
    process, seen = psutil.Process(), []
    for _ in run(place, load_recipe(str(recipe))):
        seen.append(process.memory_info().rss)
    after = process.memory_info().rss
    assert len(seen) == 900
    assert max(seen[200:]) - seen[200] < 2_000_000
    assert after - seen[200] < 4_000_000
