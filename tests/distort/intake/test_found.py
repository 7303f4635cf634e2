"""Which files are tried, and what they are called."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distort.intake.found import Found, find_photos
from distort.intake.index import Index
from distort.intake.names import Names, legal_name
from workspace.errors import UsageFault


def test_tables_notes_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    """A folder's README, sidecar and hidden files are no photos and no faults."""
    for name in ("a.jpg", "README.md", "credits.csv", ".DS_Store", "._a.jpg", "noending"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".thumbs").mkdir()
    (tmp_path / ".thumbs" / "b.jpg").write_bytes(b"x")
    assert [item.label for item in find_photos([tmp_path])] == ["a.jpg", "noending"]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A file or folder whose name is no UTF-8 is named and not entered, so that every path can stand in a table."""
    bad = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(bad)
    for path in (bad + b"/a.jpg", bad + b".jpg"):
        with open(path, "wb") as stream:
            stream.write(b"x")
    found = list(find_photos([tmp_path]))
    assert [item.label for item in found] == ["?", "?.jpg"]
    assert {item.fault for item in found} == {"its name is not valid UTF-8: rename it"}


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
def test_links_and_pipes_are_refused_without_being_opened(tmp_path: Path) -> None:
    """A link out of the folder, a broken one and a named pipe are named with what is wrong; a link inside is a file."""
    photos = tmp_path / "photos"
    photos.mkdir()
    (tmp_path / "out.jpg").write_bytes(b"x")
    (photos / "a.jpg").write_bytes(b"x")
    (photos / "inside.jpg").symlink_to(photos / "a.jpg")
    (photos / "outside.jpg").symlink_to(tmp_path / "out.jpg")
    (photos / "broken.jpg").symlink_to(photos / "none.jpg")
    (photos / "loop").symlink_to(photos)
    os.mkfifo(photos / "pipe.jpg")
    faults = {item.label: item.fault for item in find_photos([photos])}
    assert faults.pop("outside.jpg").startswith("a link out of the folder")
    assert faults == {
        "a.jpg": "",
        "inside.jpg": "",
        "broken.jpg": "a link that leads nowhere",
        "pipe.jpg": "a named pipe, not a file",
    }


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong path is the caller's fault, in one line."""
    with pytest.raises(UsageFault, match=r"nowhere is not there: name a folder of photos"):
        find_photos([tmp_path / "nowhere"])


def test_equal_names_in_different_folders_get_different_names() -> None:
    """Equal names, also in another letter case, are told apart by their folder, then by a number; known ones are kept."""
    index = Index()
    index.add_key("a", "/p/one/a.jpg")
    names = Names(index, keep=True)
    items = [Found(Path(f"/p/{place}"), place) for place in ("one/a.jpg", "two/A.jpg", "two/a.png", "three/two_a.jpg")]
    assert [names.of(item) for item in items] == ["a", "two_A", "a_2", "three_two_a"]


def test_names_without_keeping_tell_nothing() -> None:
    """By default photos are numbered on from the last number."""
    index = Index()
    index.add_key("P0041", "/p/Jane Doe.jpg")
    names = Names(index, keep=False)
    found = [names.of(Found(Path(p), p)) for p in ("/p/Jane Doe.jpg", "/p/John Roe.jpg")]
    assert found == ["P0041", "P0042"]


@given(st.text(max_size=200))
def test_names_are_legal_everywhere(text: str) -> None:
    """Whatever a file is called, its name here is one that Windows takes, and is its own name again."""
    name = legal_name(text)
    assert 1 <= len(name) <= 90
    assert not set(name) & set('<>:"/\\|?* \n\t')
    assert not name.endswith(".")
    assert name.split(".")[0].upper() not in {"CON", "NUL", "AUX", "PRN", "COM1", "LPT9"}
