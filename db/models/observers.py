"""Those who rate: observers, their links and browsers, the positions given to them, judgements of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from db.models.columns import OBSERVER_STATES, STRICT, flag, json_value, moment, new_token, one_of, text
from db.types import now


class Observer(SQLModel, table=True):
    """A person who rates, known by a pseudonym alone; `simulated` for good where no person voted."""

    __tablename__ = "observers"
    __table_args__ = (
        one_of("state", OBSERVER_STATES),
        UniqueConstraint("study_id", "pseudonym"),
        UniqueConstraint("study_id", "provider_hash"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    token: str = text(default_factory=new_token, unique=True)
    study_id: int = Field(foreign_key="studies.id")
    panel_id: int = Field(foreign_key="panels.id", index=True)
    pseudonym: str = text()
    simulated: bool = flag(default=False)
    state: str = text(default="invited")
    language: str = text(default="en")
    time_zone: str = text(default="UTC")
    provider_hash: str | None = text(default=None)
    consent_version: str | None = text(default=None)
    consented: datetime | None = moment(default=None)
    answers: dict[str, Any] = json_value(default_factory=dict)
    flags: dict[str, Any] = json_value(default_factory=dict)
    step: str = text(default="welcome")
    created: datetime = moment(default_factory=now)
    withdrawn: datetime | None = moment(default=None)
    finished: datetime | None = moment(default=None)


class Invitation(SQLModel, table=True):
    """A link: for one observer, or open with a quota. Only the hash of its code is kept; reissue revokes the old one."""

    __tablename__ = "invitations"
    __table_args__ = (CheckConstraint("quota >= 1", name="quota"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    panel_id: int = Field(foreign_key="panels.id", index=True)
    observer_id: int | None = Field(default=None, foreign_key="observers.id", index=True)
    code_hash: str = text(unique=True)
    quota: int = Field(default=1)
    created: datetime = moment(default_factory=now)
    revoked: datetime | None = moment(default=None)


class Device(SQLModel, table=True):
    """A browser that an observer signed on with; only the hash of its cookie is kept, and a later one ends it."""

    __tablename__ = "devices"
    __table_args__ = (STRICT,)

    id: int | None = Field(default=None, primary_key=True)
    observer_id: int = Field(foreign_key="observers.id", index=True)
    token_hash: str = text(unique=True)
    created: datetime = moment(default_factory=now)
    ended: datetime | None = moment(default=None)


class Assignment(SQLModel, table=True):
    """Positions of a slot given to an observer (none where both are equal); a replacement takes over the rest as another one."""

    __tablename__ = "assignments"
    __table_args__ = (
        CheckConstraint("from_position >= 0 AND to_position >= from_position", name="positions"),
        UniqueConstraint("id", "slot_id", "observer_id"),
        UniqueConstraint("slot_id", "observer_id"),
        Index(
            "uq_assignments_slot_id_from_position",
            "slot_id",
            "from_position",
            unique=True,
            sqlite_where=sql("to_position > from_position"),
            postgresql_where=sql("to_position > from_position"),
        ),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    slot_id: int = Field(foreign_key="slots.id")
    observer_id: int = Field(foreign_key="observers.id", index=True)
    from_position: int = Field(default=0)
    to_position: int = Field()
    created: datetime = moment(default_factory=now)


class Decision(SQLModel, table=True):
    """A person's judgement of an observer, with its reason and the rule set; a later row reverses an earlier one."""

    __tablename__ = "decisions"
    __table_args__ = (one_of("verdict", ("keep", "exclude")), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    observer_id: int = Field(foreign_key="observers.id", index=True)
    curator_id: int = Field(foreign_key="curators.id")
    verdict: str = text()
    reason: str = text()
    rules: dict[str, Any] = json_value(default_factory=dict)
    at: datetime = moment(default_factory=now)
