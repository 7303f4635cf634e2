"""What may be given to score: files, folders, arrays, Pillow's images, and what is refused in words."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dermiqa
from distort.intake.found import find_photos
from train.scoring import open_model, photos_in
from workspace.errors import PhotoFault, UsageFault


def test_a_folder_gives_what_prepare_tries(tmp_path: Path) -> None:
    """Any ending that is none of a table's, a note's or a film's, none at all too; no hidden file, no folder, no pipe."""
    for name in (
        "a.jfif",
        "b.jpe",
        "c.gif",
        "d.jp2",
        "e",
        "F.JPG",
        "notes.txt",
        "t.csv",
        ".hidden.jpg",
        ".cache/x.jpg",
        "in/g.png",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "album.jpg").mkdir()
    found = photos_in([tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "F.JPG",
        "a.jfif",
        "b.jpe",
        "c.gif",
        "d.jp2",
        "e",
        "in/g.png",
    ]
    assert sorted(found) == sorted(item.path for item in find_photos([tmp_path]))
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "table").symlink_to(tmp_path / "t.csv")
    assert sorted({*photos_in([tmp_path])} - {*found}) == [tmp_path / "loop.jpg", tmp_path / "nowhere.jpg"]


def test_nothing_and_what_is_not_there_are_said(tmp_path: Path) -> None:
    """A folder without photos and a missing or endless name are photos that are not there; an empty name is a wrong call."""
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(PhotoFault, match="holds no photo: a folder with photos was expected"):
        photos_in([tmp_path])
    for name in ("none.jpg", "x" * 5000):
        with pytest.raises(PhotoFault, match="is not there: name a photo or a folder of photos"):
            photos_in([tmp_path / name])
    for empty in ("", "  "):
        with pytest.raises(UsageFault, match="is no photo's name: name a photo or a folder of photos"):
            photos_in([empty])


@pytest.mark.parametrize(
    ("photos", "words"),
    [
        ("", "'' is no photo's name"),
        ([""], "'' is no photo's name"),
        (5, r"a photo of type int was given: paths or \(H, W, 3\) uint8 RGB arrays were expected"),
        (None, "a photo of type NoneType was given"),
        ([None], "a photo of type NoneType was given"),
        (b"a.jpg", "a photo of type bytes was given"),
        ([["a.jpg"]], "a photo of type list was given"),
    ],
)
def test_what_is_no_photo_is_a_wrong_call(model: Path, photos: Any, words: str) -> None:
    """Neither path nor array: said with its type; an empty name is not the current folder."""
    with pytest.raises(UsageFault, match=words):
        dermiqa.score(photos, model)


def test_batch_and_engine_are_checked(model: Path, demo_photos: Path) -> None:
    """A batch below 1 and an unknown engine are refused, the known engines named."""
    for batch in (0, -3, 2.5):
        with pytest.raises(UsageFault, match="a whole number of photos from 1 on was expected"):
            dermiqa.score(demo_photos, model, batch=batch)
    with pytest.raises(
        UsageFault, match=r"no engine 'onnx' \(did you mean 'onnxruntime'\?\): auto, onnxruntime, torch are known"
    ):
        dermiqa.score(demo_photos, model, engine="onnx")


def test_every_frame_has_the_same_columns(whole_model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """No photo, broken ones alone and whole ones give the same columns of the same types; a row's numbers are those of `as_row`."""
    scorer = open_model(whole_model)
    (tmp_path / "broken.jpg").write_text("no image")
    whole = dermiqa.score([demo_photos / "tinea_forearm.jpg", tmp_path / "broken.jpg"], scorer)
    none, broken = dermiqa.score([], scorer), dermiqa.score(tmp_path, scorer)
    assert len(none) == 0
    assert whole.dtypes.to_dict() == none.dtypes.to_dict() == broken.dtypes.to_dict()
    assert list(whole.columns) == scorer.columns()
    assert {"score", "low", "p_blur", "fault"} <= set(none.columns)
    assert whole["score"].dtype == np.float64
    assert whole["score"].notna().tolist() == [True, False]
    assert whole["fault"][0] == ""
    assert none.attrs["notices"] == scorer.notices


def test_a_name_that_is_not_utf8_is_shown_by_escapes(model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """Files whose names are bytes of another encoding are scored or refused, and any table takes their names."""
    good, bad = (Path(os.fsdecode(os.fsencode(tmp_path) + name)) for name in (b"/caf\xe9.jpg", b"/no\xff.jpg"))
    shutil.copy(demo_photos / "tinea_forearm.jpg", good)
    bad.write_text("no image")
    frame = dermiqa.score([tmp_path], model)
    frame.to_csv(tmp_path / "out.csv")
    assert frame["file"].tolist() == [f"{tmp_path}/caf\\udce9.jpg", f"{tmp_path}/no\\udcff.jpg"]
    assert frame["score"].notna().tolist() == [True, False]
    assert "no\\udcff.jpg: not a photo" in frame["fault"][1]


def test_pillows_images_are_taken_upright(model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """An opened image scores as its file does (turned before it is made smaller, not after), also used twice; a cut off one is a fault in
    its row."""
    exif = Image.Exif()
    exif[274] = 6
    Image.open(demo_photos / "tinea_forearm.jpg").save(tmp_path / "turned.png", exif=exif.tobytes())
    data = (tmp_path / "turned.png").read_bytes()
    (tmp_path / "half.png").write_bytes(data[: len(data) // 2])
    with Image.open(tmp_path / "turned.png") as opened, Image.open(tmp_path / "half.png") as half:
        frame = dermiqa.score([tmp_path / "turned.png", opened, opened, half], model)
    assert frame["score"][1:3].tolist() == pytest.approx([frame["score"][0]] * 2, abs=0.02)
    assert frame["file"][1] == "array 1"
    assert frame["fault"][3].startswith("the image is damaged")
    assert frame["score"].isna().tolist() == [False, False, False, True]
