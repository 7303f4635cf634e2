"""A study's day in numbers, by counting in the database alone: who is at work, gold, repeats, times, drift, breaches."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import Any

from sqlalchemy import Integer, and_, case, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from db.models import Event, Observer, Panel, Presentation, Rating, RatingSession, Slot, StudyStimulus
from db.types import now

AT_WORK = timedelta(minutes=10)
NEWEST = 500
RATED = ("test", "reference", "anchor")


def at_work(session: Session, version_id: int) -> int:
    """Observers of a version with a vote within the last ten minutes."""
    query = (
        select(func.count(func.distinct(Rating.observer_id)))
        .join(Observer, col(Observer.id) == Rating.observer_id)
        .join(Panel, col(Panel.id) == Observer.panel_id)
        .where(Panel.version_id == version_id, col(Rating.received) > now() - AT_WORK)
    )
    return session.exec(query).one()


def gold(session: Session, version_id: int) -> dict[str, int]:
    """Gold votes with a value to expect, and how many missed it."""
    missed = func.abs(col(Rating.value) - StudyStimulus.expected) > StudyStimulus.tolerance
    query = (
        select(func.count(), func.coalesce(func.sum(case((missed, 1), else_=0)), 0))
        .select_from(Rating)
        .join(Presentation, col(Presentation.id) == Rating.presentation_id)
        .join(StudyStimulus, and_(col(StudyStimulus.version_id) == Presentation.version_id,
                                  col(StudyStimulus.stimulus_id) == Presentation.stimulus_id))
        .where(Presentation.version_id == version_id, Presentation.role == "gold", col(StudyStimulus.expected).is_not(None),
               col(Rating.value).is_not(None))
    )  # fmt: skip
    judged, misses = session.exec(query).one()
    return {"judged": judged, "missed": int(misses)}


def repeats(session: Session, version_id: int) -> dict[str, Any]:
    """Repeated votes that have a first one, and the mean distance to it in levels (None: no repeat yet)."""
    again, first, shown, before = aliased(Rating), aliased(Rating), aliased(Presentation), aliased(Presentation)
    query = (
        select(func.count(), func.avg(func.abs(col(again.value) - first.value)))
        .select_from(again)
        .join(shown, col(shown.id) == again.presentation_id)
        .join(before, and_(col(before.slot_id) == shown.slot_id, col(before.stimulus_id) == shown.stimulus_id,
                           col(before.role).in_(RATED)))
        .join(first, and_(col(first.presentation_id) == before.id, col(first.question_id) == again.question_id,
                          col(first.observer_id) == again.observer_id))
        .where(shown.version_id == version_id, shown.role == "repeat", col(again.value).is_not(None), col(first.value).is_not(None))
    )  # fmt: skip
    pairs, distance = session.exec(query).one()
    return {"pairs": pairs, "distance": None if distance is None else float(distance)}


def seconds_per_vote(session: Session, version_id: int) -> float | None:
    """The median time of the newest votes, in seconds."""
    query = (
        select(Rating.response_ms)
        .join(Slot, col(Slot.id) == Rating.slot_id)
        .join(Panel, col(Panel.id) == Slot.panel_id)
        .where(Panel.version_id == version_id, col(Rating.response_ms).is_not(None))
        .order_by(col(Rating.id).desc())
        .limit(NEWEST)
    )
    times = [value for value in session.exec(query) if value is not None]
    return median(times) / 1000 if times else None


def drift(session: Session, version_id: int) -> float | None:
    """Mean vote in the last third of the rows minus that in the first third, in levels; None while one of them is empty."""
    third = cast(col(Presentation.position) * 3 / col(Slot.length), Integer)
    query = (
        select(third, func.avg(Rating.value))
        .select_from(Rating)
        .join(Presentation, col(Presentation.id) == Rating.presentation_id)
        .join(Slot, col(Slot.id) == Rating.slot_id)
        .where(Presentation.version_id == version_id, col(Presentation.role).in_(RATED), col(Rating.value).is_not(None))
        .group_by(third)
    )
    means = {int(part): float(value) for part, value in session.exec(query)}
    return means[2] - means[0] if {0, 2} <= set(means) else None


def breaches(session: Session, study_id: int) -> dict[str, int]:
    """Events of a study by kind, commonest first, without those that only say how far somebody is."""
    query = select(Event.kind, func.count()).where(Event.study_id == study_id, col(Event.kind).not_like("step.%"))
    query = query.group_by(Event.kind)
    return dict(sorted(session.exec(query).all(), key=lambda pair: -pair[1]))


def under_way(session: Session, version_id: int) -> int:
    """Sittings begun and not ended."""
    query = (
        select(func.count())
        .select_from(RatingSession)
        .join(Slot, col(Slot.id) == RatingSession.slot_id)
        .join(Panel, col(Panel.id) == Slot.panel_id)
        .where(Panel.version_id == version_id, col(RatingSession.ended).is_(None))
    )
    return session.exec(query).one()
