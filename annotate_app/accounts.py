"""Curators' accounts: the list, roles, ended sessions, passwords, and the one-time link of the first administrator."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from annotate_app import curators
from annotate_app.curators import SignedIn
from annotate_app.security import hash_password, new_secret, password_fits, token_hash
from db.models import CURATOR_ROLES, Curator, CuratorSession
from db.queries import audit
from db.types import now
from workspace.errors import UsageFault, nearest
from workspace.files import write_bytes
from workspace.settings import Workspace

SETUP = ".setup"


@dataclass(frozen=True)
class Account:
    """A row of the list of curators; `sessions` counts browsers that are signed in now."""

    token: str
    name: str
    role: str
    created: datetime
    disabled: bool
    sessions: int


def listed(session: Session) -> list[Account]:
    """All curators, by name."""
    live = (
        select(col(CuratorSession.curator_id), func.count().label("live"))
        .where(col(CuratorSession.revoked).is_(None), col(CuratorSession.expires) > now())
        .group_by(col(CuratorSession.curator_id))
    )
    counts: dict[int, int] = dict(session.exec(live).all())
    return [
        Account(c.token, c.name, c.role, c.created, c.disabled, counts.get(c.id or 0, 0))
        for c in session.exec(select(Curator).order_by(Curator.name))
    ]


def find(session: Session, token: str) -> Curator:
    """A curator by the opaque name of their row. Raises UsageFault."""
    found = session.exec(select(Curator).where(Curator.token == token)).first()
    if found is None:
        raise UsageFault("there is no such curator: load the list again")
    return found


def set_role(session: Session, token: str, role: str, by: SignedIn) -> None:
    """Give a curator another role. Raises UsageFault for an unknown role, or when no administrator would be left."""
    if role not in CURATOR_ROLES:
        raise UsageFault(f"no role {role!r}{nearest(role, list(CURATOR_ROLES))}: {', '.join(CURATOR_ROLES)}")
    curator = find(session, token)
    if role != "administrator":
        _require_another(session, curator)
    curator.role = role
    session.add(curator)
    _note(session, "curator's role changed", curator, by, role=role)


def set_disabled(session: Session, token: str, disabled: bool, by: SignedIn) -> None:
    """Keep a curator out, or let them in again. Raises UsageFault when no administrator would be left."""
    curator = find(session, token)
    if disabled:
        _require_another(session, curator)
        end_sessions(session, curator)
    curator.disabled, curator.failures, curator.locked_until = disabled, 0, None
    session.add(curator)
    _note(session, "curator disabled" if disabled else "curator let in again", curator, by)


def end_all(session: Session, token: str, by: SignedIn) -> None:
    """End every session of a curator."""
    curator = find(session, token)
    end_sessions(session, curator)
    _note(session, "curator's sessions ended", curator, by)


def end_sessions(session: Session, curator: Curator, *, but: int | None = None) -> None:
    """End a curator's sessions, but for one."""
    query = update(CuratorSession).where(col(CuratorSession.curator_id) == curator.id, col(CuratorSession.revoked).is_(None))
    session.execute(query.where(col(CuratorSession.id) != (but or 0)).values(revoked=now()))


def change_password(session: Session, who: SignedIn, old: str, new: str) -> None:
    """Change one's own password; all other sessions end. Raises UsageFault for a wrong old or a short new one."""
    curator = session.get_one(Curator, who.id)
    if not password_fits(old, curator.password_hash):
        raise UsageFault("the present password is wrong: nothing was changed")
    curator.password_hash = hash_password(new)
    session.add(curator)
    end_sessions(session, curator, but=who.session_id)
    _note(session, "password changed", curator, who)


def add(session: Session, name: str, password: str, role: str, by: SignedIn) -> None:
    """Add a curator. Raises UsageFault."""
    made = curators.add(session, name, password, role)
    _note(session, "curator added", made, by, role=role)


def _require_another(session: Session, curator: Curator) -> None:
    others = select(Curator.id).where(
        Curator.role == "administrator", col(Curator.disabled) == False, Curator.id != curator.id  # noqa: E712
    )  # fmt: skip
    if curator.role == "administrator" and session.exec(others).first() is None:
        raise UsageFault(f"{curator.name} is the only administrator: make another one first")


def _note(session: Session, action: str, curator: Curator, by: SignedIn, **detail: str) -> None:
    audit.append(session, action, curator_id=by.id, object_kind="curator", object_id=curator.id, detail=dict(detail))


def has_administrator(session: Session) -> bool:
    """Whether somebody can administer."""
    query = select(Curator.id).where(Curator.role == "administrator", col(Curator.disabled) == False)  # noqa: E712
    return session.exec(query).first() is not None


def make_setup_code(workspace: Workspace) -> str:
    """A new one-time code for the first administrator; any code before it is dead. Its hash stands in a file of mode 600."""
    code = new_secret()
    write_bytes(workspace.root / SETUP, token_hash(code).encode(), mode=0o600, durable=True)
    return code


def setup_fits(workspace: Workspace, session: Session, code: str) -> bool:
    """Whether a code may make the first administrator now."""
    path = workspace.root / SETUP
    if has_administrator(session) or not path.is_file():
        return False
    return hmac.compare_digest(path.read_bytes(), token_hash(code).encode())


def set_up(workspace: Workspace, session: Session, code: str, name: str, password: str) -> str:
    """Make the first administrator and sign them in; gives the cookie. Raises UsageFault."""
    if not setup_fits(workspace, session, code):
        raise UsageFault("this link has been used or replaced: start the server again for a new one, or sign in")
    made = curators.add(session, name, password, "administrator")
    audit.append(session, "first administrator set up", curator_id=made.id, object_kind="curator", object_id=made.id)
    cookie = curators.sign_in(session, made.name, password)
    if cookie is None:
        raise UsageFault("the new password does not fit: try again")
    (workspace.root / SETUP).unlink(missing_ok=True)
    return cookie
