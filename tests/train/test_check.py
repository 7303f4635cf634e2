"""The check of a folder against what is published."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.random import RandomState
from PIL import Image

from distort.catalogue import CATALOGUE
from tests.train.fakes import custom_set, picture, save_pictures
from tests.train.test_datasets import export
from train.check import Report, check, compare_hashes, record_hashes
from train.datasets import load
from workspace.errors import DatasetFault
from workspace.files import sha256_file


def check_custom(root: Path, **options: object) -> Report:
    """Check a custom set with its range."""
    return check("custom", root, low=0, high=100, **options)  # type: ignore[arg-type]


def test_a_whole_set_has_no_fault(tmp_path: Path) -> None:
    """Nothing to complain about: no fault, no note, every image counted, the histogram holds every score."""
    custom_set(tmp_path, 9)
    report = check_custom(tmp_path)
    assert (report.faults, report.notes, report.images) == ([], [], 9)
    counts, edges = report.histogram(10)
    assert counts.sum() == 9
    assert (edges[0], edges[-1]) == (0, 100)
    assert report.as_dict()["groups"] == 9


def test_missing_broken_and_foreign_files(tmp_path: Path) -> None:
    """Missing and broken images are faults with their names; an image without a score is a note."""
    custom_set(tmp_path, 8)
    images = tmp_path / "images"
    (images / "p001.png").unlink()
    (images / "p002.png").write_bytes((images / "p002.png").read_bytes()[:200])
    picture(60).save(images / "stranger.png")
    report = check_custom(tmp_path)
    text = "\n".join(report.faults)
    assert "1 of 8 images are missing (p001.png): is the download complete?" in text
    assert "1 images can't be decoded: download them again (p002.png)" in text
    assert report.notes == ["1 images without a score (stranger.png): left out"]


def test_copies_under_two_names_and_in_other_sets(tmp_path: Path) -> None:
    """The same bytes under two names, near-duplicates within the set and pictures of another set are noted."""
    one = custom_set(tmp_path / "a", 8)
    shutil.copy(one.table["path"].iloc[0], one.table["path"].iloc[5])
    other = custom_set(tmp_path / "b", 2, title="other")
    report = check("custom", tmp_path / "a", title="mine", others=[other], low=0, high=100)
    text = "\n".join(report.notes)
    assert "1 files have a copy with the same bytes under another name (p000.png = p005.png)" in text
    assert "1 pairs of images in different groups show one scene, 1 of them near-identical" in text
    assert "3 images show a scene of other too" in text
    assert report.faults == []


def test_half_a_download_of_a_public_set(shared: Path, tmp_path: Path) -> None:
    """A KADID table cut in half, and a whole one without images, are each one line."""
    rows = (shared / "labels" / "kadid10k" / "dmos.csv").read_text().splitlines()
    (tmp_path / "dmos.csv").write_text("\n".join(rows[:5000]) + "\n")
    faults = check("kadid10k", tmp_path).faults
    assert faults[0] == "4,999 scores instead of 10,125: a part of it, or half a download"
    assert any("no image is here" in fault for fault in faults)


def test_an_edited_score_is_found(shared: Path, tmp_path: Path) -> None:
    """One changed score of 10,125 does not pass for the published table."""
    text = (shared / "labels" / "kadid10k" / "dmos.csv").read_text()
    (tmp_path / "dmos.csv").write_text(text.replace("I01_01_01.png,I01.png,4.57,", "I01_01_01.png,I01.png,4.47,"))
    faults = check("kadid10k", tmp_path, decode=False).faults
    assert any("the scores are not those of the published table" in fault for fault in faults)


@pytest.mark.parametrize("name", ["koniq10k", "spaq", "gfiqa20k", "biq2021", "live_itw", "kadid10k"])
def test_published_tables_pass(shared: Path, name: str) -> None:
    """The real label files have the published counts, ranges and checksums: only the images are missing."""
    faults = check(name, shared / "labels" / name, decode=False).faults
    assert len(faults) == 1
    assert "no image is here" in faults[0]


def test_images_of_another_size(shared: Path, tmp_path: Path) -> None:
    """An image that is not 512x384 can't be KADID's."""
    shutil.copy(shared / "labels" / "kadid10k" / "dmos.csv", tmp_path)
    save_pictures(tmp_path / "images", ["I01_01_01.png"], (512, 384))
    save_pictures(tmp_path / "images", ["I01_01_02.png"], (256, 192))
    faults = "\n".join(check("kadid10k", tmp_path).faults)
    assert "1 images have another size than 512x384: resized or swapped (I01_01_02.png 256x192)" in faults


@pytest.fixture(scope="module")
def ladders(shared: Path, demo_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of KADID rebuilt: four photos of the demo as references, types 1 to 25 at levels 2 and 5."""
    root = tmp_path_factory.mktemp("kadid")
    images = root / "images"
    images.mkdir()
    photos = sorted(demo_photos.glob("*.jpg"))[3:7]
    for number, photo in enumerate(photos, start=1):
        reference = np.asarray(Image.open(photo).convert("RGB").resize((256, 192)))
        Image.fromarray(reference).save(images / f"I{number:02d}.png")
        for kind in range(1, 26):
            for level in (2, 5):
                entry = CATALOGUE[kind]
                if not entry.needs_weights:
                    image = entry.apply(reference, entry.levels[level - 1], rng=RandomState(0) if entry.random else None)
                    Image.fromarray(image).save(images / f"I{number:02d}_{kind:02d}_{level:02d}.png")
    shutil.copy(shared / "labels" / "kadid10k" / "dmos.csv", root)
    return root


