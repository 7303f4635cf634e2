"""Votes: what is stored and what is refused, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from annotate_app import observers, studies
from annotate_app.sequence import Sequences
from annotate_app.votes import Vote, store
from annotate_app.writer import Writer
from db.engine import writing
from db.models import Event, Observer, Rating
from db.queries import studies as queries
from tests.annotate_app.house import House
from tests.loops import run_apart
from workspace.errors import VoteRefused


def test_a_row_is_rated_to_its_end(both: House) -> None:
    """Training leaves no rating, every other place one, in order; after the last the observer has finished with a receipt."""
    sitter = both.open().sit_down()
    sequence, _ = sitter.sequence()
    assert sitter.finish() == len(sequence.steps)
    stored = both.votes()
    assert len(stored) == len(sequence.steps) - sequence.training == sequence.length
    assert sequence.training == 2
    with Session(both.engine) as session:
        assert session.get_one(Observer, sitter.id).state == "finished"


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"value": 999}, 422, "off_scale"),
    ({"value": 0}, 422, "off_scale"),
    ({"value": -1}, 422, "off_scale"),
    ({"value": None}, 422, "no_value"),
    ({"value": 5, "missing": "unpleasant"}, 422, "no_value"),
    ({"value": None, "missing": "<b>SELECT"}, 422, "bad_reason"),
    ({"key": "short"}, 422, "bad_key"),
    ({"key": "'; DROP TABLE ratings; --"}, 422, "bad_key"),
    ({"view_ms": 499.0}, 422, "too_soon"),
    ({"view_ms": None}, 422, "too_soon"),
    ({"presentation": "unknown"}, 404, "unknown"),
    ({"question": "other"}, 404, "unknown"),
]


@pytest.mark.parametrize(("said", "status", "code"), REFUSED)
def test_a_forged_vote_is_refused(house: House, said: dict[str, Any], status: int, code: str) -> None:
    """A vote off the scale, without a value, seen too briefly, with a bad key or for nothing: refused, nothing stored or skipped."""
    sitter = house.open().sit_down()
    sitter.vote(0)
    sitter.vote(1)
    _, due = sitter.sequence()
    answer = sitter.vote(**said)
    assert isinstance(answer, VoteRefused)
    assert (answer.status, answer.code) == (status, code)
    assert house.votes() == []
    assert sitter.sequence()[1] == due


def test_order_owner_and_state_are_kept(both: House) -> None:
    """Not one that is not due, another's, a second one, nor any after closing, withdrawing or losing the session."""
    first = both.open().sit_down()
    second = both.sit_down()
    for sitter in (first, second):
        sitter.vote()
        sitter.vote()
    sequence, due = first.sequence()
    assert first.vote(due + 1).code == "not_due"
    assert second.vote(presentation=sequence.steps[due].token).code == "unknown"
    assert isinstance(first.vote(), str)
    assert first.vote(due, key="another-key").code == "exists"
    with writing(both.engine) as session:
        studies.close_study(session, both.study)
    assert first.vote().code == "closed"
    hers, at = second.sequence()
    with writing(both.engine) as session:
        studies.open_study(session, both.study)
        observers.withdraw(session, session.get_one(Observer, second.id))
    assert second.send(hers.steps[at].token, key="long-enough", value=4, view_ms=900.0).code == "withdrawn"
    with writing(both.engine) as session:
        code = observers.reissue(session, session.get_one(Observer, first.id))
    again = type(first)(both, code)
    assert again.took_over
    lost = first.vote()
    assert (lost.status, lost.code) == (401, "lost_session")
    assert isinstance(again.vote(), str)
    assert len(both.votes()) == 2


def test_the_same_key_answers_the_same(both: House) -> None:
    """A vote sent again gets the same answer, also after the sitting's end; its key with another value is refused and noted."""
    sitter = both.open().sit_down()
    sitter.vote()
    sitter.vote()
    sequence, due = sitter.sequence()
    answer = sitter.vote(value=7)
    sitter.vote()
    assert sitter.vote(due, value=7) == answer
    assert sitter.vote(due, value=8).code == "key_reused"
    sitter.finish()
    last = sequence.steps[-1]
    late = sitter.send(last.token, key=f"vote-key-{last.presentation}-{last.question.id}", value=5, view_ms=900.0)
    assert isinstance(late, str)
    assert '"finished":true' in late
    with Session(both.engine) as session:
        assert [event.kind for event in session.exec(select(Event).where(Event.kind == "vote_refused"))] == ["vote_refused"]
    assert len(both.votes()) == sequence.length


