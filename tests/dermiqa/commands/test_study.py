"""The verbs of a study, as typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from annotate_app import studies
from db.engine import writing
from dermiqa.cli import cli
from tests.annotate_app.house import House, make_house
from tests.annotate_app.server import ServerProcess
from tests.loops import run_apart


@pytest.fixture
def house(tmp_path: Path, opening: Callable[[str], Engine]) -> House:
    """A workspace with a running study of four rows."""
    url = f"sqlite:///{tmp_path / 'house.db'}"
    return make_house(tmp_path / "ws", opening(url), url).open()


def call(house: House, *words: str) -> Any:
    """The JSON that a verb prints."""
    done = CliRunner().invoke(
        cli, ["-w", str(house.workspace.root), *words, "--json"], standalone_mode=False, catch_exceptions=False
    )
    return json.loads(done.stdout)


def test_a_study_is_copied(house: House) -> None:
    """The copy is a draft with the same settings, planned and frozen on its own."""
    copied = call(house, "study", "copy", "skin", "second")
    assert copied["draft"]["gold_values"] == "kadid"
    assert call(house, "study", "status", "second")["state"] == "draft"
    assert call(house, "study", "freeze", "second")["version"] == 1


def test_a_running_study_is_topped_up(house: House) -> None:
    """Rows are added while the study is open; it verifies, and as many links more can be used."""
    added = call(house, "study", "top-up", "skin", "--rows", "3")
    assert (added["first"], added["rows"], added["observers"]) == (4, 3, 7)
    assert call(house, "study", "verify", "skin")["faults"] == []
    assert call(house, "simulate", "skin", "--observers", "7")["votes"] > 0
    assert call(house, "study", "status", "skin")["votes_per_image"]["least"] == 7


def test_gold_values_come_from_a_pilot(house: House) -> None:
    """A pilot's votes are shown image by image, with what is expected from now on or why nothing is."""
    with writing(house.engine) as session:
        studies.create(session, "pilot", reserve=1, training=2, gold=2, simulated=True, panels=[{"phase": "pilot", "target": 6}])
        studies.create(session, "main", reserve=1, training=2, gold=2, simulated=True)
    call(house, "study", "freeze", "pilot")
    call(house, "study", "open", "pilot")
    call(house, "simulate", "pilot", "--observers", "6", "--careless", "0")
    found = call(house, "study", "gold", "main", "--pilot", "pilot")["gold"]
    assert [one["votes"] for one in found] == [6, 6]
    assert any(one["expected"] is not None and one["tolerance"] >= 2.25 for one in found)


@pytest.fixture
def server(house: House) -> Iterator[ServerProcess]:
    """The observers' pages, served."""
    made = ServerProcess(house.workspace.root, "--only", "observer")
    made.start()
    try:
        yield made
    finally:
        made.kill()


@pytest.mark.slow
def test_model_observers_rate_through_the_server(house: House, server: ServerProcess) -> None:
    """`simulate --through-http` gives the same votes as writing them directly, and goes on where it was."""
    done = run_apart(call, house, "simulate", "skin", "--observers", "4", "--through-http", server.url)
    assert done["observers"] == 4
    assert len(house.votes()) > 4 * 15
    assert run_apart(call, house, "simulate", "skin", "--observers", "4", "--through-http", server.url)["votes"] == 0
    assert call(house, "study", "verify", "skin")["faults"] == []
