"""The whole of `prepare`: photos in, pristine images and tables out."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distort import png
from distort.intake.notes import read_measures
from distort.intake.prepare import Preparation, Result, prepare
from distort.intake.workers import Limits
from tests.distort.intake.pictures import photo
from workspace.errors import TableFault, UsageFault, WorkspaceFault
from workspace.files import lock, sha256_file
from workspace.settings import Workspace, create
from workspace.sources import change, read_keys, read_sources
from workspace.verify import file_faults


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return create(tmp_path / "ws")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three photos, the same one under two names, and a broken one."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name, seed in (("Jane Doe.jpg", 1), ("b.png", 2), ("more/b.png", 3)):
        Image.fromarray(photo(300, 700, seed)).save(folder / name)
    shutil.copy(folder / "b.png", folder / "more" / "copy of b.png")
    (folder / "broken.jpg").write_bytes((folder / "Jane Doe.jpg").read_bytes()[:3000])
    return folder


def states(results: list[Result]) -> dict[str, str]:
    """What became of each file."""
    return {r.label: r.state for r in results}


def test_good_photos_come_in_and_the_rest_is_told(place: Workspace, photos: Path) -> None:
    """Broken photos are refused with a reason, the same photo twice is left out, equal names are normal."""
    results = list(prepare(place, [photos], jobs=0))
    assert states(results) == {
        "Jane Doe.jpg": "prepared", "b.png": "prepared", "broken.jpg": "refused", "more/b.png": "prepared",
        "more/copy of b.png": "same",
    }  # fmt: skip
    assert next(r.reason for r in results if r.state == "refused").startswith("cut off or damaged")
    rows = read_sources(place)
    assert len(rows) == 3
    assert all(r["width"] == "512" and r["height"] == "219" and r["accepted"] == "yes" for r in rows)
    assert [r["sha256"] for r in rows] == [sha256_file(photos / n) for n in ("Jane Doe.jpg", "b.png", "more/b.png")]
    assert list(file_faults(place)) == []


def test_names_of_patients_stay_in_the_keys(place: Workspace, photos: Path) -> None:
    """Nothing but keys.csv, mode 600, tells the original names; with keep_names they are used."""
    list(prepare(place, [photos], jobs=0))
    keys = read_keys(place)
    assert str(photos / "Jane Doe.jpg") in keys.values()
    assert set(keys) == {r["pristine"] for r in read_sources(place)}
    if os.name == "posix":
        assert place.keys.stat().st_mode & 0o777 == 0o600
    for path in place.root.rglob("*"):
        assert path == place.keys or "Jane" not in path.name
        assert path == place.keys or not path.is_file() or b"Jane" not in path.read_bytes()


def test_kept_names_are_told_apart(place: Workspace, photos: Path) -> None:
    """With keep_names photos are called as their files, equal ones by their folder."""
    list(prepare(place, [photos], keep_names=True, jobs=0))
    assert [r["pristine"] for r in read_sources(place)] == ["Jane_Doe", "b", "more_b"]


@pytest.mark.parametrize("keep_names", [False, True])
def test_a_lost_table_of_keys_costs_no_photo(place: Workspace, photos: Path, tmp_path: Path, keep_names: bool) -> None:
    """Where keys.csv is gone, a new photo takes no known photo's name, and the same originals are known by their bytes."""
    list(prepare(place, [photos], keep_names=keep_names, jobs=0))
    before = {row["pristine"]: sha256_file(place.pristine / f"{row['pristine']}.png") for row in read_sources(place)}
    place.keys.unlink()
    (tmp_path / "new").mkdir()
    Image.fromarray(photo(300, 700, 9)).save(tmp_path / "new" / "b.png")
    again = list(prepare(place, [tmp_path / "new", photos], keep_names=keep_names, jobs=0))
    assert states(again)["Jane Doe.jpg"] in ("kept", "same")
    rows = read_sources(place)
    assert len(rows) == 4
    assert {row["pristine"]: sha256_file(place.pristine / f"{row['pristine']}.png") for row in rows}.items() >= before.items()


def test_nothing_but_pixels_is_written(place: Workspace, tmp_path: Path) -> None:
    """A file with EXIF, GPS, XMP, comment and thumbnail becomes IHDR, sRGB, IDAT, IEND."""
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    path = tmp_path / "a.jpg"
    Image.fromarray(photo()).save(path, exif=exif.tobytes(), comment=b"SECRET", xmp=b"<x>SECRET</x>", dpi=(300, 300))
    assert b"SECRET" in path.read_bytes()
    list(prepare(place, [path], jobs=0))
    data = (place.pristine / "P0001.png").read_bytes()
    assert b"SECRET" not in data
    kinds = [kind for kind, _ in png.chunks(data, "P0001.png")]
    assert kinds[:2] == [b"IHDR", b"sRGB"]
    assert set(kinds[2:-1]) == {b"IDAT"}
    assert kinds[-1] == b"IEND"


