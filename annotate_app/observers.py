"""Observers: invited, signed on, given a row, replaced, withdrawn; known by a pseudonym alone.

Everything here works within the caller's transaction. A code or cookie exists only in what a function gives back; the tables
keep its hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from annotate_app.seats import has_place, require_open
from annotate_app.security import new_secret, token_hash
from annotate_app.tables import DEVICES
from db.models import (
    Assignment,
    Device,
    Invitation,
    Observer,
    Panel,
    Presentation,
    Rating,
    RatingSession,
    StudyVersion,
)
from db.types import now
from workspace.errors import StudyFault, VoteRefused


@dataclass(frozen=True)
class Invited:
    """An observer and the code of the link, which nobody can read again."""

    pseudonym: str
    code: str


@dataclass(frozen=True)
class SignedOn:
    """An observer's row and the new device's cookie; `took_over` where another device held the session."""

    observer: Observer
    cookie: str
    took_over: bool


def invite(session: Session, panel: Panel, count: int, *, simulated: bool = False) -> list[Invited]:
    """Invite `count` observers of a panel, each by a link of their own."""
    made = []
    for pseudonym in _pseudonyms(session, panel, count, simulated):
        observer = Observer(study_id=study_of(session, panel), panel_id=_id(panel), pseudonym=pseudonym, simulated=simulated)
        session.add(observer)
        session.flush()
        made.append(Invited(pseudonym, _new_code(session, observer)))
    return made


def open_link(session: Session, panel: Panel, quota: int) -> str:
    """A link that lets in up to `quota` people; gives its code."""
    code = new_secret()
    session.add(Invitation(panel_id=_id(panel), code_hash=token_hash(code), quota=quota))
    return code


def reissue(session: Session, observer: Observer) -> str:
    """A new code for a lost link: the same observer, the old links are dead."""
    _revoke(session, observer)
    return _new_code(session, observer)


def study_of(session: Session, panel: Panel) -> int:
    """The study that a panel belongs to."""
    return session.exec(select(StudyVersion.study_id).where(StudyVersion.id == panel.version_id)).one()


def _id(row: Any) -> int:
    assert isinstance(row.id, int)
    return row.id


def _new_code(session: Session, observer: Observer) -> str:
    code = new_secret()
    session.add(Invitation(panel_id=observer.panel_id, observer_id=_id(observer), code_hash=token_hash(code)))
    return code


def _revoke(session: Session, observer: Observer) -> None:
    session.execute(
        update(Invitation)
        .where(col(Invitation.observer_id) == observer.id, col(Invitation.revoked).is_(None))
        .values(revoked=now())
    )


def _pseudonyms(session: Session, panel: Panel, count: int, simulated: bool) -> list[str]:
    """The next free pseudonyms: P001 on for people, S001 on for simulated observers."""
    letter = "S" if simulated else "P"
    used = set(session.exec(select(Observer.pseudonym).where(Observer.study_id == study_of(session, panel))).all())
    found: list[str] = []
    number = 0
    while len(found) < count:
        number += 1
        if (name := f"{letter}{number:03d}") not in used:
            found.append(name)
    return found


def find_invitation(session: Session, code: str) -> Invitation:
    """The live invitation of a code. Raises VoteRefused 404 for an unknown, 410 for a revoked one."""
    found = session.exec(select(Invitation).where(Invitation.code_hash == token_hash(code)).with_for_update()).first()
    if found is None:
        raise VoteRefused("this link is not known: check it, or ask for a new one", status=404, code="unknown")
    if found.revoked is not None:
        raise VoteRefused("this link was replaced by a newer one: use that, or ask for it", status=410, code="revoked")
    return found


def sign_on(session: Session, code: str, *, provider_hash: str | None = None) -> SignedOn:
    """Sign a device on by a code; the observer's other devices lose the session. Raises VoteRefused.

    A personal link leads to its observer; an open link makes one as long as its quota lasts (the same person of a panel
    provider, by `provider_hash`, comes back to the same one). Where no row of the plan is free the observer waits.
    """
    invitation = find_invitation(session, code)
    if invitation.observer_id is not None:
        observer = session.exec(select(Observer).where(Observer.id == invitation.observer_id).with_for_update()).one()
    else:
        observer = _from_open_link(session, invitation, provider_hash)
    require_open(session.connection(), observer)
    if observer.state in ("invited", "waiting"):
        observer.state = "active" if has_place(session.connection(), observer) else "waiting"
    took_over = end_devices(session, observer) > 0
    cookie = new_secret()
    session.add(Device(observer_id=_id(observer), token_hash=token_hash(cookie)))
    session.add(observer)
    session.flush()
    return SignedOn(observer, cookie, took_over)


def _from_open_link(session: Session, invitation: Invitation, provider_hash: str | None) -> Observer:
    panel = session.exec(select(Panel).where(Panel.id == invitation.panel_id)).one()
    study_id = study_of(session, panel)
    if provider_hash is not None:
        known = session.exec(
            select(Observer).where(Observer.study_id == study_id, Observer.provider_hash == provider_hash)
        ).first()
        if known is not None:
            return known
    if invitation.quota < 1 or invitation.quota <= _let_in(session, invitation):
        raise VoteRefused("this link has let in as many people as it may", status=410, code="full")
    pseudonym = _pseudonyms(session, panel, 1, False)[0]
    observer = Observer(study_id=study_id, panel_id=_id(panel), pseudonym=pseudonym, provider_hash=provider_hash,
                        flags={"open_link": invitation.id})  # fmt: skip
    session.add(observer)
    session.flush()
    return observer


def _let_in(session: Session, invitation: Invitation) -> int:
    flags = session.exec(select(Observer.flags).where(Observer.panel_id == invitation.panel_id)).all()
    return sum(1 for kept in flags if kept.get("open_link") == invitation.id)


def withdraw(session: Session, observer: Observer) -> None:
    """Take an observer out of the study at their own wish: links and sittings end; a row without a vote is free again."""
    observer.state, observer.withdrawn = "withdrawn", now()
    _end_sittings(session, observer)
    if session.exec(select(Rating.id).where(Rating.observer_id == observer.id).limit(1)).first() is None:
        session.execute(
            update(Assignment).where(col(Assignment.observer_id) == observer.id).values(to_position=Assignment.from_position)
        )
    _revoke(session, observer)
    session.add(observer)
    session.flush()


def end_devices(session: Session, observer: Observer) -> int:
    """Sign all devices of an observer off; gives how many there were."""
    held = update(DEVICES).where(DEVICES.c.observer_id == observer.id, DEVICES.c.ended.is_(None))
    return session.connection().execute(held.values(ended=now())).rowcount


def replace(session: Session, observer: Observer, *, simulated: bool = False) -> Invited:
    """Give the rest of a drop-out's row to a new observer, who is another person everywhere in the scores. Raises StudyFault."""
    if observer.state == "finished":
        raise StudyFault(f"{observer.pseudonym} has finished: there is no rest to take over")
    panel = session.exec(select(Panel).where(Panel.id == observer.panel_id)).one()
    held = session.exec(select(Assignment).where(Assignment.observer_id == observer.id)).first()
    invited = invite(session, panel, 1, simulated=simulated)[0]
    if held is not None:
        _hand_over(session, observer, held, invited.pseudonym)
    if observer.state not in ("withdrawn", "erased"):
        observer.state = "replaced"
    _revoke(session, observer)
    end_devices(session, observer)
    session.add(observer)
    session.flush()
    return invited


def _hand_over(session: Session, observer: Observer, held: Assignment, pseudonym: str) -> None:
    """Cut the drop-out's assignment where the votes end and give what follows to the new observer."""
    last = session.exec(
        select(func.max(Presentation.position)).join(Rating, col(Rating.presentation_id) == Presentation.id).where(
            Rating.observer_id == observer.id
        )
    ).one()  # fmt: skip
    border, end = held.from_position if last is None else last + 1, held.to_position
    if border >= end:
        raise StudyFault(f"{observer.pseudonym} has rated the whole row: there is no rest to take over")
    new = session.exec(select(Observer).where(Observer.study_id == observer.study_id, Observer.pseudonym == pseudonym)).one()
    held.to_position = border
    session.add(held)
    _end_sittings(session, observer)
    session.flush()
    session.add(Assignment(slot_id=held.slot_id, observer_id=_id(new), from_position=border, to_position=end))


def _end_sittings(session: Session, observer: Observer) -> None:
    session.execute(
        update(RatingSession)
        .where(col(RatingSession.observer_id) == observer.id, col(RatingSession.ended).is_(None))
        .values(ended=now())
    )
