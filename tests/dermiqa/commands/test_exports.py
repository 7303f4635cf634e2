from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from dermiqa.cli import cli
from mos.exports import long
from mos.exports.formats import FORMATS, export
from tests.mos.studies import small_study


def votes_file(folder: Path) -> Path:
    """A long CSV of a small study, with its images' table beside it."""
    export(small_study(folder), "long", folder / "votes")
    return folder / "votes" / "votes.csv"


def test_a_votes_file_is_exported_and_keeps_its_hash(tmp_path: Path) -> None:
    """`export VOTES --format long` of a long CSV gives back the same votes."""
    path = votes_file(tmp_path)
    result = CliRunner().invoke(
        cli, ["export", str(path), "--format", "matrix", "--format", "json", "--out", str(tmp_path / "o"), "--json"]
    )
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["simulated"] is True
    assert set(answer["files"]) == {"matrix", "json"}
    assert (tmp_path / "o" / "matrix" / "matrix_lay_quality.csv").is_file()
    assert len(long.read(path)) == len(small_study(tmp_path).votes)


def test_an_unknown_format_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A misspelt format names the nearest, exit 2; a name that is no study is one line, never a traceback."""
    path = votes_file(tmp_path)
    result = CliRunner().invoke(cli, ["export", str(path), "--format", "parket"])
    assert "did you mean 'parquet'" in str(result.exception or result.output)
    missing = CliRunner().invoke(cli, ["export", "nothing", "--format", "long", "--workspace", str(tmp_path)])
    assert "not a workspace" in str(missing.exception or missing.output)


def test_the_report_of_a_votes_file(tmp_path: Path) -> None:
    """`report VOTES` writes the HTML beside the file and says where."""
    path = votes_file(tmp_path)
    stimuli = path.parent / "stimuli.csv"
    result = CliRunner().invoke(cli, ["report", str(path), "--stimuli", str(stimuli), "--html-only", "--json"])
    assert result.exit_code == 0, result.output
    html = Path(json.loads(result.stdout)["files"][0])
    assert html.parent.name == "votes-reports"
    assert "Ladders" in html.read_text()


def test_help_names_every_format() -> None:
    """The help of `export` lists each format."""
    text = CliRunner().invoke(cli, ["export", "--help"]).output
    assert all(name in text for name in FORMATS)
