"""Tables. The database itself refuses another's vote (composite keys) and a value off the scale (CHECK).

A study has versions; a frozen one has panels, questions, the images in their roles, and a plan: slots (rows) of presentations.
An assignment gives positions of a slot to an observer; a rating belongs to a presentation of that slot. Integer keys stay inside;
`token` columns are the random opaque names that stand in addresses. Moments are UTC.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, MetaData, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from db.types import Flag, Json, Number, Utc, now

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

STRICT = {"sqlite_strict": True}

STUDY_STATES = ("draft", "frozen", "open", "closed")
PHASES = ("main", "pilot", "dry_run")
ROLES = ("test", "reference", "anchor", "gold", "repeat", "training", "stabilising")
OBSERVER_STATES = ("invited", "waiting", "active", "finished", "withdrawn", "screened_out", "replaced", "erased")
CURATOR_ROLES = ("administrator", "curator", "reviewer", "viewer")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")


def new_token(size: int = 12) -> str:
    """A random opaque name for an address (`size` bytes of randomness, base64url)."""
    return secrets.token_urlsafe(size)


def one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    """A CHECK that keeps a column to these words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(w) for w in words)})", name=column)


def text(**kwargs: Any) -> Any:
    """A text column."""
    return Field(sa_type=Text, **kwargs)


def moment(**kwargs: Any) -> Any:
    """A column for a moment in UTC."""
    return Field(sa_type=Utc, **kwargs)


def flag(**kwargs: Any) -> Any:
    """A column for yes or no."""
    return Field(sa_type=Flag, **kwargs)


def json_value(**kwargs: Any) -> Any:
    """A column for a JSON value."""
    return Field(sa_type=Json, **kwargs)


def number(**kwargs: Any) -> Any:
    """A column for a real number."""
    return Field(sa_type=Number, **kwargs)


class Curator(SQLModel, table=True):
    """A person who signs in to the curator's pages."""

    __tablename__ = "curators"
    __table_args__ = (one_of("role", CURATOR_ROLES), STRICT)

    id: int | None = Field(default=None, primary_key=True)
    token: str = text(default_factory=new_token, unique=True)
    name: str = text(unique=True)
    password_hash: str = text()
    role: str = text(default="curator")
    created: datetime = moment(default_factory=now)
    disabled: bool = flag(default=False)
    failures: int = Field(default=0)
    locked_until: datetime | None = moment(default=None)


class CuratorSession(SQLModel, table=True):
    """A signed-in browser of a curator; only the hash of its cookie is kept."""

    __tablename__ = "curator_sessions"
    __table_args__ = (STRICT,)

    id: int | None = Field(default=None, primary_key=True)
    curator_id: int = Field(foreign_key="curators.id", index=True)
    token_hash: str = text(unique=True)
    created: datetime = moment(default_factory=now)
    expires: datetime = moment()
    revoked: datetime | None = moment(default=None)


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
