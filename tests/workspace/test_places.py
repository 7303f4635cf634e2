"""Places where SQLite would lose votes are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspace.errors import WorkspaceFault
from workspace.places import require_safe_for_sqlite, unsafe_for_sqlite


@pytest.mark.parametrize(
    ("kind", "unsafe"), [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("ext4", False), ("overlay", False)]
)
def test_network_drives_are_known_by_their_mount(tmp_path: Path, kind: str, unsafe: bool) -> None:
    """The longest mount point above the folder decides, by its type."""
    mounts = [("/", "ext4" if unsafe else "nfs4"), (str(tmp_path), kind)]
    assert bool(unsafe_for_sqlite(tmp_path / "a", mounts)) == unsafe


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Clinic", "Google Drive", "Nextcloud"])
def test_synced_folders_are_known_by_name(tmp_path: Path, name: str) -> None:
    """A cloud client's folder anywhere above is found."""
    place = tmp_path / name / "study"
    place.mkdir(parents=True)
    with pytest.raises(
        WorkspaceFault, match=rf"synced folder \({name}\), where SQLite loses votes: use a folder on a local disk"
    ):
        require_safe_for_sqlite(f"sqlite:///{place}/dermiqa.db", [("/", "ext4")])


def test_a_synced_folder_is_known_by_its_marker(tmp_path: Path) -> None:
    """Syncthing's marker gives a folder away; PostgreSQL passes everywhere."""
    (tmp_path / ".stfolder").mkdir()
    assert "a synced folder" in (unsafe_for_sqlite(tmp_path / "x", [("/", "ext4")]) or "")
    require_safe_for_sqlite("postgresql+psycopg://h/d")