@pytest.mark.slow
def test_swapped_images_are_found_and_distorted_ones_are_not_accused(ladders: Path, tmp_path: Path) -> None:
    """No distortion of KADID makes an image look like another reference's; two files that change places are found."""
    assert not any("swapped files" in fault for fault in check("kadid10k", ladders).faults)
    shutil.copytree(ladders, tmp_path / "k")
    a, b = (tmp_path / "k" / "images" / name for name in ("I01_10_05.png", "I03_01_02.png"))
    a.rename(tmp_path / "x")
    b.rename(a)
    (tmp_path / "x").rename(b)
    fault = next(fault for fault in check("kadid10k", tmp_path / "k").faults if "swapped files" in fault)
    assert fault.startswith("2 images show another picture than their reference")
    assert "I01_10_05.png shows I03.png" in fault
    assert "I03_01_02.png shows I01.png" in fault


def test_an_exports_own_hashes_are_compared(tmp_path: Path) -> None:
    """An export states each image's SHA-256: a changed image is found."""
    frame = export(tmp_path)
    frame["sha256"] = [sha256_file(tmp_path / "images" / name) for name in frame["file"]]
    frame.to_csv(tmp_path / "scores.csv", index=False)
    assert check("dermiqa", tmp_path).faults == []
    picture(90).save(tmp_path / "images" / "P2_blur_1.png")
    assert check("dermiqa", tmp_path).faults == [
        "1 images are not the files that the table was made with: changed or swapped (P2_blur_1.png)"
    ]


def test_recorded_hashes_tell_copies_apart(tmp_path: Path) -> None:
    """A record of hashes finds a swapped, a lost and a new image in another copy of the set."""
    one = custom_set(tmp_path / "a", 5)
    assert record_hashes(one, tmp_path / "r.csv") == 5
    assert compare_hashes(one, tmp_path / "r.csv") == []
    picture(91).save(one.table["path"].iloc[3])
    part = load("custom", tmp_path / "a", title="mine", low=0, high=100)
    part = replace(part, table=part.table.iloc[1:])
    assert compare_hashes(part, tmp_path / "r.csv") == [
        "1 images differ from those recorded (p003.png)",
        "1 recorded images are not here (p000.png)",
    ]


def test_authors_test_part_that_repeats_training_scenes_is_noted(tmp_path: Path) -> None:
    """How many official test images show a scene of the official training part is said."""
    one = custom_set(tmp_path, 6, extra="split", cells=["train", "train", "val", "val", "test", "test"])
    shutil.copy(one.table["path"].iloc[0], one.table["path"].iloc[4])
    notes = check_custom(tmp_path).notes
    assert "1 of the authors' 2 test images show a scene that they train on, 1 of them near-identical" in notes


def test_wrong_folder_is_one_line(shared: Path) -> None:
    """Another set's folder is named as that set."""
    with pytest.raises(DatasetFault, match=r"holds no 'dmos\.csv', the scores of KADID-10k; it looks like SPAQ"):
        check("kadid10k", shared / "labels" / "spaq")


def test_scores_of_the_older_release_pass(shared: Path) -> None:
    """BIQ2021's older release is a known one."""
    faults = check("biq2021", shared / "labels" / "biq2021" / "release_2023-04", decode=False).faults
    assert [fault for fault in faults if "score" in fault] == []


def test_histogram_counts(tmp_path: Path) -> None:
    """The bins cover the nominal range, not the scores' own."""
    one = custom_set(tmp_path, 4)
    counts, edges = Report(one).histogram(4)
    assert pd.Series(one.table["score"]).between(edges[0], edges[-1]).all()
    assert counts.tolist() == [2, 1, 1, 0]
