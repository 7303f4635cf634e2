"""Studies, their frozen versions, panels and questions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.models.columns import PHASES, STRICT, STUDY_STATES, json_value, moment, new_token, one_of, text
from db.types import now


class Study(SQLModel, table=True):
    """A study; `draft` holds the settings that a new version will freeze."""

    __tablename__ = "studies"
    __table_args__ = (one_of("state", STUDY_STATES), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    token: str = text(default_factory=new_token, unique=True)
    name: str = text(unique=True)
    state: str = text(default="draft")
    draft: dict[str, Any] = json_value(default_factory=dict)
    created: datetime = moment(default_factory=now)
    opened: datetime | None = moment(default=None)
    closed: datetime | None = moment(default=None)
    retention_until: datetime | None = moment(default=None)


class StudyVersion(SQLModel, table=True):
    """A frozen protocol: texts, scale, rules, seed and plan under one hash; never changed."""

    __tablename__ = "study_versions"
    __table_args__ = (UniqueConstraint("study_id", "version"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    study_id: int = Field(foreign_key="studies.id")
    version: int = Field()
    protocol: dict[str, Any] = json_value()
    seed: int = Field()
    design_version: str = text()
    plan_sha256: str = text()
    files_sha256: str = text()
    sha256: str = text()
    proof: dict[str, Any] = json_value(default_factory=dict)
    frozen: datetime = moment(default_factory=now)


class Panel(SQLModel, table=True):
    """A group of observers who follow one plan; pilot and dry run are kept apart from the data."""

    __tablename__ = "panels"
    __table_args__ = (one_of("phase", PHASES), UniqueConstraint("version_id", "name"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="study_versions.id")
    name: str = text(default="lay")
    phase: str = text(default="main")
    target: int = Field(default=40)


class Question(SQLModel, table=True):
    """What is asked of each image, with its scale's ends; `texts` by language."""

    __tablename__ = "questions"
    __table_args__ = (
        CheckConstraint("low < high", name="ends"),
        one_of("kind", ("scale", "yes_no", "one_of", "several_of")),
        UniqueConstraint("version_id", "name"),
        UniqueConstraint("id", "low", "high"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="study_versions.id")
    name: str = text(default="quality")
    position: int = Field(default=0)
    kind: str = text(default="scale")
    low: int = Field(default=1)
    high: int = Field(default=10)
    texts: dict[str, Any] = json_value(default_factory=dict)
