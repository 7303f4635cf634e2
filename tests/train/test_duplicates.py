"""Near-duplicates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from tests.train.fakes import custom_set, picture
from train import duplicates
from train.datasets import load
from train.duplicates import clusters, describe, pairs
from workspace.errors import UsageFault


def test_altered_copies_are_one_scene_and_others_are_not(tmp_path: Path) -> None:
    """A darker, a blurred, a compressed and a shrunk copy are found; forty other pictures are no one's copy."""
    one = custom_set(tmp_path, 44)
    original = picture(0)
    ImageEnhance.Brightness(original).enhance(0.5).save(one.table["path"].iloc[40])
    original.filter(ImageFilter.GaussianBlur(2)).save(one.table["path"].iloc[41])
    original.save(tmp_path / "q.jpg", quality=15)
    Image.open(tmp_path / "q.jpg").save(one.table["path"].iloc[42])
    original.resize((60, 45)).save(one.table["path"].iloc[43])
    found = clusters(list(pairs([describe(one)])))
    assert found["file"].tolist() == ["p000.png", "p040.png", "p041.png", "p042.png", "p043.png"]
    assert found["cluster"].nunique() == 1


def test_identical_is_stricter_than_scene(tmp_path: Path) -> None:
    """A strongly darkened and clipped copy is the same scene but not near-identical; a plain copy is both."""
    one = custom_set(tmp_path, 6)
    values = np.clip(np.asarray(picture(0)).astype(int) * 2 - 200, 0, 255).astype(np.uint8)
    Image.fromarray(values).save(one.table["path"].iloc[4])
    picture(1).save(one.table["path"].iloc[5])
    described = [describe(one)]
    assert {(p.one[1], p.other[1]) for p in pairs(described, "identical")} == {("p001.png", "p005.png")}
    assert {(p.one[1], p.other[1]) for p in pairs(described)} == {("p001.png", "p005.png"), ("p000.png", "p004.png")}


def test_one_group_is_no_pair_and_two_sets_are(tmp_path: Path) -> None:
    """Images of one group need no joining; the same picture in another set is found."""
    one = custom_set(tmp_path / "a", 8, extra="group", cells="aabbccdd")
    picture(0).save(one.table["path"].iloc[1])
    two = custom_set(tmp_path / "b", 3, title="two")
    found = list(pairs([describe(one), describe(two)]))
    assert {(p.one, p.other) for p in found} == {
        (("mine", "p000.png"), ("two", "p000.png")),
        (("mine", "p001.png"), ("two", "p000.png")),
        (("mine", "p002.png"), ("two", "p002.png")),
    }


def test_flat_and_broken_images_match_nothing(tmp_path: Path) -> None:
    """Two white pictures and two broken files are no duplicates of each other."""
    one = custom_set(tmp_path, 6)
    for row in (0, 1):
        Image.new("RGB", (96, 72), "white").save(one.table["path"].iloc[row])
    for row in (2, 3):
        Path(one.table["path"].iloc[row]).write_text("broken")
    described = describe(one)
    assert described.broken.tolist() == [False, False, True, True, False, False]
    assert list(pairs([described])) == []


def test_pairs_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search by blocks finds what the search in one piece finds."""
    one = custom_set(tmp_path, 30)
    for row, seed in ((7, 3), (29, 3), (12, 11), (20, 19)):
        picture(seed).save(one.table["path"].iloc[row])
    whole = {(p.one[1], p.other[1]) for p in pairs([describe(one)])}
    monkeypatch.setattr(duplicates, "BLOCK", 4)
    assert {(p.one[1], p.other[1]) for p in pairs([describe(one)])} == whole
    assert len(whole) == 5


def test_descriptions_are_kept_and_follow_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thumbnails are read again only when a file changed."""
    one = custom_set(tmp_path, 4)
    first = describe(one, tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(duplicates, "thumbnail", lambda _: pytest.fail("read again"))
        np.testing.assert_array_equal(describe(one, tmp_path / "cache").thumbs, first.thumbs)
    picture(77).save(one.table["path"].iloc[0])
    assert (describe(one, tmp_path / "cache").thumbs[0] != first.thumbs[0]).any()


def test_unknown_level_is_named(tmp_path: Path) -> None:
    """A level that is none."""
    with pytest.raises(UsageFault, match="expected identical or scene"):
        list(pairs([describe(custom_set(tmp_path, 2))], "exact"))


@pytest.mark.slow
def test_ladders_of_biq2021(shared: Path) -> None:
    """BIQ2021's shared part: 64 near-identical pairs; the ladders of one object are joined, and no cluster swallows the set."""
    biq = load("biq2021", shared / "images" / "rated" / "biq2021")
    described = describe(biq)
    assert sum(1 for _ in pairs([described], "identical")) == pytest.approx(64, abs=2)
    found = clusters(list(pairs([described])))
    sizes = found["cluster"].value_counts()
    assert len(found) == pytest.approx(1151, abs=12)
    assert len(sizes) == pytest.approx(256, abs=4)
    assert sizes.max() <= 25
    assert found["file"].str.startswith("ss01").mean() > 0.95
