from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from click.testing import CliRunner

from dermiqa.cli import cli
from dermiqa.commands.power import power
from mos.exports.formats import export
from tests.mos.studies import small_study


def test_panels_of_a_votes_file_are_compared(tmp_path: Path) -> None:
    """`compare lay expert --study VOTES` prints a verdict, writes the tables, and never says equivalent out of reach."""
    export(small_study(tmp_path), "long", tmp_path / "v")
    call = [
        "compare",
        "lay",
        "expert",
        "--study",
        str(tmp_path / "v" / "votes.csv"),
        "--stimuli",
        str(tmp_path / "v" / "stimuli.csv"),
    ]
    result = CliRunner().invoke(cli, [*call, "--margin", "0.1", "--out", str(tmp_path / "c")])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].startswith("COULD NOT DECIDE: ±0.1 was out of reach") or "DIFFERENT" in result.stdout
    assert len(pd.read_csv(tmp_path / "c" / "images.csv")) == 20
    assert json.loads((tmp_path / "c" / "comparison.json").read_text())["common_images"] == 20
    answer = CliRunner().invoke(cli, [*call, "--json"])
    assert json.loads(answer.stdout)["verdict"] == "could not decide"


def test_an_unknown_panel_names_the_known_ones(tmp_path: Path) -> None:
    """A panel that the study has not is refused with those that it has."""
    export(small_study(tmp_path), "long", tmp_path / "v")
    result = CliRunner().invoke(cli, ["compare", "lay", "doctors", "--study", str(tmp_path / "v" / "votes.csv")])
    assert "no panel 'doctors'; it has: expert, lay" in str(result.exception or result.output)
    alone = CliRunner().invoke(cli, ["compare", "lay", "expert"])
    assert "say --study" in str(alone.exception or alone.output)


def test_power_says_what_two_panels_can_tell() -> None:
    """The default prints the smallest margin; a margin out of reach ends in 1 with the line that freezing asks about."""
    plain = CliRunner().invoke(power, [])
    assert plain.exit_code == 0
    assert "0.86 points" in plain.output
    poor = CliRunner().invoke(power, ["--margin", "0.5"], standalone_mode=False)
    assert poor.return_value == 1
    assert "out of reach" in poor.output
    table = json.loads(CliRunner().invoke(power, ["--json"]).output)
    assert table["panels"]["minutes"] == 38
