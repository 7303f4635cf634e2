"""Long work: claimed once, reported, cancelled, begun again when a worker died."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from annotate_app.worker import PARENT, Progress, run_one, run_worker
from db.engine import reading, writing
from db.migrate import upgrade
from db.models import Job
from db.queries import jobs
from db.types import now
from workspace.errors import WorkspaceFault
from workspace.settings import Workspace, create


@pytest.fixture
def engine(database_url: str, opening: Callable[[str], Engine]) -> Engine:
    """An empty database of either kind."""
    made = opening(database_url)
    upgrade(made)
    return made


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return create(tmp_path / "ws")


def put(engine: Engine, kind: str, **arguments: Any) -> int:
    """Enqueue a job and give its key."""
    with writing(engine) as session:
        job = jobs.enqueue(session, kind, arguments)
        assert job.id is not None
        return job.id


def get(engine: Engine, key: int) -> Job:
    """A job as it stands now."""
    with reading(engine) as session:
        job = session.get(Job, key)
        assert job is not None
        return job


def test_a_job_is_done_once_and_says_so(workspace: Workspace, engine: Engine) -> None:
    """Work runs with its arguments, its last report and its result are kept, and equal waiting jobs are one."""
    seen = []

    def work(place: Workspace, base: Engine, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        progress(1, 2, "half")
        seen.append(arguments)
        return {"message": "made 2 files", "files": 2}

    key = put(engine, "export", format="long")
    assert put(engine, "export", format="long") == key
    assert put(engine, "export", format="matrix") != key
    assert run_one(workspace, engine, {"export": work}, "w1") is not None
    job = get(engine, key)
    assert (job.state, job.message, job.result["files"], job.done, job.total) == ("done", "made 2 files", 2, 1, 2)
    run_one(workspace, engine, {"export": work}, "w1")
    assert run_one(workspace, engine, {"export": work}, "w1") is None
    assert [a["format"] for a in seen] == ["long", "matrix"]


def test_a_fault_is_kept_as_its_one_line(workspace: Workspace, engine: Engine) -> None:
    """A fault that a user can mend stands in the job as its text; another fault by its kind alone, and work unknown is named."""

    def mendable(*words: Any) -> dict[str, Any]:
        raise WorkspaceFault("the disk is full: free some space")

    def strange(*words: Any) -> dict[str, Any]:
        raise ValueError("Mrs_Secret.jpg")

    kinds = {"a": mendable, "b": strange}
    keys = [put(engine, kind) for kind in ("a", "b", "c")]
    for _ in keys:
        run_one(workspace, engine, kinds, "w1")
    said = [get(engine, key).message for key in keys]
    assert said[0] == "the disk is full: free some space"
    assert said[1] == "an error that should not happen: ValueError"
    assert said[2] == "this program knows no work called 'c'"
    assert {get(engine, key).state for key in keys} == {"failed"}


def test_cancel_stops_at_the_next_step(workspace: Workspace, engine: Engine) -> None:
    """A running job that was cancelled stops at its next report; a waiting one at once."""

    def work(place: Workspace, base: Engine, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        progress.every = 0
        progress(1, 3)
        with writing(engine) as session:
            jobs.cancel(session, session.get_one(Job, progress.job_id))
        progress(2, 3)
        raise AssertionError("the step after cancel ran")

    running, waiting = put(engine, "a"), put(engine, "b")
    with writing(engine) as session:
        jobs.cancel(session, session.get_one(Job, waiting))
    run_one(workspace, engine, {"a": work}, "w1")
    assert (get(engine, running).state, get(engine, waiting).state) == ("cancelled", "cancelled")
    assert get(engine, running).done == 1
    assert run_one(workspace, engine, {}, "w1") is None


def test_a_dead_workers_job_is_begun_again(workspace: Workspace, engine: Engine) -> None:
    """While the lease holds nobody else takes the job; when it ran out another worker does, and the dead one can't finish it."""
    key = put(engine, "a")
    with writing(engine) as session:
        assert jobs.claim(session, "dead") is not None
    with writing(engine) as session:
        assert jobs.claim(session, "other") is None
    with writing(engine) as session:
        job = session.get_one(Job, key)
        job.lease_until = now() - timedelta(seconds=1)
        session.add(job)
    run_one(workspace, engine, {"a": lambda *words: {"message": "again"}}, "other")
    with writing(engine) as session:
        jobs.finish(session, key, "dead", "failed", message="late")
        assert not jobs.report(session, key, "dead", done=9, total=9, message="")
    assert (get(engine, key).state, get(engine, key).message) == ("done", "again")


def test_two_workers_share_the_jobs(workspace: Workspace, engine: Engine) -> None:
    """Two workers at once do each of twenty jobs exactly once."""
    did: list[int] = []
    stop = threading.Event()

    def work(place: Workspace, base: Engine, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
        did.append(arguments["n"])
        if len(did) == 20:
            stop.set()
        return {}

    for n in range(20):
        put(engine, "a", n=n)
    threads = [threading.Thread(target=run_worker, args=(workspace, engine, {"a": work}, stop, 0.01)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(did) == list(range(20))


def test_a_worker_whose_server_is_gone_before_it_begins_ends(tmp_path: Path, opening: Callable[[str], Engine]) -> None:
    """A server that was killed while its worker started leaves no worker behind."""
    place = create(tmp_path / "ws")
    upgrade(opening(place.database_url))
    environment = {**os.environ, "DERMIQA_WORKSPACE": str(place.root), PARENT: str(2**22 + 1)}
    done = subprocess.run([sys.executable, "-m", "annotate_app.worker"], env=environment, timeout=300, check=False)
    assert done.returncode == 0
