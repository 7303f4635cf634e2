"""What the database itself refuses, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from db.migrate import upgrade
from tests.db.small_study import fill


@pytest.fixture
def engine(database_url: str, opening: Callable[[str], Engine]) -> Engine:
    """A database with the small study."""
    made = opening(database_url)
    upgrade(made)
    fill(made)
    return made


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("value = 11", "ck_ratings_on_scale"),
        ("value = 0", "ck_ratings_on_scale"),
        ("value = NULL", "ck_ratings_value_or_reason"),
        ("missing = 'unwell'", "ck_ratings_value_or_reason"),
        ("high = 100", "FOREIGN KEY|fk_ratings_question_id_low_high"),
        ("key = 'z', observer_id = (SELECT max(id) FROM observers)", "FOREIGN KEY|fk_ratings_"),
        ("slot_id = (SELECT max(id) FROM slots)", "FOREIGN KEY|fk_ratings_"),
        ("presentation_id = 2, question_id = 1", "UNIQUE|uq_ratings_presentation_id_question_id"),
    ],
)
def test_a_wrong_rating_is_refused(engine: Engine, change: str, constraint: str) -> None:
    """A value off the scale, a rating without value or reason, another's rating and a second one break a named constraint."""
    with pytest.raises(IntegrityError, match=constraint), engine.begin() as connection:
        connection.execute(text(f"UPDATE ratings SET {change} WHERE id = 1"))


def test_a_vote_of_one_half_is_refused(engine: Engine) -> None:
    """Only whole numbers are kept, whatever the scale."""
    with engine.connect() as connection:
        before = connection.execute(text("SELECT value FROM ratings WHERE id = 1")).scalar()
        if connection.dialect.name == "sqlite":
            with pytest.raises(IntegrityError, match="REAL value in INTEGER column"):
                connection.execute(text("UPDATE ratings SET value = 1.5 WHERE id = 1"))
        else:
            column = "SELECT data_type FROM information_schema.columns WHERE table_name = 'ratings' AND column_name = 'value'"
            assert connection.execute(text(column)).scalar() == "integer"
        assert before == 9
