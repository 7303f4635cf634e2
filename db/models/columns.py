"""What all tables share: names of constraints, words that a column may hold, and columns by kind."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import CheckConstraint, MetaData, Text
from sqlmodel import Field, SQLModel

from db.types import Flag, Json, Number, Utc

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
