"""Those who run studies: accounts and signed-in browsers."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from db.models.columns import CURATOR_ROLES, STRICT, flag, moment, new_token, one_of, text
from db.types import now


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
