"""The audit trail's chain."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from db.engine import reading, writing
from db.migrate import upgrade
from db.queries import audit


@pytest.fixture
def engine(database_url: str, opening: Callable[[str], Engine]) -> Engine:
    """A database with five rows in the trail."""
    made = opening(database_url)
    upgrade(made)
    for n in range(5):
        with writing(made) as session:
            audit.append(session, f"freeze {n}", object_kind="study", object_id=n, detail={"sha256": "ñ" * n})
    return made


def _faults(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(audit.chain_faults(session))


def test_a_whole_chain_has_no_fault(engine: Engine) -> None:
    """Rows written one after another agree."""
    assert _faults(engine) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE audit SET action = 'open' WHERE id = 3", "row 3 (open) was changed"),
        ("UPDATE audit SET detail = '{}' WHERE id = 5", "row 5 (freeze 4) was changed"),
        ("DELETE FROM audit WHERE id = 2", "row 3 does not follow the row before it"),
        ("DELETE FROM audit WHERE id = 1", "row 2 does not follow the row before it"),
    ],
)
def test_a_break_is_found(engine: Engine, change: str, said: str) -> None:
    """A changed or removed row is named."""
    with engine.begin() as connection:
        connection.execute(text(change))
    assert any(said in fault for fault in _faults(engine))
