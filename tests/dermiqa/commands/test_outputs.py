from __future__ import annotations

from pathlib import Path

import pytest

from dermiqa.commands.outputs import check_files, check_folder
from workspace.errors import UsageFault


def test_missing_folders_are_made(tmp_path: Path) -> None:
    """A file or a folder below what is not there yet is fine."""
    check_files({"--csv": tmp_path / "a" / "b" / "rows.csv", "--html": None}, [tmp_path / "photo.jpg"])
    check_folder("--heat-maps", tmp_path / "maps" / "deep")
    check_folder("--heat-maps", None)
    assert (tmp_path / "a" / "b").is_dir()
    assert (tmp_path / "maps" / "deep").is_dir()


@pytest.mark.parametrize("name", ["", "-", "folder"])
def test_what_is_no_file_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """An empty name, a dash and a folder say so before any work."""
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(UsageFault, match=r"--csv '.*' is no file name"):
        check_files({"--csv": Path(name)})


def test_photos_and_other_outputs_are_not_written_over(tmp_path: Path) -> None:
    """A photo by whatever path, and one file for two options, are refused."""
    (tmp_path / "photo.jpg").write_bytes(b"x")
    (tmp_path / "link.jpg").symlink_to("photo.jpg")
    with pytest.raises(UsageFault, match="is one of the photos"):
        check_files({"--csv": tmp_path / "link.jpg"}, [tmp_path / "photo.jpg"])
    with pytest.raises(UsageFault, match="--csv and --html both name"):
        check_files({"--csv": tmp_path / "o.txt", "--html": tmp_path / "x" / ".." / "o.txt"})


def test_a_file_where_a_folder_is_wanted_is_refused(tmp_path: Path) -> None:
    """What can't be made is said with the reason."""
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UsageFault, match=r"--heat-maps: folder .* can't be made"):
        check_folder("--heat-maps", tmp_path / "file")
    with pytest.raises(UsageFault, match=r"--html: folder .* can't be made"):
        check_files({"--html": tmp_path / "file" / "page.html"})
    with pytest.raises(UsageFault, match="no folder's name"):
        check_folder("--heat-maps", Path(""))
