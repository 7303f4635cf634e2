"""Backups by the clock: while a server runs, one is enqueued whenever the last is older than `backup_every` minutes."""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from db.engine import reading, writing
from db.models import Job
from db.queries import jobs
from db.types import now

KIND = "backup"
SCHEDULED = {"scheduled": True}
KEPT = 5
LOOK_S = 15.0


def is_due(session: Session, every: int) -> bool:
    """Whether no backup was asked for within the last `every` minutes; one dated after now (a clock set back) does not count."""
    moment = now()
    last = session.exec(
        select(Job.created).where(Job.kind == KIND, col(Job.created) <= moment).order_by(col(Job.id).desc()).limit(1)
    ).first()
    return last is None or moment - last >= timedelta(minutes=every)


def enqueue_due(engine: Engine, every: int) -> bool:
    """Enqueue a backup when one is due, and forget older scheduled ones that are done; gives whether one was enqueued."""
    with reading(engine) as session:
        if not is_due(session, every):
            return False
    with writing(engine) as session:
        if not is_due(session, every):
            return False
        jobs.enqueue(session, KIND, SCHEDULED)
        done = session.exec(select(Job).where(Job.kind == KIND, Job.state == "done").order_by(col(Job.id).desc())).all()
        for job in [one for one in done if one.arguments == SCHEDULED][KEPT:]:
            session.delete(job)
    return True


def run_schedule(engine: Engine, every: int, stop: threading.Event, look: float = LOOK_S) -> None:
    """Enqueue what is due until `stop` is set; a database that does not answer is asked again."""
    log = structlog.get_logger("dermiqa.schedule")
    while not stop.is_set():
        try:
            enqueue_due(engine, every)
        except SQLAlchemyError as fault:
            log.warning("no backup enqueued", fault=type(fault).__name__)
        stop.wait(look)