def test_a_missing_vote_is_kept_with_its_reason(both: House) -> None:
    """ "I do not want to see this" stores a reason and no value, however short the view."""
    sitter = both.open().sit_down()
    sitter.vote()
    sitter.vote()
    assert isinstance(sitter.vote(value=None, missing="unpleasant", view_ms=10.0), str)
    assert [(vote.value, vote.missing) for vote in both.votes()] == [(None, "unpleasant")]


def test_the_database_itself_refuses(both: House) -> None:
    """A value off the scale, a value and a reason, and another's assignment are refused by the tables, whoever writes."""
    sitter, other = both.open().sit_down(), both.sit_down()
    for one in (sitter, other):
        for _ in range(3):
            one.vote()
    for change in ("value = 11", "value = NULL", "missing = 'x'", f"observer_id = {other.id}", "presentation_id = 1000000"):
        with pytest.raises(IntegrityError), both.engine.begin() as connection:
            connection.execute(text(f"UPDATE ratings SET {change} WHERE observer_id = {sitter.id}"))


@pytest.mark.parametrize("mode", ["pass", "each"])
def test_a_second_question(both: House, mode: str) -> None:
    """After all quality votes in a second pass, or after each vote; asked of images that count alone, stored apart."""
    both.open(questions=[{}, {"name": "judge", "kind": "yes_no", "labels": ["no", "yes"]}], second_question=mode)
    sitter = both.sit_down()
    sequence, _ = sitter.sequence()
    sitter.finish(value=1)
    if mode == "pass":
        assert {step.question.name for step in sequence.steps} == {"quality"}
        sitter.start()
        second, _ = sitter.sequence()
        assert {step.question.name for step in second.steps} == {"judge"}
        sitter.finish(value=1)
    names = [step.question.name for step in sequence.steps]
    assert mode == "pass" or ("judge" in names and names[-1] in ("judge", "quality"))
    with Session(both.engine) as session:
        version = queries.frozen_version(session, queries.named(session, both.study))
        ids = {question.id: question.name for question in queries.questions(session, version.id)}
        assert session.get_one(Observer, sitter.id).state == "finished"
    counts = [ids[vote.question_id] for vote in both.votes()]
    assert counts.count("judge") == 20
    assert counts.count("quality") == sequence.length


def test_one_bad_item_does_not_hurt_the_others(both: House) -> None:
    """The writer's transaction that fails for one item is done again for each alone; refusals and errors reach their callers."""
    sitters = [both.open().sit_down(), both.sit_down()]
    for one in sitters:
        one.vote()
        one.vote()

    def broken(session: Session) -> None:
        session.connection().execute(text("INSERT INTO studies (id) VALUES (1)"))

    def refused(session: Session) -> None:
        raise VoteRefused("no", status=409)

    async def run() -> list[Any]:
        with Writer(both.engine) as writer:
            votes = []
            for one in sitters:
                sequence, due = one.sequence()
                votes.append(Vote(one.device, sequence.steps[due].token, "key-12345", "quality", 4, None, 900.0))
            jobs = [writer.vote(votes[0]), writer.call(broken), writer.call(refused), writer.vote(votes[1])]
            return list(await asyncio.gather(*jobs, return_exceptions=True))

    done = run_apart(asyncio.run, run())
    assert isinstance(done[0], str)
    assert isinstance(done[3], str)
    assert "nothing was stored, try again" in str(done[1])
    assert isinstance(done[2], VoteRefused)
    assert len(both.votes()) == 2


def test_a_crowd_that_signs_on_holds_no_vote_up(house: House) -> None:
    """Of 40 calls that wait with a vote before and after them at most 16 share a transaction, in order, all answered."""
    sitter = house.open().sit_down()
    sequence, due = sitter.sequence()
    seen: list[int] = []

    async def run() -> tuple[list[Any], int]:
        writer = Writer(house.engine)
        vote = Vote(sitter.device, sequence.steps[due].token, "key-12345", "quality", 4, None, 900.0)
        work = [asyncio.ensure_future(writer.vote(vote))]
        work += [asyncio.ensure_future(writer.call(lambda _session, k=k: seen.append(k))) for k in range(40)]
        work.append(asyncio.ensure_future(writer.vote(vote)))
        await asyncio.sleep(0)
        with writer:
            return list(await asyncio.gather(*work)), writer.batches

    answers, batches = run_apart(asyncio.run, run())
    assert answers[0] == answers[-1]
    assert seen == list(range(40))
    assert batches == 3


