"""An observer's steps in the database: what is kept, what comes next, when a session opens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from annotate_app import observers, studies, visits
from annotate_app.outcomes import Outcome
from db.engine import writing
from db.models import Observer, RatingSession
from db.types import now
from tests.annotate_app.house import House, Sitter

SHORT = {
    "display": "short",
    "vision": "not_assessable",
    "questions": False,
    "instructions": False,
    "quiz": False,
    "examples": False,
}


def person(house: House) -> Sitter:
    """A person who has signed on and given no consent yet."""
    return Sitter(house, house.invite(simulated=False)[0].code)


def step_of(house: House, who: Sitter) -> str:
    """The step that an observer is at."""
    with Session(house.engine) as db:
        return visits.current_step(visits.open_visit(db, who.id))


def answer(house: House, who: Sitter, step: str, **outcome: Any) -> str:
    """Keep a step's outcome; gives the step that follows."""
    values = {"version": "v1", "time_zone": "UTC"} | outcome.pop("values", {})
    with writing(house.engine) as db:
        visit = visits.open_visit(db, who.id)
        assert visits.current_step(visit) == step
        visits.keep(visit, step, Outcome(values=values, **outcome))
    return step_of(house, who)


def test_steps_follow_and_the_session_opens_with_the_pictures(house: House) -> None:
    """Consent is stored with version and moment, the display's facts go into the session that the last step opens."""
    who = person(house.open(way=SHORT))
    assert answer(house, who, "consent", values={"version": "abc"}) == "short"
    assert answer(house, who, "short", values={"ratio": 1.25}, flags={"hdr": True}) == "rate"
    with Session(house.engine) as db:
        observer = db.get_one(Observer, who.id)
        assert observer.consent_version == "abc"
        assert observer.consented is not None
        assert observer.flags == {"hdr": True}
        session = db.exec(select(RatingSession).where(RatingSession.observer_id == who.id)).one()
        assert session.display["ratio"] == 1.25


def test_a_fault_keeps_the_step_and_its_attempts(house: House) -> None:
    """Faults keep the observer at the step, what was counted there stays."""
    who = person(house.open(way={**SHORT, "quiz": True}))
    answer(house, who, "consent")
    answer(house, who, "short")
    assert answer(house, who, "quiz", values={"attempts": 1}, faults={"check0": "no"}) == "quiz"
    with Session(house.engine) as db:
        assert db.get_one(Observer, who.id).answers["quiz"]["attempts"] == 1


def test_an_ending_closes_the_visit(house: House) -> None:
    """Who is screened out stays so, and takes no place of the plan."""
    house.open(
        way={**SHORT, "exclusion": [{"name": "adult", "choices": ["yes", "no"], "exclude": ["no"]}]}, panels=[{"target": 1}]
    )
    who = person(house)
    answer(house, who, "consent")
    assert answer(house, who, "exclusion", ending="screened_out") == "screened_out"
    other = person(house)
    assert step_of(house, other) == "consent"


def test_rest_then_short_check_then_pictures(house: House) -> None:
    """After a session comes the rest; the next one begins with the short check, and its facts are kept as that session's."""
    who = person(house.open(way=SHORT, blocks=2, per_sitting=1, reserve=1))
    answer(house, who, "consent")
    answer(house, who, "short", values={"ratio": 1.0})
    who.finish()
    assert step_of(house, who) == "rest"
    with writing(house.engine) as db:
        visit = visits.open_visit(db, who.id)
        visits.current_step(visit)
        assert (visit.done, visit.total, visit.number) == (1, 2, 2)
        visits.go_to(visit, "short")
    assert answer(house, who, "short", values={"ratio": 2.0}) == "rate"
    with Session(house.engine) as db:
        query = select(RatingSession).where(RatingSession.observer_id == who.id).order_by(col(RatingSession.number))
        assert [session.display["ratio"] for session in db.exec(query)] == [1.0, 2.0]
    who.finish()
    assert step_of(house, who) == "remarks"
    assert answer(house, who, "remarks", values={"text": "fine"}) == "finished"


def test_next_session_waits_for_its_hours(house: House) -> None:
    """With one session in twenty hours, the second may start twenty hours after the first began."""
    who = person(house.open(way={**SHORT, "per_window": 1, "window_hours": 20}, blocks=2, per_sitting=1))
    answer(house, who, "consent")
    answer(house, who, "short")
    who.finish()
    with Session(house.engine) as db:
        start = visits.may_start(visits.open_visit(db, who.id))
    assert timedelta(hours=19.9) < start - now() <= timedelta(hours=20)


def test_examples_run_from_worst_to_best(house: House) -> None:
    """Each label has a reserved image of its own, supposed quality rising, and none of the test's contents."""
    who = person(house.open(way={**SHORT, "examples": True}, reserve=2, training=4, gold=0))
    with Session(house.engine) as db:
        found = visits.examples(visits.open_visit(db, who.id))
    assert [label for _use, _stimulus, label in found] == ["bad", "poor", "fair", "good", "excellent"]
    supposed = [visits.quality(stimulus) for _use, stimulus, _label in found]
    assert supposed == sorted(supposed)
    assert {use.role for use, _stimulus, _label in found} <= {"training", "stabilising"}
    assert len({stimulus.id for _use, stimulus, _label in found}) == 5


def test_examples_are_left_out_where_none_can_be_shown(house: House) -> None:
    """A study without reserved images goes on without examples."""
    who = person(house.open(way={**SHORT, "examples": True}, reserve=0, training=0, gold=0))
    answer(house, who, "consent")
    assert answer(house, who, "short") == "rate"


def test_withdrawn_replaced_and_closed(house: House) -> None:
    """Each of these ends has a page of its own, whatever the step was."""
    house.open(way=SHORT)
    withdrawn, replaced, late = person(house), person(house), person(house)
    with writing(house.engine) as db:
        observers.withdraw(db, db.get_one(Observer, withdrawn.id))
        observers.replace(db, db.get_one(Observer, replaced.id))
    with writing(house.engine) as db:
        studies.close_study(db, house.study)
    assert [step_of(house, who) for who in (withdrawn, replaced, late)] == ["withdrawn", "replaced", "closed"]


def test_texts_name_the_study_s_numbers_and_own_words(house: House) -> None:
    """A study's own sheet goes before the project's, places are filled with its numbers, labels in the observer's language."""
    who = person(
        house.open(way={**SHORT, "minutes": 12}, texts={"en": {"sheet": "It takes {sessions} x {minutes} minutes {sic}."}})
    )
    with Session(house.engine) as db:
        visit = visits.open_visit(db, who.id)
        assert visit.texts()["sheet"] == "It takes 1 x 12 minutes {sic}."
        assert "from 1 (bad) to 10 (excellent)" in visit.texts()["instructions"]
        visit.observer.language = "es"
        assert visit.labels(visit.questions[0])[0] == "mala"
        assert visit.sentence(visit.questions[0]) == "¿Qué calidad tiene esta imagen?"


def test_signs_are_the_observer_s_own(house: House) -> None:
    """Two observers have other signs and plates; the same observer has the same ones at each visit."""
    house.open()
    one, other = person(house), person(house)
    with Session(house.engine) as db:
        seeds = [visits.open_visit(db, who.id).seed for who in (one, other, one)]
    assert seeds[0] == seeds[2] != seeds[1]
