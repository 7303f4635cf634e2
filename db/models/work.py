"""Long work outside the web process, the boards' summaries that it makes, and the trail of who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.models.columns import JOB_STATES, STRICT, flag, json_value, moment, new_token, number, one_of, text
from db.types import now


class Job(SQLModel, table=True):
    """Long work outside the web process, held by a worker under a lease."""

    __tablename__ = "jobs"
    __table_args__ = (one_of("state", JOB_STATES), Index("ix_jobs_state_created", "state", "created"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    token: str = text(default_factory=new_token, unique=True)
    kind: str = text()
    arguments: dict[str, Any] = json_value(default_factory=dict)
    state: str = text(default="queued")
    done: int = Field(default=0)
    total: int | None = Field(default=None)
    message: str = text(default="")
    result: dict[str, Any] = json_value(default_factory=dict)
    curator_id: int | None = Field(default=None, foreign_key="curators.id")
    created: datetime = moment(default_factory=now)
    started: datetime | None = moment(default=None)
    ended: datetime | None = moment(default=None)
    worker: str | None = text(default=None)
    lease_until: datetime | None = moment(default=None)
    cancel: bool = flag(default=False)


class Summary(SQLModel, table=True):
    """The numbers of a version's board, made outside the web process: `made` is when they were last true, `seconds` how long that took.

    `counted` names what they were made from, so that nothing is counted again while nothing has changed.
    """

    __tablename__ = "summaries"
    __table_args__ = (STRICT,)

    version_id: int = Field(foreign_key="study_versions.id", primary_key=True)
    made: datetime = moment(default_factory=now)
    seconds: float = number(default=0.0)
    counted: str = text(default="")
    data: dict[str, Any] = json_value(default_factory=dict)


class Audit(SQLModel, table=True):
    """Who did what when; append-only, each row's hash covers the one before. Ids, actions and hashes only."""

    __tablename__ = "audit"
    __table_args__ = (STRICT,)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment(default_factory=now)
    curator_id: int | None = Field(default=None, foreign_key="curators.id")
    action: str = text()
    object_kind: str = text(default="")
    object_id: int | None = Field(default=None)
    detail: dict[str, Any] = json_value(default_factory=dict)
    previous: str = text()
    sha256: str = text(unique=True)
