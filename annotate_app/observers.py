"""Observers: invited, signed on, given a row, replaced, withdrawn; known by a pseudonym alone.

Everything here works within the caller's transaction. A code or cookie exists only in what a function gives back; the tables
keep its hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from annotate_app.security import new_secret, token_hash
from db.models import (
    Assignment,
    Device,
    Invitation,
    Observer,
    Panel,
    Presentation,
    Rating,
    RatingSession,
    Slot,
    Study,
    StudyVersion,
)
from db.types import now
from workspace.errors import StudyFault, VoteRefused

FILLED = col(Assignment.to_position) > col(Assignment.from_position)


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
    study = session.exec(select(Study).where(Study.id == observer.study_id)).one()
    refuse_unless_open(study.state, observer.state)
    if observer.state in ("invited", "waiting"):
        observer.state = "active" if has_place(session, observer) else "waiting"
    live = list(session.exec(select(Device).where(Device.observer_id == observer.id, col(Device.ended).is_(None))).all())
    for device in live:
        device.ended = now()
        session.add(device)
    cookie = new_secret()
    session.add(Device(observer_id=_id(observer), token_hash=token_hash(cookie)))
    session.add(observer)
    session.flush()
    return SignedOn(observer, cookie, bool(live))


def refuse_unless_open(study_state: str, observer_state: str) -> None:
    """Raise VoteRefused where a study is not open or an observer has left it."""
    if observer_state in ("withdrawn", "erased"):
        raise VoteRefused("this observer has withdrawn from the study", status=409, code="withdrawn")
    if observer_state in ("screened_out", "replaced"):
        raise VoteRefused("this observer takes no further part in the study", status=409, code=observer_state)
    if study_state != "open":
        word = "is closed" if study_state == "closed" else "has not begun yet"
        raise VoteRefused(f"the study {word}", status=409, code="closed")


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


def has_place(session: Session, observer: Observer) -> bool:
    """Whether a row of the plan is left for this observer: given already, or fewer people taking part than rows."""
    if session.exec(select(Assignment.id).where(Assignment.observer_id == observer.id, FILLED)).first() is not None:
        return True
    rows = session.exec(select(func.count()).select_from(Slot).where(Slot.panel_id == observer.panel_id)).one()
    given = session.exec(
        select(func.count(func.distinct(Assignment.slot_id))).join(Slot, col(Slot.id) == Assignment.slot_id).where(
            Slot.panel_id == observer.panel_id, FILLED
        )
    ).one()  # fmt: skip
    signed_on = session.exec(
        select(func.count()).select_from(Observer).where(
            Observer.panel_id == observer.panel_id, Observer.id != observer.id, Observer.state == "active",
            col(Observer.id).not_in(select(Assignment.observer_id)),
        )
    ).one()  # fmt: skip
    return given + signed_on < rows


def assign(session: Session, observer: Observer) -> Assignment:
    """The observer's row: the one given before, else the next free one in order of arrival. Raises VoteRefused when all are given."""
    held = session.exec(select(Assignment).where(Assignment.observer_id == observer.id)).first()
    if held is not None:
        return held
    session.exec(select(Panel).where(Panel.id == observer.panel_id).with_for_update()).one()
    taken = select(Assignment.slot_id).where(FILLED)
    slot = session.exec(
        select(Slot).where(Slot.panel_id == observer.panel_id, col(Slot.id).not_in(taken)).order_by(col(Slot.number))
    ).first()
    if slot is None:
        raise VoteRefused("all places of the study are taken: you are on the waiting list", status=409, code="waiting")
    held = Assignment(
        slot_id=_id(slot), observer_id=_id(observer), from_position=_training_of(session, slot), to_position=slot.length
    )
    session.add(held)
    session.flush()
    return held


def _training_of(session: Session, slot: Slot) -> int:
    counted = (
        select(func.count()).select_from(Presentation).where(Presentation.slot_id == slot.id, Presentation.role == "training")
    )
    return session.exec(counted).one()


def start_sitting(session: Session, observer: Observer, display: dict[str, Any] | None = None) -> RatingSession:
    """The sitting that is under way, else the next one. Raises VoteRefused when all are done, or nothing may be rated."""
    study = session.exec(select(Study).where(Study.id == observer.study_id)).one()
    refuse_unless_open(study.state, observer.state)
    if not observer.simulated and observer.consented is None:
        raise VoteRefused("the consent comes first", status=409, code="no_consent")
    held = session.exec(
        select(RatingSession).where(RatingSession.observer_id == observer.id, col(RatingSession.ended).is_(None))
    ).first()
    if held is not None:
        return held
    assignment = assign(session, observer)
    number = next_sitting(session, assignment)
    if number is None:
        raise VoteRefused("all sessions are done", status=409, code="finished")
    made = RatingSession(assignment_id=_id(assignment), slot_id=assignment.slot_id, observer_id=_id(observer), number=number,
                         display=display or {})  # fmt: skip
    session.add(made)
    session.flush()
    return made


def next_sitting(session: Session, assignment: Assignment) -> int | None:
    """The number of the observer's next sitting; None after the last. A second pass has numbers above the plan's."""
    from annotate_app.sequence import sittings_of

    begun = set(session.exec(select(RatingSession.number).where(RatingSession.assignment_id == assignment.id)).all())
    return next((n for n in sittings_of(session, assignment) if n not in begun), None)


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


def end_devices(session: Session, observer: Observer) -> None:
    """Sign all devices of an observer off."""
    session.execute(update(Device).where(col(Device.observer_id) == observer.id, col(Device.ended).is_(None)).values(ended=now()))


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
