"""Observers: links, devices, places in the plan, replacement."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlmodel import Session, col, select

from annotate_app import observers
from annotate_app.results import study_data
from annotate_app.verify import study_faults
from db.engine import writing
from db.erasure import erase_observer
from db.models import Assignment, Device, Invitation, Observer, Slot
from db.queries import studies as queries
from tests.annotate_app.house import House, Sitter
from workspace.errors import StudyFault, VoteRefused


def test_only_hashes_of_codes_and_cookies_are_kept(house: House) -> None:
    """Neither a link's code nor a cookie stands in the database."""
    invited = house.open().invite()[0]
    sitter = Sitter(house, invited.code)
    raw = b"".join(path.read_bytes() for path in house.workspace.root.parent.glob("house.db*"))
    assert invited.code.encode() not in raw
    assert sitter.cookie.encode() not in raw
    with Session(house.engine) as session:
        assert session.exec(select(Invitation)).one().code_hash != invited.code
        assert session.exec(select(Device)).one().token_hash == sitter.device


def test_a_reissued_link_leads_to_the_same_observer(both: House) -> None:
    """The new code signs the same observer on, the old one is dead, an unknown one is not known."""
    invited = both.open().invite()[0]
    first = Sitter(both, invited.code)
    with writing(both.engine) as session:
        code = observers.reissue(session, session.get_one(Observer, first.id))
    assert Sitter(both, code).id == first.id
    for wrong, status in ((invited.code, 410), ("unknown", 404)):
        with pytest.raises(VoteRefused) as refusal:
            Sitter(both, wrong)
        assert refusal.value.status == status


def test_an_open_link_has_a_quota(both: House) -> None:
    """Two people come in by a link for two, the same provider's id comes back to the same observer, a third person does not."""
    both.open()
    with writing(both.engine) as session:
        version = queries.frozen_version(session, queries.named(session, both.study))
        code = observers.open_link(session, queries.panel_named(session, version, None), 2)
    ids = []
    for hashed in ("a" * 64, "b" * 64, "a" * 64):
        with writing(both.engine) as session:
            ids.append(observers.sign_on(session, code, provider_hash=hashed).observer.id)
    assert ids[0] == ids[2] != ids[1]
    with pytest.raises(VoteRefused, match="as many people as it may"), writing(both.engine) as session:
        observers.sign_on(session, code, provider_hash="c" * 64)


def test_rows_go_out_in_order_of_arrival_and_then_people_wait(both: House) -> None:
    """The first to begin gets the first row, whoever was invited first; where no row is left an observer waits."""
    both.open(panels=[{"target": 2}])
    late, early, third = both.invite(3)
    second, first = Sitter(both, early.code), Sitter(both, late.code)
    second.start()
    first.start()
    with Session(both.engine) as session:
        rows = dict(session.exec(select(Assignment.observer_id, Slot.number).join(Slot, Slot.id == Assignment.slot_id)).all())  # type: ignore[arg-type]
        assert rows == {second.id: 0, first.id: 1}
    waiting = Sitter(both, third.code)
    with Session(both.engine) as session:
        assert session.get_one(Observer, waiting.id).state == "waiting"
    with writing(both.engine) as session:
        observers.withdraw(session, session.get_one(Observer, first.id))
    again = Sitter(both, third.code)
    again.start()
    again.finish()


def test_people_need_a_consent_first(house: House) -> None:
    """A person's sitting begins after the consent alone; a simulated observer has none to give."""
    invited = house.open().invite(simulated=False)[0]
    with pytest.raises(VoteRefused, match="the consent comes first"):
        house.sit_down(invited.code)


def test_a_replacement_takes_over_the_rest(both: House) -> None:
    """The rest of a row goes to another person: every place has one vote, n counts people, and the study verifies."""
    both.open(panels=[{"target": 1}], repeats=3)
    gone = both.sit_down()
    for _ in range(9):
        gone.vote(value=3)
    with writing(both.engine) as session:
        code = observers.replace(session, session.get_one(Observer, gone.id), simulated=True).code
    heir = both.sit_down(code)
    sequence, _ = heir.sequence()
    assert sequence.training == 2
    heir.finish(value=8)
    with Session(both.engine) as session:
        assert list(study_faults(session, both.workspace, both.study)) == []
        data = study_data(session, both.workspace, both.study)
        assert session.get_one(Observer, gone.id).state == "replaced"
        with pytest.raises(StudyFault, match="has finished: there is no rest"):
            observers.replace(session, session.get_one(Observer, heir.id))
    first = data.votes[data.votes["rep"] == 0]
    assert first["stimulus"].value_counts().eq(1).all()
    assert len(first) == 20
    assert set(first["observer"]) == {gone.pseudonym, heir.pseudonym}
    voided = data.meta["void_repeats"]
    assert len(both.votes()) == len(data.votes) + voided + len(data.meta["gold"]) + data.meta["stabilising"]


def test_two_replacements_before_the_first_vote(both: House) -> None:
    """A row that two people left before any vote still goes to a third, whole."""
    both.open(panels=[{"target": 1}])
    sitter = both.sit_down()
    for _ in range(2):
        with writing(both.engine) as session:
            code = observers.replace(session, session.get_one(Observer, sitter.id), simulated=True).code
        sitter = both.sit_down(code)
    sequence, _ = sitter.sequence()
    assert sitter.finish() == len(sequence.steps)
    assert len(both.votes()) == sequence.length


def test_an_erased_observers_row_is_another_one(both: House) -> None:
    """Where the database uses an erased assignment's key again, the new observer is shown the own row, not the one kept in memory."""
    both.open(blocks=2)
    gone = both.sit_down()
    before, _ = gone.sequence()
    shared = gone.sequences
    with writing(both.engine) as session:
        erase_observer(session, session.get_one(Observer, gone.id), keep_votes=False)
        session.flush()
        session.execute(update(Slot).where(col(Slot.number) == 0).values(number=99))
    other = both.sit_down()
    other.sequences = shared
    after, _ = other.sequence()
    assert {step.token for step in before.steps}.isdisjoint(step.token for step in after.steps)
    assert isinstance(other.vote(), str)
