"""The verbs of photos, driven as their user would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dermiqa.cli import cli
from workspace.errors import DermiqaError
from workspace.settings import create, open_workspace
from workspace.sources import read_sources


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, and caches of its own."""
    monkeypatch.setenv("DERMIQA_CACHE", str(tmp_path / "cache"))
    return create(tmp_path / "ws").root


def dermiqa(ws: Path, *said: str) -> Result:
    """Run a verb in this process; errors of ours are raised as they are."""
    result = CliRunner().invoke(cli, ["-q", "-w", str(ws), *said], standalone_mode=False)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def prepared(ws: Path, demo_photos: Path) -> Path:
    """A workspace with two of the photos that ship, and their credits."""
    photos = [str(demo_photos / name) for name in ("tinea_forearm.jpg", "poison_oak_arm.jpg")]
    result = dermiqa(ws, "prepare", *photos, "--keep-names", "--metadata", str(demo_photos / "credits.csv"))
    assert result.return_value == 0
    assert "2 photos prepared, 0 kept, 0 the same, 0 refused" in result.stdout
    return ws


def test_the_demo_photos_credits_are_complete(demo_photos: Path) -> None:
    """Every photo that ships has its source, licence and credit, and may be shown, altered and passed on."""
    import csv

    with (demo_photos / "credits.csv").open(encoding="utf-8") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {path.name for path in demo_photos.glob("*.*g")}
    for row in rows.values():
        assert row["source"]
        assert row["licence"]
        assert row["credit"]
        assert row["may_show"] == row["may_alter"] == row["may_redistribute"] == "yes"


def test_sources_prints_the_papers_table(prepared: Path) -> None:
    """Source and count, what is not said, and the same as JSON."""
    text = dermiqa(prepared, "sources").stdout
    assert "OpenStax Pharmacology for Nurses       2" in text
    assert "may not be used" not in text
    told = json.loads(dermiqa(prepared, "sources", "--json").stdout)
    assert told["sources"] == [{"source": "OpenStax Pharmacology for Nurses", "count": 2}]
    assert told["photos"] == told["subjects"] == 2
    assert told["missing"] == {}


def test_sources_without_photos_says_what_to_do(ws: Path) -> None:
    """An empty workspace is told the verb to type."""
    with pytest.raises(DermiqaError, match="has no photos yet: bring them in with `dermiqa prepare PHOTOS`"):
        dermiqa(ws, "sources")


def test_variety_is_drawn(prepared: Path) -> None:
    """`--variety` writes the scatter and prints the shares."""
    assert "variety: the chosen photos cover 100% of the range of si" in dermiqa(prepared, "sources", "--variety").stdout
    assert (prepared / "reports" / "variety.svg").exists()


def test_withdraw_lists_first_and_then_removes(prepared: Path) -> None:
    """A dry run changes nothing; the real one removes, certifies and leaves the other photo."""
    listed = json.loads(dermiqa(prepared, "sources", "withdraw", "tinea_forearm", "--dry-run", "--json").stdout)
    assert [entry["kind"] for entry in listed["removed"]] == ["pristine"]
    assert len(list((prepared / "pristine").glob("*.png"))) == 2
    text = dermiqa(prepared, "sources", "withdraw", "tinea_forearm").stdout
    assert "removed pristine: " in text
    assert "certificate: " in text
    assert [path.stem for path in (prepared / "pristine").glob("*.png")] == ["poison_oak_arm"]
    with pytest.raises(DermiqaError, match="no photo 'tinea_forearm'"):
        dermiqa(prepared, "sources", "withdraw", "tinea_forearm")


def test_refused_photos_are_listed_and_the_exit_code_says_so(ws: Path, tmp_path: Path, demo_photos: Path) -> None:
    """A broken photo among good ones: one line, exit 1, the rest done; --json says the same."""
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "good.jpg").write_bytes((demo_photos / "tinea_forearm.jpg").read_bytes())
    (photos / "broken.jpg").write_text("no photo")
    result = dermiqa(ws, "prepare", str(photos))
    assert result.return_value == 1
    assert "refused broken.jpg: not a photo, or damaged at its beginning (b'no photo')" in result.stdout
    told = json.loads(dermiqa(ws, "prepare", str(photos), "--json").stdout)
    assert (told["kept"], told["refused"]) == (1, 1)
    assert len(read_sources(open_workspace(ws))) == 1
