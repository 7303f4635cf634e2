"""Houses: a workspace with a study, on SQLite alone or on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.annotate_app.desk import Office
from tests.annotate_app.house import House, make_house


@pytest.fixture
def house(tmp_path: Path, opening: Callable[[str], Engine]) -> House:
    """A workspace on SQLite without a study yet."""
    url = f"sqlite:///{tmp_path / 'house.db'}"
    return make_house(tmp_path / "ws", opening(url), url)


@pytest.fixture
def both(tmp_path: Path, opening: Callable[[str], Engine], database_url: str) -> House:
    """The same, once on SQLite and once on PostgreSQL."""
    return make_house(tmp_path / "ws", opening(database_url), database_url)


@pytest.fixture
def office(house: House) -> Iterator[Office]:
    """The application of a house on SQLite."""
    made = Office(house)
    with made.first:
        yield made
