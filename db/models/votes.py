"""Sittings, votes, and what happened beside them. The database refuses another's vote and a value off the scale."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.models.columns import STRICT, json_value, moment, new_token, number, text
from db.types import now


class RatingSession(SQLModel, table=True):
    """One sitting of an observer, with what is known of the display."""

    __tablename__ = "sessions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["assignment_id", "slot_id", "observer_id"], ["assignments.id", "assignments.slot_id", "assignments.observer_id"]
        ),
        UniqueConstraint("observer_id", "number"),
        UniqueConstraint("id", "observer_id"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    token: str = text(default_factory=new_token, unique=True)
    assignment_id: int = Field()
    slot_id: int = Field()
    observer_id: int = Field()
    number: int = Field()
    started: datetime = moment(default_factory=now)
    ended: datetime | None = moment(default=None)
    display: dict[str, Any] = json_value(default_factory=dict)
    receipt: str | None = text(default=None)


class Rating(SQLModel, table=True):
    """A vote, or a reasoned missing vote; written once and never changed."""

    __tablename__ = "ratings"
    __table_args__ = (
        ForeignKeyConstraint(["presentation_id", "slot_id"], ["presentations.id", "presentations.slot_id"]),
        ForeignKeyConstraint(
            ["assignment_id", "slot_id", "observer_id"], ["assignments.id", "assignments.slot_id", "assignments.observer_id"]
        ),
        ForeignKeyConstraint(["session_id", "observer_id"], ["sessions.id", "sessions.observer_id"]),
        ForeignKeyConstraint(["question_id", "low", "high"], ["questions.id", "questions.low", "questions.high"]),
        CheckConstraint("value BETWEEN low AND high", name="on_scale"),
        CheckConstraint("(value IS NULL) <> (missing IS NULL)", name="value_or_reason"),
        UniqueConstraint("presentation_id", "question_id"),
        UniqueConstraint("observer_id", "key"),
        Index("ix_ratings_session_id", "session_id"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    presentation_id: int = Field()
    question_id: int = Field()
    slot_id: int = Field()
    assignment_id: int = Field()
    observer_id: int = Field()
    session_id: int = Field()
    low: int = Field()
    high: int = Field()
    value: int | None = Field(default=None)
    missing: str | None = text(default=None)
    key: str = text()
    view_ms: float | None = number(default=None)
    response_ms: float | None = number(default=None)
    pixels_per_degree: float | None = number(default=None)
    replication: int | None = Field(default=None)
    received: datetime = moment(default_factory=now)


class Event(SQLModel, table=True):
    """What happened beside the votes: blur, resize, overtime, a refused vote, a lost session."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_study_id_kind", "study_id", "kind"),
        Index("ix_events_session_id_kind", "session_id", "kind"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    study_id: int | None = Field(default=None, foreign_key="studies.id")
    observer_id: int | None = Field(default=None, foreign_key="observers.id", index=True)
    session_id: int | None = Field(default=None, foreign_key="sessions.id")
    presentation_id: int | None = Field(default=None, foreign_key="presentations.id")
    kind: str = text()
    at: datetime = moment(default_factory=now)
    data: dict[str, Any] = json_value(default_factory=dict)