@pytest.mark.slow
def test_files_with_gps_come_out_without(place: Workspace, shared: Path) -> None:
    """Phones' photos with GPS keep none of it."""
    odd = shared / "images" / "odd"
    with_gps = [odd / row["path"] for row in read_rows_ignoring_bytes(odd / "manifest.csv") if row["gps"] == "True"]
    good = [path for path in with_gps if path.suffix.lower() in (".jpg", ".heic", ".jpeg")]
    assert len(good) >= 5
    list(prepare(place, good, jobs=0))
    for path in place.pristine.glob("*.png"):
        with Image.open(path) as image:
            assert not image.getexif()
            assert set(image.info) <= {"srgb"}


def read_rows_ignoring_bytes(path: Path) -> list[dict[str, str]]:
    """A table whose texts are not all UTF-8."""
    import csv

    return list(csv.DictReader(path.read_text(encoding="utf-8", errors="replace").replace("\0", "").splitlines()))


def test_a_second_run_keeps_what_is_right(place: Workspace, photos: Path) -> None:
    """Unchanged photos are kept; a damaged image, a changed original and a changed crop are done again, to the same bytes."""
    list(prepare(place, [photos], jobs=0))
    before = {p.name: p.read_bytes() for p in place.pristine.glob("*.png")}
    table = place.sources.read_text()
    assert "prepared" not in states(list(prepare(place, [photos], jobs=0))).values()
    assert place.sources.read_text() == table
    damaged = place.pristine / "P0001.png"
    damaged.write_bytes(damaged.read_bytes()[:-40] + bytes(40))
    (place.pristine / "P0002.png").unlink()
    again = states(list(prepare(place, [photos], jobs=0)))
    assert again["Jane Doe.jpg"] == again["b.png"] == "prepared"
    assert again["more/b.png"] == "kept"
    assert {p.name: p.read_bytes() for p in place.pristine.glob("*.png")} == before


def test_edits_are_applied_from_the_original(place: Workspace, photos: Path) -> None:
    """Crop and masks of sources.csv are cut from the original's pixels at the next run; other cells stay."""
    list(prepare(place, [photos / "b.png"], jobs=0))
    change(place, "P0001", {"crop": "100 50 400 200", "masks": "150 60 20 30", "notes": "label covered"})
    assert states(list(prepare(place, [photos / "b.png"], jobs=0))) == {"b.png": "prepared"}
    expected = photo(300, 700, 2)
    expected[60:90, 150:170] = 0
    assert np.array_equal(png.read_rgb(place.pristine / "P0001.png"), expected[50:250, 100:500])
    assert read_sources(place)[0]["notes"] == "label covered"


def test_a_moved_folder_is_known_again(place: Workspace, photos: Path, tmp_path: Path) -> None:
    """Photos that lie elsewhere now keep their names."""
    list(prepare(place, [photos], jobs=0))
    names = [r["pristine"] for r in read_sources(place)]
    photos.rename(tmp_path / "moved")
    list(prepare(place, [tmp_path / "moved"], jobs=0))
    assert [r["pristine"] for r in read_sources(place)] == names
    assert all(str(tmp_path / "moved") in path for path in read_keys(place).values())


def test_a_sidecar_fills_empty_cells_only(place: Workspace, photos: Path, tmp_path: Path) -> None:
    """What was written by hand stays; unknown columns and rows without a photo are told."""
    sidecar = tmp_path / "known.csv"
    sidecar.write_text("file,source,licence,colour\nb.png,Clinic,CC0,red\nmore/b.png,Ward,CC0,red\nnone.png,Ward,,\n")
    run = prepare(place, [photos], metadata=sidecar, jobs=0)
    list(run)
    assert [r["source"] for r in read_sources(place)] == ["", "Clinic", "Ward"]
    assert run.sidecar is not None
    assert list(run.sidecar.hints()) == [
        "known.csv: columns passed over: colour (did you mean 'source'?)",
        "known.csv: 1 rows met no photo (none.png)",
    ]
    change(place, "P0002", {"source": "by hand"})
    list(prepare(place, [photos], metadata=sidecar, jobs=0))
    assert [r["source"] for r in read_sources(place)] == ["", "by hand", "Ward"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,source\n", r"has no column 'file'"),
        ("file,may_show\na.png,perhaps\n", r"a.png: may_show is 'perhaps', yes, no or nothing was expected"),
        ("file\na.png\na.png\n", r"a.png stands in two rows"),
    ],
)
def test_a_bad_sidecar_is_named(place: Workspace, photos: Path, tmp_path: Path, text: str, words: str) -> None:
    """A missing column, a bad cell and a double row are one line each, before any work."""
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(TableFault, match=words):
        Preparation(place, [photos], metadata=tmp_path / "s.csv")


