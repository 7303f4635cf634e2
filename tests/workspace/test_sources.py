"""`sources.csv`: one row per photo, edited under a lock, by the hash of the row that was seen."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from workspace.errors import TableFault, WorkspaceFault
from workspace.files import lock, write_rows
from workspace.settings import Workspace, create
from workspace.sources import (
    blocked,
    change,
    editing,
    flags_of,
    missing,
    read_keys,
    read_source,
    read_sources,
    row_faults,
    row_hash,
    write_keys,
)
from workspace.tables import SOURCES_COLUMNS


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A workspace with two photos."""
    made = create(tmp_path / "ws")
    rows = [
        dict.fromkeys(SOURCES_COLUMNS, "") | {"pristine": name, "file": f"pristine/{name}.png"} for name in ("P0001", "P0002")
    ]
    write_rows(made.sources, rows, SOURCES_COLUMNS)
    return made


def test_a_row_is_changed_and_others_stay(place: Workspace) -> None:
    """Only the named cells of the named photo change."""
    change(place, "P0002", {"source": "Clinic, ward 7", "may_show": "yes"})
    rows = read_sources(place)
    assert rows[1]["source"] == "Clinic, ward 7"
    assert rows[0]["source"] == ""
    assert [r["pristine"] for r in rows] == ["P0001", "P0002"]


def test_an_edit_of_a_row_that_changed_meanwhile_is_refused(place: Workspace) -> None:
    """Two editors who saw the same row: the second is told to look again, and nothing is lost."""
    seen = row_hash(read_source(place, "P0001"))
    change(place, "P0001", {"notes": "first"}, seen=seen)
    with pytest.raises(WorkspaceFault, match=r"the row of P0001 in sources\.csv was changed meanwhile: look at it again"):
        change(place, "P0001", {"notes": "second"}, seen=seen)
    assert read_source(place, "P0001")["notes"] == "first"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"may_show": "maybe"}, r"P0001: may_show is 'maybe', yes, no or nothing was expected"),
        ({"consent_expires": "soon"}, r"consent_expires is 'soon', a date such as 2031-12-31"),
        ({"crop": "1 2 3"}, r"crop is '1 2 3', `x y width height` in pixels"),
        ({"masks": "1 2 3 4; 5"}, r"masks is '1 2 3 4; 5'"),
        ({"rotation": "left"}, r"rotation is 'left', degrees clockwise"),
        ({"lisence": "CC0"}, r"no column 'lisence' \(did you mean 'licence'\?\)"),
        ({"flags": "none"}, r"flags is measured by `dermiqa prepare`"),
    ],
)
def test_cells_that_cannot_be_are_refused(place: Workspace, values: dict[str, str], words: str) -> None:
    """A bad value, an unknown column and a measured one are named with what was expected; the table stays."""
    before = place.sources.read_text()
    with pytest.raises(TableFault, match=words):
        change(place, "P0001", values)
    assert place.sources.read_text() == before


def test_an_unknown_photo_is_told_with_the_nearest(place: Workspace) -> None:
    """A wrong name gets the nearest known one."""
    with pytest.raises(WorkspaceFault, match=r"no photo 'P0003' \(did you mean 'P000[12]'\?\)"):
        read_source(place, "P0003")


def test_two_writers_at_once_are_refused(place: Workspace) -> None:
    """Who finds the lock held is told so instead of overwriting."""
    with lock(place.root, "sources"), pytest.raises(WorkspaceFault, match="another dermiqa is editing"), editing(place, wait=0.1):
        pass


def test_a_failing_edit_writes_nothing(place: Workspace) -> None:
    """A failure within the block leaves the table as it was."""
    before = place.sources.read_text()
    with pytest.raises(ZeroDivisionError), editing(place) as rows:
        rows[0]["notes"] = str(1 // 0)
    assert place.sources.read_text() == before


def test_what_blocks_a_photo() -> None:
    """A no to showing or altering, a refusal or an expired consent blocks; an empty cell doesn't."""
    assert blocked({"may_show": "no"}) == "may_show is no"
    assert blocked({"may_alter": "No"}) == "may_alter is no"
    assert blocked({"accepted": "no"}) == "accepted is no"
    assert blocked({"consent_expires": "2030-01-31"}, today=date(2030, 2, 1)) == "the consent expired on 2030-01-31"
    assert blocked({"consent_expires": "2030-01-31"}, today=date(2030, 1, 31)) == ""
    assert blocked({"may_show": "", "may_redistribute": "no"}) == ""


def test_gaps_and_flags_are_listed() -> None:
    """Empty cells that matter are named; flags are words."""
    assert missing(dict.fromkeys(SOURCES_COLUMNS, "x") | {"licence": " ", "notes": ""}) == ["licence"]
    assert flags_of({"flags": "blurred near_duplicate:P0003"}) == ["blurred", "near_duplicate:P0003"]
    assert list(row_faults(dict.fromkeys(SOURCES_COLUMNS, ""))) == []


def test_keys_are_private(place: Workspace) -> None:
    """keys.csv comes back as written and only its owner may read it."""
    write_keys(place, [("P0001", "/photos/Jane, Doe.jpg")])
    assert read_keys(place) == {"P0001": "/photos/Jane, Doe.jpg"}
    if os.name == "posix":
        assert place.keys.stat().st_mode & 0o777 == 0o600


def test_a_table_without_a_column_is_named(place: Workspace) -> None:
    """A sources.csv that lost a column is refused by the column's name."""
    place.sources.write_text(place.sources.read_text().replace("licence,", "", 1))
    with pytest.raises(TableFault, match="has no column 'licence'"):
        read_sources(place)
