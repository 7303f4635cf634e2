"""What is shown: images in their roles, and the rows of a plan with their presentations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.models.columns import ROLES, STRICT, json_value, new_token, number, one_of, text


class Stimulus(SQLModel, table=True):
    """An image, named by the hash of its file; `info` holds its row of the manifest and of sources.csv."""

    __tablename__ = "stimuli"
    __table_args__ = (one_of("kind", ("pristine", "variant", "authentic")), UniqueConstraint("name", "sha256"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    name: str = text()
    sha256: str = text(index=True)
    kind: str = text()
    width: int = Field()
    height: int = Field()
    pristine: str = text()
    subject: str = text()
    variant: str | None = text(default=None)
    axis: str | None = text(default=None)
    info: dict[str, Any] = json_value(default_factory=dict)


class StudyStimulus(SQLModel, table=True):
    """An image's part in a version: role, content, block, and for gold the expected value with its tolerance."""

    __tablename__ = "study_stimuli"
    __table_args__ = (one_of("role", ROLES), STRICT)

    version_id: int = Field(foreign_key="study_versions.id", primary_key=True)
    stimulus_id: int = Field(foreign_key="stimuli.id", primary_key=True)
    role: str = text()
    content: str = text()
    file: str = text()
    expected: float | None = number(default=None)
    tolerance: float | None = number(default=None)


class Slot(SQLModel, table=True):
    """A row of the plan: what one observer will see, in order."""

    __tablename__ = "slots"
    __table_args__ = (UniqueConstraint("panel_id", "number"), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    panel_id: int = Field(foreign_key="panels.id")
    number: int = Field()
    sessions: int = Field()
    length: int = Field()


class Presentation(SQLModel, table=True):
    """One showing of one image at one place of the plan, written at freezing and never changed."""

    __tablename__ = "presentations"
    __table_args__ = (
        one_of("role", ROLES),
        ForeignKeyConstraint(["version_id", "stimulus_id"], ["study_stimuli.version_id", "study_stimuli.stimulus_id"]),
        UniqueConstraint("slot_id", "position"),
        UniqueConstraint("id", "slot_id"),
        STRICT,
    )

    id: int | None = Field(default=None, primary_key=True)
    token: str = text(default_factory=new_token, unique=True)
    slot_id: int = Field(foreign_key="slots.id")
    version_id: int = Field()
    session: int = Field()
    position: int = Field()
    stimulus_id: int = Field()
    role: str = text()
