"""Summaries of the boards: made by the worker, read by the page with their age, made again only when something has changed."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from annotate_app import summary
from annotate_app.routes import curator_board, curator_observers
from annotate_app.summary import OLDEST, Summaries, run_summaries, summarise
from annotate_app.tally import Tally
from db.engine import reading, writing
from db.models import Rating, Study, StudyVersion, Summary
from db.queries import live
from db.types import now
from tests.annotate_app.desk import Office
from tests.annotate_app.house import House


def older(house: House, by: timedelta) -> None:
    """Let the summary be as old as that."""
    with writing(house.engine) as session:
        session.execute(update(Summary).values(made=now() - by))


def test_a_summary_is_what_the_page_would_count(both: House) -> None:
    """Made by the worker on both databases: the same numbers as counted at once; again after a vote, not again without one."""
    both.open(repeats=1)
    both.sit_down().finish(7)
    maker = Summaries(both.engine)
    maker.behind = timedelta(0)
    assert maker.renew() == 1
    with reading(both.engine) as session:
        study, version = session.exec(select(Study)).one(), session.exec(select(StudyVersion)).one()
        assert session.get_one(Summary, 1).data == summarise(session, study, version, Tally(1))
        assert session.get_one(Summary, 1).data["all"] > 0
    older(both, timedelta(seconds=5))
    assert maker.renew() == 0
    with reading(both.engine) as session:
        assert now() - session.get_one(Summary, 1).made < timedelta(seconds=4)
    both.sit_down().vote(value=3)
    older(both, timedelta(seconds=5))
    assert maker.renew() == 1


def test_two_workers_do_not_count_twice(house: House) -> None:
    """What another worker has made within the last seconds is left as it is."""
    house.open()
    assert Summaries(house.engine).renew() == 1
    house.sit_down().vote()
    assert Summaries(house.engine).renew() == 0


def test_the_board_reads_the_summary_and_says_its_age(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh: the worker's. Old: counted by the page where the study is of common size, else the old one with its age."""
    house = office.house.open()
    house.sit_down().finish()
    Summaries(house.engine).renew()
    with writing(house.engine) as session:
        held = session.get_one(Summary, 1)
        held.data = {**held.data, "all": 4321}
    desk = office.desk("viewer")
    assert "4,321" in desk.get("/c/studies/skin/live").text
    assert "s ago." in desk.get("/c/studies/skin").text
    older(house, OLDEST + timedelta(seconds=200))
    assert "4,321" not in desk.get("/c/studies/skin/live").text
    monkeypatch.setattr(summary, "COMMON", 1)
    page = desk.get("/c/studies/skin").text
    assert "4,321" in page
    assert "Counted 3 min ago" in page


def test_the_workers_thread_renews_until_it_is_stopped(house: House) -> None:
    """The thread beside the jobs makes a summary by itself and ends when told to."""
    house.open()
    stop = threading.Event()
    thread = threading.Thread(target=run_summaries, args=(house.engine, stop, 0.05))
    thread.start()
    try:
        for _ in range(600):
            with reading(house.engine) as session:
                if session.get(Summary, 1) is not None:
                    break
            stop.wait(0.1)
        else:
            pytest.fail("no summary was made")
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def test_the_first_vote_since_a_moment_is_found_by_halving(house: House) -> None:
    """The id found is the least one received at the moment or later, as a look at all votes says."""
    house.open(repeats=1)
    house.sit_down().finish()
    moment = now()
    with writing(house.engine) as session:
        ids = sorted(row.id or 0 for row in session.exec(select(Rating)))
        for k, key in enumerate(ids):
            session.execute(update(Rating).where(col(Rating.id) == key).values(received=moment + timedelta(seconds=k // 3)))
    with reading(house.engine) as session:
        rows = [(row.id or 0, row.received) for row in session.exec(select(Rating))]
        for seconds in (-1, 0, 1, 2, 3, 999):
            since = moment + timedelta(seconds=seconds)
            expected = min((key for key, received in rows if received >= since), default=max(ids) + 1)
            assert live.first_since(session, since) == expected


def test_the_list_of_observers_comes_in_pages(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page holds its part, all pages hold everybody once, and the numbers above are those of all."""
    monkeypatch.setattr(curator_observers, "AT_ONCE", 2)
    names = [one.pseudonym for one in office.house.open().invite(5)]
    desk, seen = office.desk("curator"), []
    for page in (1, 2, 3):
        text = desk.get(f"/c/studies/skin/observers?page={page}").text
        assert "5 observers, 5 invited" in text
        assert f"page {page} of 3" in text
        seen += [name for name in names if f'<th scope="row">{name} ' in text]
    assert sorted(seen) == sorted(names)
    assert "page 3 of 3" in desk.get("/c/studies/skin/observers?page=99").text


def test_the_board_counts_again_after_some_seconds(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a worker a vote shows as soon as what the page keeps is too old."""
    house = office.house.open()
    desk, sitter = office.desk("viewer"), house.sit_down()
    monkeypatch.setattr(curator_board, "KEPT_S", 1e9)
    counted = "<dt>Votes that count</dt><dd>0</dd>"
    assert counted in desk.get("/c/studies/skin/live").text
    sitter.finish()
    assert counted in desk.get("/c/studies/skin/live").text
    monkeypatch.setattr(curator_board, "KEPT_S", 0.0)
    assert counted not in desk.get("/c/studies/skin/live").text
