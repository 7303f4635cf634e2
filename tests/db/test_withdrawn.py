"""A photo withdrawn from the database's point of view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import select

from db.engine import reading, writing
from db.migrate import upgrade
from db.models import Audit, Presentation, Rating, Stimulus
from db.queries.withdrawn import withdraw_photo
from tests.db.small_study import fill


def test_images_are_marked_and_plans_and_votes_stay(tmp_path: Path, opening: Callable[[str], Engine]) -> None:
    """The photo's images keep only the day of withdrawal; places in the plan and votes stay and are counted; the trail tells it."""
    engine = opening(f"sqlite:///{tmp_path / 'a.db'}")
    upgrade(engine)
    fill(engine)
    with writing(engine) as session:
        assert withdraw_photo(session, "P0999", "2031-01-02") == []
    with reading(engine) as session:
        places, votes = len(session.exec(select(Presentation)).all()), len(session.exec(select(Rating)).all())
    with writing(engine) as session:
        lines = withdraw_photo(session, "P0001", "2031-01-02")
    assert lines == [f"study skin: {places} places in the plan can't be shown any more; {votes} votes stay"]
    with reading(engine) as session:
        assert {image.info["withdrawn"] for image in session.exec(select(Stimulus)).all()} == {"2031-01-02"}
        assert len(session.exec(select(Rating)).all()) == votes
        assert "photo withdrawn" in [row.action for row in session.exec(select(Audit)).all()]
