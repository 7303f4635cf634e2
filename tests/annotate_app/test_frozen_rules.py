"""The rule set that a study froze, and persons' exclusions, in the scores that the command line makes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from click.testing import CliRunner

from dermiqa.cli import cli
from tests.annotate_app.desk import Office
from tests.annotate_app.house import Sitter
from workspace.errors import StudyFault

REASON = "gave one value from the first image to the last"


def scored(office: Office, out: Path, *more: str) -> str:
    """What `dermiqa mos --study` prints."""
    root = str(office.house.workspace.root)
    call = ["-q", "-w", root, "mos", "--study", "skin", "--out", str(out), "--model", "MOS", *more]
    found = CliRunner().invoke(cli, call, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def vary(sitter: Sitter, by: int) -> None:
    """Vote to the end with values that change from image to image."""
    sequence, due = sitter.sequence()
    for place in range(due, len(sequence.steps)):
        assert isinstance(sitter.vote(value=1 + (3 * place + by) % 10), str)


def rated(office: Office, **draft: object) -> None:
    """Four observers: three change their values, the last gives 9 throughout."""
    office.house.open(**draft)
    for by in range(3):
        vary(office.house.sit_down(), by)
    office.house.sit_down().finish(9)


def test_the_frozen_rule_set_is_used_and_named(office: Office, tmp_path: Path) -> None:
    """Without a word on the command line the frozen rules remove whom they reject; scores with and without stand side by side."""
    rated(office, screening={"reject_by": ["straight"]})
    said = scored(office, tmp_path / "a")
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    assert summary["frozen_rule_set"] == ["straight"]
    assert summary["screening"]["frozen"] is True
    (gone,) = summary["screening"]["removed"]
    assert gone["rules"] == ["straight"]
    assert f"the study's frozen rule set straight removed: {gone['observer']}" in said
    assert "with everyone" in said
    assert pd.read_csv(tmp_path / "a" / "scores.csv")["n"].max() == 3
    assert pd.read_csv(tmp_path / "a" / "scores_all_observers.csv")["n"].max() == 4


def test_a_rule_set_that_removes_everyone_is_told(office: Office, tmp_path: Path) -> None:
    """Where nobody is left there are no scores, and one line says so."""
    office.house.open(screening={"reject_by": ["straight"]})
    for value in (3, 5):
        office.house.sit_down().finish(value)
    call = ["-w", str(office.house.workspace.root), "mos", "--study", "skin", "--out", str(tmp_path / "a"), "--model", "MOS"]
    found = CliRunner().invoke(cli, call)
    assert isinstance(found.exception, StudyFault)
    assert "removes every observer (straight): nothing is left to score" in str(found.exception)


def test_a_rule_said_goes_before_the_frozen_one(office: Office, tmp_path: Path) -> None:
    """`--reject-by` replaces the frozen rule set, and the result says which one was used."""
    rated(office, screening={"reject_by": ["straight"]})
    said = scored(office, tmp_path / "a", "--reject-by", "bt500")
    assert "rule set bt500 removed: nobody" in said
    assert "frozen rule set straight removed" not in said
    assert not (tmp_path / "a" / "scores_all_observers.csv").exists()


def test_persons_exclusions_are_told_with_their_reason(office: Office, tmp_path: Path) -> None:
    """Scores are without the excluded observer, who is named with the reason, and everyone's scores stand beside."""
    rated(office)
    desk = office.desk("reviewer")
    page = desk.get("/c/studies/skin/review").text
    label = page[page.index("R-") :][:8]
    assert desk.post(f"/c/studies/skin/review/{label}", verdict="exclude", reason=REASON, proposed="straight").status_code == 303
    said = scored(office, tmp_path / "a")
    assert f": {REASON}" in said
    assert "with everyone" in said
    assert pd.read_csv(tmp_path / "a" / "scores.csv")["n"].max() == 3
    assert pd.read_csv(tmp_path / "a" / "scores_all_observers.csv")["n"].max() == 4
    means = [pd.read_csv(tmp_path / "a" / f"conditions{end}.csv")["mean"][0] for end in ("", "_all_observers")]
    assert means[0] != means[1]