def test_a_folder_without_photos_is_an_error(place: Workspace, tmp_path: Path) -> None:
    """An empty folder is named, with what was expected."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageFault, match=r"no photos in .*empty: a folder with JPEG"):
        prepare(place, [tmp_path / "empty"], jobs=0)


def test_two_runs_at_once_are_refused(place: Workspace, photos: Path) -> None:
    """A second run says that another is at work."""
    with lock(place.root, "prepare"), pytest.raises(WorkspaceFault, match="another dermiqa is preparing photos"):
        list(prepare(place, [photos], jobs=0))


def test_a_disk_that_is_too_small_is_told_before(place: Workspace, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate is made before the first photo is written."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))  # type: ignore[attr-defined]
    with pytest.raises(WorkspaceFault, match=r"preparing these photos needs about .* MB and .* has 0 MB free"):
        list(prepare(place, [photos], jobs=0))
    assert not list(place.pristine.glob("*")) if place.pristine.exists() else True


def test_near_duplicates_are_flagged_across_folders(place: Workspace, demo_photos: Path, tmp_path: Path) -> None:
    """A photo saved again elsewhere is flagged with the name of its twin, and kept."""
    other = tmp_path / "other"
    other.mkdir()
    list(prepare(place, [demo_photos / "tinea_forearm.jpg", demo_photos / "poison_oak_arm.jpg"], jobs=0))
    Image.open(demo_photos / "poison_oak_arm.jpg").resize((600, 395)).save(other / "again.jpg", quality=40)
    result = next(iter(prepare(place, [other], jobs=0)))
    assert result.state == "prepared"
    assert "near_duplicate:P0002" in result.flags


@pytest.mark.slow
def test_any_number_of_jobs_gives_the_same_tables(place: Workspace, photos: Path, tmp_path: Path) -> None:
    """No worker or three: the same bytes in every table and image."""
    other = create(tmp_path / "other")
    list(prepare(place, [photos], jobs=0))
    list(prepare(other, [photos], jobs=3))
    for name in ("sources.csv", "keys.csv", "reports/photos.csv", "pristine/P0001.png"):
        assert (place.root / name).read_bytes() == (other.root / name).read_bytes()


def test_a_file_that_takes_too_long_is_refused(place: Workspace, photos: Path) -> None:
    """A limit of no time at all refuses every file and leaves nothing behind."""
    results = list(Preparation(place, [photos], limits=Limits(seconds=0.0)))
    assert {r.state for r in results} == {"refused"}
    assert read_sources(place) == []
    assert read_keys(place) == {}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_run_is_finished_by_the_next(tmp_path: Path, demo_photos: Path) -> None:
    """Kills at ten random moments leave no half file; the same command finishes with the bytes of an unbroken run."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sorted(demo_photos.glob("*.*g")):
        for turn in range(3):
            Image.open(path).convert("RGB").rotate(90 * turn).save(folder / f"{path.stem}_{turn}.png")
    whole = create(tmp_path / "whole")
    list(prepare(whole, [folder], jobs=2))
    place = create(tmp_path / "killed")
    command = [sys.executable, "-m", "dermiqa", "-q", "-w", str(place.root), "prepare", str(folder), "--jobs", "2"]
    moments = random.Random(5)
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(moments.uniform(0.4, 4.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert list(file_faults(place)) == []
    for name in ("sources.csv", "reports/photos.csv", "keys.csv"):
        assert sorted((place.root / name).read_text().splitlines()) == sorted((whole.root / name).read_text().splitlines())
    for path in whole.pristine.glob("*.png"):
        assert (place.pristine / path.name).read_bytes() == path.read_bytes()
    assert set(read_measures(place)) == {r["pristine"] for r in read_sources(place)}


def test_a_face_model_that_the_user_names_is_used(place: Workspace, tmp_path: Path) -> None:
    """A model with YuNet's outputs finds what the cascade doesn't; with it named, photos are judged again."""
    from tests.distort.intake.tiny_yunet import write_tiny_yunet

    picture = np.full((300, 300, 3), 60, dtype=np.uint8)
    picture[64:96, 128:160] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    without = next(iter(prepare(place, [tmp_path / "a.png"], jobs=0)))
    assert "face" not in without.flags
    model = write_tiny_yunet(tmp_path / "tiny.onnx")
    found = next(iter(prepare(place, [tmp_path / "a.png"], jobs=0, yunet=model)))
    assert found.state == "prepared"
    assert "face" in found.flags
    again = next(iter(prepare(place, [tmp_path / "a.png"], jobs=0, yunet=model.rename(tmp_path / "moved.onnx"))))
    assert again.state == "kept"


def test_a_file_that_is_no_face_model_is_refused_before_any_work(place: Workspace, photos: Path, tmp_path: Path) -> None:
    """A missing file, a text and a network with other outputs are refused in one line each."""
    from tests.distort.intake.tiny_yunet import write_other_model

    (tmp_path / "text.onnx").write_text("no model")
    write_other_model(tmp_path / "other.onnx")
    with pytest.raises(UsageFault, match=r"none\.onnx is not there: the file of the YuNet face model was expected"):
        prepare(place, [photos], yunet=tmp_path / "none.onnx")
    for name in ("text.onnx", "other.onnx"):
        with pytest.raises(UsageFault, match=rf"{name} can't be used \(.*\): name OpenCV's YuNet ONNX file") as told:
            prepare(place, [photos], yunet=tmp_path / name)
        assert "\n" not in str(told.value)
    assert not place.sources.exists()
