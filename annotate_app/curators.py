"""Curators: added by the command line, signed in by name and password, locked out for a while after wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from annotate_app.security import hash_password, new_secret, password_fits, token_hash
from db.engine import reading
from db.models import CURATOR_ROLES, Curator, CuratorSession
from db.types import now
from workspace.errors import UsageFault, VoteRefused, nearest

LASTS = timedelta(hours=12)
FREE_TRIES = 5


@dataclass(frozen=True)
class SignedIn:
    """A curator who is signed in."""

    id: int
    name: str
    role: str
    session_id: int


def add(session: Session, name: str, password: str, role: str = "administrator") -> Curator:
    """A new curator. Raises UsageFault for a bad name, role or password, or a name that is taken."""
    if not 1 <= len(name.strip()) <= 80 or not name.isprintable():
        raise UsageFault(f"the name {name!r}: 1 to 80 printable characters were expected")
    if role not in CURATOR_ROLES:
        raise UsageFault(f"no role {role!r}{nearest(role, list(CURATOR_ROLES))}: {', '.join(CURATOR_ROLES)}")
    if session.exec(select(Curator).where(Curator.name == name.strip())).first():
        raise UsageFault(f"there is a curator {name!r} already: choose another name")
    curator = Curator(name=name.strip(), password_hash=hash_password(password), role=role)
    session.add(curator)
    session.flush()
    return curator


def sign_in(session: Session, name: str, password: str) -> str | None:
    """A cookie for the right name and password, else None (the failure is counted). Raises VoteRefused 429 while locked out.

    After five wrong passwords in a row each further one locks the name for twice as long as the one before, from 2 s to 15 min.
    """
    curator = session.exec(select(Curator).where(Curator.name == name.strip()).with_for_update()).first()
    moment = now()
    if curator is not None and curator.locked_until is not None and curator.locked_until > moment:
        wait = int((curator.locked_until - moment).total_seconds()) + 1
        raise VoteRefused(f"too many wrong passwords: try again in {wait} s", status=429, code="locked")
    usable = curator is not None and not curator.disabled
    if not password_fits(password, curator.password_hash if usable and curator is not None else None) or curator is None:
        if curator is not None:
            curator.failures += 1
            over = curator.failures - FREE_TRIES
            curator.locked_until = moment + timedelta(seconds=min(900, 2**over)) if over > 0 else None
            session.add(curator)
        return None
    curator.failures, curator.locked_until = 0, None
    cookie = new_secret()
    assert curator.id is not None
    session.add(curator)
    session.add(CuratorSession(curator_id=curator.id, token_hash=token_hash(cookie), expires=moment + LASTS))
    return cookie


def signed_in(engine: Engine, cookie: str) -> SignedIn | None:
    """Who a cookie belongs to; None for an unknown, ended or expired one, or a disabled curator."""
    with reading(engine) as session:
        row = session.exec(
            select(Curator, CuratorSession).join(CuratorSession, col(CuratorSession.curator_id) == Curator.id).where(
                CuratorSession.token_hash == token_hash(cookie)
            )
        ).first()  # fmt: skip
    if row is None or row[1].revoked is not None or row[1].expires <= now() or row[0].disabled:
        return None
    assert row[0].id is not None
    assert row[1].id is not None
    return SignedIn(row[0].id, row[0].name, row[0].role, row[1].id)


def sign_out(session: Session, who: SignedIn) -> None:
    """End the session that a curator's browser holds."""
    held = session.get_one(CuratorSession, who.session_id)
    held.revoked = now()
    session.add(held)
