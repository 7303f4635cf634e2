"""Files and tables of a workspace against each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspace.files import sha256_bytes, write_bytes, write_rows
from workspace.settings import Workspace, create
from workspace.tables import MANIFEST_COLUMNS, SOURCES_COLUMNS
from workspace.verify import file_faults


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """Two photos with a variant each, all as the tables say."""
    made = create(tmp_path / "ws")
    tell(made, ["P1", "P2"], ["P1", "P2"])
    return made


def tell(place: Workspace, photos: list[str], images: list[str]) -> None:
    """Write files and tables for these photos and images."""
    write_rows(place.sources, [dict.fromkeys(SOURCES_COLUMNS, "") | {"pristine": name} for name in photos], SOURCES_COLUMNS)
    rows = []
    for name in images:
        for file in (f"pristine/{name}.png", f"distorted/paper/{name}/blur_1.png"):
            write_bytes(place.root / file, file.encode())
            rows.append(
                dict.fromkeys(MANIFEST_COLUMNS, "") | {"file": file, "pristine": name, "sha256": sha256_bytes(file.encode())}
            )
    write_rows(place.manifest, rows, MANIFEST_COLUMNS)


def test_a_workspace_that_agrees_has_no_faults(place: Workspace) -> None:
    """Nothing to say where every file is as its row says."""
    assert list(file_faults(place)) == []


def test_each_kind_of_fault_is_one_line(place: Workspace) -> None:
    """Missing, changed, unlisted and doubled files, rows without their photo, and what a killed run left."""
    tell(place, ["P1", "P1", "P3", ""], ["P1", "P2", "P2"])
    (place.pristine / "P1.png").write_bytes(b"changed")
    (place.root / "distorted/paper/P2/blur_1.png").unlink()
    write_bytes(place.root / "distorted/paper/P9/blur_1.png", b"x")
    write_bytes(place.pristine / ".hidden.png", b"x")
    (place.pristine / ".P1.png.abc.part").write_bytes(b"x")
    missing = "distorted/paper/P2/blur_1.png: listed in manifest.csv but missing"
    stranger = "comes from P2, which sources.csv does not list"
    assert list(file_faults(place)) == [
        "sources.csv: P1 stands in more than one row",
        "pristine/P3.png: listed in sources.csv but missing",
        "pristine/P1.png: its bytes differ from manifest.csv",
        f"manifest.csv: pristine/P2.png {stranger}",
        f"manifest.csv: distorted/paper/P2/blur_1.png {stranger}",
        missing,
        "manifest.csv: pristine/P2.png is listed twice",
        f"manifest.csv: pristine/P2.png {stranger}",
        "manifest.csv: distorted/paper/P2/blur_1.png is listed twice",
        f"manifest.csv: distorted/paper/P2/blur_1.png {stranger}",
        missing,
        "distorted/paper/P9/blur_1.png: no table lists it",
        "pristine/.P1.png.abc.part: left by a run that was killed; the same command again removes it",
    ]


def test_a_workspace_without_tables_lists_what_lies_about(tmp_path: Path) -> None:
    """No tables yet: no faults but images that nobody lists."""
    made = create(tmp_path / "ws")
    assert list(file_faults(made)) == []
    write_bytes(made.pristine / "P1.png", b"x")
    assert list(file_faults(made)) == ["pristine/P1.png: no table lists it"]
