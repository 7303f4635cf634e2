"""Jobs: long work as rows, held by a worker under a lease; a worker that dies loses it and another begins the job again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import Session, and_, col, or_, select

from db.models import Job
from db.types import now

LEASE = timedelta(seconds=30)


def enqueue(session: Session, kind: str, arguments: dict[str, Any], *, curator_id: int | None = None) -> Job:
    """Add a job; an equal one that waits or runs already is given back instead."""
    waiting = session.exec(select(Job).where(Job.kind == kind, col(Job.state).in_(("queued", "running")))).all()
    for job in waiting:
        if job.arguments == arguments and not job.cancel:
            return job
    job = Job(kind=kind, arguments=arguments, curator_id=curator_id)
    session.add(job)
    session.flush()
    return job


def claim(session: Session, worker: str) -> Job | None:
    """Take the oldest job that waits, or that a dead worker held, within a writing transaction."""
    moment = now()
    free = or_(col(Job.state) == "queued", and_(col(Job.state) == "running", col(Job.lease_until) < moment))
    statement = select(Job).where(free).order_by(col(Job.id)).limit(1)
    if session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    job = session.exec(statement).first()
    if job is None:
        return None
    job.state, job.worker, job.lease_until = "running", worker, moment + LEASE
    job.started = job.started or moment
    session.add(job)
    session.flush()
    return job


def report(session: Session, job_id: int, worker: str, *, done: int, total: int | None, message: str) -> bool:
    """Write progress and renew the lease; False when the job was cancelled or belongs to another worker now."""
    job = session.get(Job, job_id)
    if job is None or job.worker != worker or job.state != "running" or job.cancel:
        return False
    job.done, job.total, job.message, job.lease_until = done, total, message, now() + LEASE
    session.add(job)
    return True


def finish(session: Session, job_id: int, worker: str, state: str, *, message: str, result: dict[str, Any] | None = None) -> None:
    """End a job that this worker still holds."""
    job = session.get(Job, job_id)
    if job is None or job.worker != worker:
        return
    job.state, job.message, job.result, job.ended, job.lease_until = state, message, result or {}, now(), None
    session.add(job)


def cancel(session: Session, job: Job) -> None:
    """Cancel a job: at once when it waits, at its next step when it runs."""
    job.cancel = True
    if job.state == "queued":
        job.state, job.ended = "cancelled", now()
    session.add(job)


def recent(session: Session, limit: int = 20) -> list[Job]:
    """The newest jobs."""
    return list(session.exec(select(Job).order_by(col(Job.id).desc()).limit(limit)).all())