def test_many_writers_store_each_vote_once(both: House, opening: Callable[[str], Engine]) -> None:
    """Two server processes' writers get the same votes at once: each presentation has one vote, every sender an answer."""
    sitter = both.open().sit_down()
    sitter.vote()
    sitter.vote()
    sequence, due = sitter.sequence()
    other = opening(both.workspace.settings.database_url)

    async def run() -> list[Any]:
        with Writer(both.engine) as one, Writer(other) as two:
            answers = []
            for step in sequence.steps[due:]:
                vote = Vote(sitter.device, step.token, f"vote-key-{step.presentation}", "quality", 4, None, 900.0)
                answers += await asyncio.gather(one.vote(vote), two.vote(vote), return_exceptions=True)
            return answers

    answers = run_apart(asyncio.run, run())
    assert all(isinstance(answer, str) for answer in answers), answers
    with Session(both.engine) as session:
        stored = list(session.exec(select(Rating.presentation_id)).all())
    assert len(stored) == len(set(stored)) == sequence.length


STATISTICS = """
ratings ix_ratings_session_id {votes} 210;ratings sqlite_autoindex_ratings_2 {votes} 1 1;ratings sqlite_autoindex_ratings_1 {votes} 1047 1;
assignments ix_assignments_observer_id {people} 1;assignments sqlite_autoindex_assignments_1 {people} 1 1 1;
devices ix_devices_observer_id {people} 1;devices sqlite_autoindex_devices_1 {people} 1;slots sqlite_autoindex_slots_1 {people} {people} 1;
sessions sqlite_autoindex_sessions_2 {sittings} 3 1;sessions sqlite_autoindex_sessions_1 {sittings} 1 1;
observers ix_observers_panel_id {people} {people};observers sqlite_autoindex_observers_2 {people} {people} 1;
presentations sqlite_autoindex_presentations_2 {shown} 1057 1;presentations sqlite_autoindex_presentations_1 {shown} 1 1;
stimuli sqlite_autoindex_stimuli_1 {images} 1 1;study_stimuli sqlite_autoindex_study_stimuli_1 {images} {images} 1
"""
SIZES = {
    "the paper's": {"votes": 41_880, "people": 80, "sittings": 240, "shown": 84_560, "images": 2_014},
    "large": {"votes": 2_205_135, "people": 4_211, "sittings": 12_631, "shown": 4_453_427, "images": 100_114},
}


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("size", SIZES)
def test_votes_are_found_by_indexes_whatever_a_planner_knows(house: House, size: str, count: int) -> None:
    """With the statistics of filled tables no statement of a batch of votes reads votes, pictures or people from end to end."""
    house.open(panels=[{"target": 20}])
    sitters = [house.sit_down() for _ in range(count)]
    with house.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        for line in STATISTICS.format(**SIZES[size]).replace("\n", "").split(";"):
            table, index, stat = line.split(" ", 2)
            said = {"tbl": table, "idx": index, "stat": stat}
            connection.execute(text("DELETE FROM sqlite_stat1 WHERE tbl = :tbl AND idx = :idx"), said)
            connection.execute(text("INSERT INTO sqlite_stat1 VALUES (:tbl, :idx, :stat)"), said)
        connection.commit()
    house.engine.dispose()
    due = [(sitter, *sitter.sequence()) for sitter in sitters]
    votes = [Vote(one.device, found.steps[at].token, key=f"index-key-{one.id}", value=5, view_ms=900.0) for one, found, at in due]
    statements: dict[str, Any] = {}
    with writing(house.engine) as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda c, cur, sql, said, ctx, many: statements.setdefault(sql, said))
        assert all(isinstance(answer, str) for answer in store(connection, votes, Sequences()))
        plans = [row[3] for sql, said in list(statements.items()) if sql.startswith(("SELECT", "UPDATE"))
                 for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", said)]  # fmt: skip
    large = ("ratings", "presentations", "stimuli", "observers", "devices", "assignments", "events", "slots", "sessions")
    assert [step for step in plans if step.startswith("SCAN ") and step.split()[1] in large] == []
