"""The worker: one process beside the web server that does the long work, one job after another.

A job's function gets the workspace, its arguments and a `Progress`; calling `progress(done, total, message)` renews the lease and
raises Cancelled when somebody pressed cancel. A worker that is killed leaves its lease to run out; then the job begins again,
and every kind of work goes on where it stopped.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine

from db.engine import writing
from db.models import Job
from db.queries import jobs
from workspace.errors import DermiqaError
from workspace.settings import Workspace


class Cancelled(Exception):
    """Somebody cancelled the job, or another worker holds it now."""


class Progress:
    """Reports how far a job is, at most every half second, and stops it when it was cancelled."""

    def __init__(self, engine: Engine, job_id: int, worker: str, every: float = 0.5) -> None:
        self.engine, self.job_id, self.worker, self.every = engine, job_id, worker, every
        self.last = 0.0
        self.state: tuple[int, int | None, str] = (0, None, "")

    def __call__(self, done: int, total: int | None = None, message: str = "") -> None:
        """Say how far the work is. Raises Cancelled."""
        self.state = (done, total, message)
        if time.monotonic() - self.last >= self.every:
            self.renew()

    def renew(self) -> None:
        """Write the newest state and renew the lease. Raises Cancelled."""
        self.last = time.monotonic()
        done, total, message = self.state
        with writing(self.engine) as session:
            held = jobs.report(session, self.job_id, self.worker, done=done, total=total, message=message)
        if not held:
            raise Cancelled


PARENT = "DERMIQA_PARENT"
Work = Callable[[Workspace, Engine, dict[str, Any], Progress], dict[str, Any]]


def worker_name() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()}:{os.getpid()}:{time.monotonic_ns()}"


def run_one(workspace: Workspace, engine: Engine, kinds: Mapping[str, Work], worker: str) -> Job | None:
    """Claim and do one job; gives it, or None when nothing waits."""
    with writing(engine) as session:
        job = jobs.claim(session, worker)
        if job is None:
            return None
        session.expunge(job)
    assert job.id is not None
    progress = Progress(engine, job.id, worker)
    stop = threading.Event()
    heart = threading.Thread(target=_beat, args=(progress, stop), daemon=True)
    heart.start()
    state, message, result = _do(workspace, engine, kinds, job, progress)
    stop.set()
    heart.join()
    with writing(engine) as session:
        jobs.finish(session, job.id, worker, state, message=message, result=result)
    return job


def _do(
    workspace: Workspace, engine: Engine, kinds: Mapping[str, Work], job: Job, progress: Progress
) -> tuple[str, str, dict[str, Any]]:
    work = kinds.get(job.kind)
    if work is None:
        return "failed", f"this program knows no work called {job.kind!r}", {}
    try:
        result = work(workspace, engine, job.arguments, progress)
        return "done", str(result.get("message", "")), result
    except Cancelled:
        return "cancelled", "cancelled; what was finished stays", {}
    except DermiqaError as fault:
        return "failed", str(fault), {}
    except Exception as fault:
        return "failed", f"an error that should not happen: {type(fault).__name__}", {}


def _beat(progress: Progress, stop: threading.Event) -> None:
    """Renew the lease while a long step runs; a cancelled job is noticed by the work's own next report."""
    while not stop.wait(jobs.LEASE.total_seconds() / 3):
        try:
            progress.renew()
        except Cancelled:
            return


def run_worker(
    workspace: Workspace, engine: Engine, kinds: Mapping[str, Work], stop: threading.Event, pause: float = 0.5
) -> None:
    """Do jobs until `stop` is set."""
    name = worker_name()
    while not stop.is_set():
        if run_one(workspace, engine, kinds, name) is None:
            stop.wait(pause)


def main() -> None:
    """The process that `dermiqa serve` starts: works until it is told to stop, or until the server is gone."""
    from pathlib import Path

    from annotate_app.logs import start_log
    from annotate_app.schedule import run_schedule
    from annotate_app.summary import run_summaries
    from annotate_app.work import KINDS
    from db.engine import open_engine
    from workspace.settings import open_workspace

    workspace = open_workspace(Path(os.environ["DERMIQA_WORKSPACE"]))
    engine = open_engine(workspace.database_url)
    start_log(workspace)
    stop = threading.Event()
    parent = int(os.environ.get(PARENT) or os.getppid())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watch = threading.Thread(target=_stop_with_parent, args=(parent, stop), daemon=True)
    watch.start()
    threading.Thread(target=run_summaries, args=(engine, stop), daemon=True).start()
    every = workspace.settings.backup_every
    if every:
        threading.Thread(target=run_schedule, args=(engine, every, stop), daemon=True).start()
    try:
        run_worker(workspace, engine, KINDS, stop)
    finally:
        engine.dispose()


def _stop_with_parent(parent: int, stop: threading.Event) -> None:
    """A worker whose server was killed, even before the worker had begun, ends by itself after its job."""
    while os.getppid() == parent:
        if stop.wait(2):
            return
    stop.set()


if __name__ == "__main__":
    main()
