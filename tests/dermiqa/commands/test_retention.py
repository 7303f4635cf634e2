"""What is kept about people, and until when."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from db.datamap import PERSONAL, PURPOSE
from db.engine import writing
from db.erasure import erase_observer, find_observer
from db.migrate import upgrade
from dermiqa.cli import cli
from tests.db.small_study import fill
from workspace.errors import StudyFault, UsageFault
from workspace.settings import create

ROOT = Path(__file__).resolve().parents[3]


def call(*words: str) -> Result:
    """Run the command line within this process."""
    return CliRunner().invoke(cli, list(words), standalone_mode=False, catch_exceptions=False)


def test_a_study_is_due_after_its_date_until_nobody_is_left(tmp_path: Path, opening: Callable[[str], Engine]) -> None:
    """Before the day nothing is due; after it the study is listed with what it keeps, and no longer once all are erased."""
    place = create(tmp_path / "ws")
    engine = opening(place.database_url)
    upgrade(engine)
    fill(engine)
    root = str(place.root)
    call("study", "retain", "-w", root, "skin", "2999-12-31")
    assert json.loads(call("study", "due", "-w", root, "--json").output) == []
    call("study", "retain", "-w", root, "skin", "2020-01-31")
    listed = call("study", "due", "-w", root, "--json")
    assert listed.return_value == 1
    assert json.loads(listed.output) == [{"study": "skin", "until": "2020-01-31", "observers": 2, "votes": 4}]
    with writing(engine) as session:
        for pseudonym in ("P01", "P02"):
            erase_observer(session, find_observer(session, "skin", pseudonym), keep_votes=True)
    assert "nothing is due" in call("study", "due", "-w", root).output


def test_wrong_calls_are_one_line(tmp_path: Path) -> None:
    """An unknown study and a date that is none are named."""
    root = str(create(tmp_path / "ws").root)
    with pytest.raises(StudyFault, match="no study 'skin'"):
        call("study", "retain", "-w", root, "skin", "2030-01-01")
    with pytest.raises(UsageFault, match="'soon' is no date"):
        call("study", "retain", "-w", root, "skin", "soon")


def test_the_page_of_the_data_map_is_current() -> None:
    """docs/data.md is what the tables say today, with every table and every column about a person."""
    text = call("db", "map").output
    assert [name for name in [*PURPOSE, *PERSONAL] if f"| {name} |" not in text] == []
    assert (ROOT / "docs" / "data.md").read_text() == text
