"""The set as a folder to pass on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distort.card import export_folder
from distort.engine import run
from distort.recipes import load_recipe
from tests.distort.sets import small_set, source_row
from workspace.errors import WorkspaceFault
from workspace.files import read_rows, sha256_file, write_rows
from workspace.settings import Workspace
from workspace.sources import change
from workspace.tables import SOURCES_COLUMNS


def made(root: Path) -> Workspace:
    """Three photos of two subjects and two sources, one of them closed; the paper's variants."""
    place = small_set(root, 3)
    rows = [
        source_row("P1", skin_tone="VI", body_site="arm"),
        source_row("P2", subject="P1", skin_tone="II", licence="CC BY 4.0", credit="Somebody, 2020"),
        source_row("P3", may_redistribute=""),
    ]
    write_rows(place.sources, rows, SOURCES_COLUMNS)
    list(run(place, load_recipe("paper")))
    return place


def test_closed_photos_are_refused_unless_said(tmp_path: Path) -> None:
    """A photo whose may_redistribute is not yes stops the export with its name; --include-closed lets it through, marked."""
    place = made(tmp_path / "w")
    with pytest.raises(WorkspaceFault, match=r"1 photo may not be passed on \(P3: may_redistribute in sources\.csv is not yes\)"):
        export_folder(place, load_recipe("paper"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    export_folder(place, load_recipe("paper"), tmp_path / "out", include_closed=True)
    assert "**1 photo may not be passed on" in (tmp_path / "out" / "README.md").read_text()


def test_the_card_tells_counts_sources_tones_and_limits(tmp_path: Path) -> None:
    """The card states images, photos, subjects, each source with its licence, credits, skin tones, parameters and limits."""
    place = made(tmp_path / "w")
    export_folder(place, load_recipe("paper"), tmp_path / "out", include_closed=True)
    card = (tmp_path / "out" / "README.md").read_text()
    for text in (
        "57 images: 3 pristine photos of 2 subjects and 18 variants of each",
        "| made here | CC0 | 2 |", "| made here | CC BY 4.0 | 1 |", "- Somebody, 2020", "| VI | 1 |", "| not stated | 1 |",
        "| blur_1 | blur | 01 | 4 | sigma 2 px |", "## Known limits", "not on skin",
    ):  # fmt: skip
        assert text in card
    rows = read_rows(tmp_path / "out" / "manifest.csv")
    assert len(rows) == 57
    assert all(sha256_file(tmp_path / "out" / row["file"]) == row["sha256"] for row in rows)


def test_what_was_filled_in_after_the_run_is_passed_on(tmp_path: Path) -> None:
    """The folder's manifest has the sources and licences that sources.csv says now, not those of the day of the run."""
    place = made(tmp_path / "w")
    change(place, "P2", {"source": "Clinic", "licence": "CC0"})
    export_folder(place, load_recipe("paper"), tmp_path / "out", include_closed=True)
    rows = [row for row in read_rows(tmp_path / "out" / "manifest.csv") if row["pristine"] == "P2"]
    assert {(row["source"], row["licence"]) for row in rows} == {("Clinic", "CC0")}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_croissant_is_valid_and_yields_the_rows(tmp_path: Path) -> None:
    """mlcroissant reads the description without errors and gives the manifest's rows from the folder."""
    croissant = pytest.importorskip("mlcroissant")
    place = made(tmp_path / "w")
    export_folder(place, load_recipe("paper"), tmp_path / "out", include_closed=True)
    path = tmp_path / "out" / "croissant.json"
    dataset = croissant.Dataset(jsonld=path)
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    records = list(dataset.records("images"))
    assert len(records) == 57
    assert records[1]["images/variant"] == b"jpeg_1"
    assert json.loads(path.read_text())["license"] == ["CC BY 4.0", "CC0"]
