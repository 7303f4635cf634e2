"""Numbers for a study's board: who stands where, and how many votes each image has."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from db.models import Assignment, Observer, Panel, Presentation, Rating, RatingSession, Slot, StudyStimulus

COUNTED = ("test", "reference", "anchor")


def observer_states(session: Session, version_id: int | None) -> dict[str, int]:
    """How many observers of a version are in each state."""
    query = select(Observer.state).join(Panel, col(Panel.id) == Observer.panel_id).where(Panel.version_id == version_id)
    return dict(Counter(session.exec(query).all()))


def votes_per_image(session: Session, version_id: int | None) -> list[int]:
    """How many votes each image that counts has on the first question (0 included), sorted."""
    counted = (
        select(col(Presentation.stimulus_id), func.count())
        .join(Rating, col(Rating.presentation_id) == Presentation.id)
        .where(Presentation.version_id == version_id, col(Presentation.role).in_(COUNTED), col(Rating.value).is_not(None))
        .group_by(col(Presentation.stimulus_id), col(Rating.question_id))
    )
    best: dict[int, int] = {}
    for stimulus, votes in session.exec(counted):
        best[stimulus] = max(votes, best.get(stimulus, 0))
    images = session.exec(select(StudyStimulus.stimulus_id).where(
        StudyStimulus.version_id == version_id, col(StudyStimulus.role).in_(COUNTED))).all()  # fmt: skip
    return sorted(best.get(image, 0) for image in images)


def progress(session: Session, version_id: int | None) -> list[dict[str, Any]]:
    """One row per observer of a version: pseudonym, state, simulated, sittings ended, votes given, places in the row."""
    votes = select(col(Rating.observer_id).label("id"), func.count().label("votes")).group_by(col(Rating.observer_id)).subquery()
    ended = (
        select(col(RatingSession.observer_id).label("id"), func.count().label("ended"))
        .where(col(RatingSession.ended).is_not(None))
        .group_by(col(RatingSession.observer_id))
        .subquery()
    )
    query = (
        select(Observer, Panel.name, votes.c.votes, ended.c.ended, Assignment, Slot.sessions)  # type: ignore[call-overload]
        .join(Panel, col(Panel.id) == Observer.panel_id)
        .outerjoin(votes, votes.c.id == Observer.id)
        .outerjoin(ended, ended.c.id == Observer.id)
        .outerjoin(Assignment, col(Assignment.observer_id) == Observer.id)
        .outerjoin(Slot, col(Slot.id) == Assignment.slot_id)
        .where(Panel.version_id == version_id)
        .order_by(col(Observer.id))
    )
    return [
        {"observer": o.pseudonym, "panel": panel, "state": o.state, "simulated": o.simulated, "votes": given or 0,
         "sessions": f"{done or 0} of {sessions or '?'}", "places": (held.to_position - held.from_position) if held else None}
        for o, panel, given, done, held, sessions in session.exec(query)
    ]  # fmt: skip
