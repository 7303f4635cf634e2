"""An open study of some size on SQLite, made once; every drill works on a copy of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.engine import open_engine
from tests.annotate_app.house import House, make_house
from workspace.settings import open_workspace

OBSERVERS = 24
PLAN = {"training": 0, "gold": 0, "repeats": 0, "stabilising": [0, 0], "reserve": 0, "panels": [{"target": OBSERVERS}]}


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an open study of 60 images (12 contents) and 24 observers."""
    root = tmp_path_factory.mktemp("drills") / "ws"
    url = "sqlite:///dermiqa.db"
    root.mkdir()
    engine = open_engine(f"sqlite:///{root / 'dermiqa.db'}")
    house = make_house(root, engine, url, contents=12)
    house.open(**PLAN)
    engine.dispose()
    return root


@pytest.fixture
def house(ready: Path, tmp_path: Path, opening: Callable[[str], Engine]) -> House:
    """A copy of that workspace."""
    shutil.copytree(ready, tmp_path / "ws")
    workspace = open_workspace(tmp_path / "ws")
    return House(workspace, opening(workspace.database_url))
