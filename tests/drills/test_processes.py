"""PostgreSQL with several server processes: nothing is lost between them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from dermiqa.checks import all_faults
from tests.annotate_app.house import make_house
from tests.drills.conftest import PLAN
from tests.drills.server import Load, Server, codes, lost, stored

PEOPLE = 16


@pytest.mark.slow
def test_two_processes_on_postgresql_lose_nothing(tmp_path: Path, opening: Callable[[str], Engine], postgres_url: str) -> None:
    """16 observers over two processes: every vote is stored once, the metrics add up over both, SIGTERM ends all of them."""
    house = make_house(tmp_path / "ws", opening(postgres_url), postgres_url, contents=6)
    house.open(**{**PLAN, "panels": [{"target": PEOPLE}]})
    with Server(house.workspace.root, "--workers", "2", "--metrics") as server:
        with Load(server.address, codes(house, PEOPLE)) as load:
            load.thread.join(120)
        pages = [server.get("/metrics")[1].decode() for _ in range(4)]
        assert server.end() == 0
    assert (load.faults, load.refusals) == ([], [(409, text) for _, text in load.refusals])
    assert len(load.acknowledged) == PEOPLE * 30
    assert stored(postgres_url) == load.acknowledged
    assert lost(load.acknowledged, postgres_url) == []
    assert {re.search(r"dermiqa_votes_total ([\d.]+)", page)[1] for page in pages} == {f"{PEOPLE * 30}.0"}  # type: ignore[index]
    assert list(all_faults(house.workspace)) == []
