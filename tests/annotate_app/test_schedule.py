"""Backups by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from annotate_app.schedule import KEPT, SCHEDULED, enqueue_due, run_schedule
from annotate_app.work import KINDS
from annotate_app.worker import run_one
from db.backup import default_folder, list_backups
from db.engine import reading, writing
from db.migrate import upgrade
from db.models import Job
from db.types import now
from workspace.settings import create


@pytest.fixture
def engine(database_url: str, opening: Callable[[str], Engine]) -> Engine:
    """An empty database of either kind."""
    made = opening(database_url)
    upgrade(made)
    return made


def age(engine: Engine, minutes: float, state: str = "done") -> None:
    """Make all jobs so old, and done."""
    with writing(engine) as session:
        for job in session.exec(select(Job)):
            job.created, job.state = now() - timedelta(minutes=minutes), state
            session.add(job)


def all_jobs(engine: Engine) -> list[Job]:
    """Every job."""
    with reading(engine) as session:
        return list(session.exec(select(Job).order_by(col(Job.id))))


def test_one_is_enqueued_when_the_last_is_old_enough(engine: Engine) -> None:
    """At first, then not before the interval is over; one that still waits is not doubled."""
    assert enqueue_due(engine, 10)
    assert not enqueue_due(engine, 10)
    age(engine, 9.5)
    assert not enqueue_due(engine, 10)
    age(engine, 11, "queued")
    assert enqueue_due(engine, 10)
    assert len(all_jobs(engine)) == 1
    age(engine, 11)
    assert enqueue_due(engine, 10)
    assert [job.arguments for job in all_jobs(engine)] == [SCHEDULED, SCHEDULED]


def test_a_clock_set_back_does_not_stop_backups(engine: Engine) -> None:
    """A job dated in the future is not taken for a recent backup."""
    enqueue_due(engine, 10)
    age(engine, -3 * 24 * 60)
    assert enqueue_due(engine, 10)


def test_done_ones_are_forgotten(engine: Engine) -> None:
    """The list of work is not filled with backups; one that a person started stays."""
    with writing(engine) as session:
        session.add(Job(kind="backup", arguments={}, state="done"))
    for _ in range(KEPT + 4):
        age(engine, 11)
        assert enqueue_due(engine, 10)
    found = all_jobs(engine)
    assert len(found) == 1 + KEPT + 1
    assert found[0].arguments == {}


def test_the_scheduled_job_makes_a_backup(tmp_path: Path, opening: Callable[[str], Engine]) -> None:
    """The schedule's thread enqueues, the worker makes the backup where the settings say, and the thread ends when told to."""
    workspace = create(tmp_path / "ws")
    engine = opening(workspace.database_url)
    upgrade(engine)
    stop = threading.Event()
    thread = threading.Thread(target=run_schedule, args=(engine, 10, stop, 0.05))
    thread.start()
    for _ in range(200):
        if run_one(workspace, engine, KINDS, "w") is not None:
            break
        stop.wait(0.05)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert [job.state for job in all_jobs(engine)] == ["done"]
    assert len(list_backups(default_folder(workspace))) == 1
