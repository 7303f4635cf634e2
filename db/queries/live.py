"""A study's day in numbers that the database gives at once: who is at work, times, sessions under way, events."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func
from sqlmodel import Session, col, select

from db.models import Event, Observer, Panel, Rating, RatingSession, Slot
from db.types import now

AT_WORK = timedelta(minutes=10)
NEWEST = 500
LOOKED_AT = 50_000


def first_since(session: Session, moment: datetime) -> int:
    """The least id of a vote received at `moment` or later, found by halving: votes come in the order of their ids."""
    low, high = 0, (session.exec(select(func.max(Rating.id))).one() or 0) + 1
    while high - low > 1:
        middle = (low + high) // 2
        newest = (
            select(Rating.received).where(col(Rating.id) <= middle, col(Rating.id) > low).order_by(col(Rating.id).desc()).limit(1)
        )
        received = session.exec(newest).first()
        low, high = (middle, high) if received is None or received < moment else (low, middle)
    return high


def at_work(session: Session, version_id: int) -> int:
    """Observers of a version with a vote within the last ten minutes."""
    recent = select(Rating.observer_id).where(col(Rating.id) >= first_since(session, now() - AT_WORK)).distinct()
    query = (
        select(func.count())
        .select_from(Observer)
        .join(Panel, col(Panel.id) == Observer.panel_id)
        .where(Panel.version_id == version_id, col(Observer.id).in_(recent))
    )
    return session.exec(query).one()


def seconds_per_vote(session: Session, version_id: int) -> float | None:
    """The median time of a version's votes among the newest of all, in seconds."""
    newest = session.exec(select(func.max(Rating.id))).one() or 0
    query = (
        select(Rating.response_ms)
        .join(Slot, col(Slot.id) == Rating.slot_id)
        .join(Panel, col(Panel.id) == Slot.panel_id)
        .where(Panel.version_id == version_id, col(Rating.response_ms).is_not(None), col(Rating.id) > newest - LOOKED_AT)
        .order_by(col(Rating.id).desc())
        .limit(NEWEST)
    )
    times = [value for value in session.exec(query) if value is not None]
    return median(times) / 1000 if times else None


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
