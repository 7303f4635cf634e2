"""Scoring by the server under bad photos and bad clients: time, memory, uploads, a process that hangs or does not start."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from starlette.types import Message

from annotate_app import scoring_process
from annotate_app.app import create_app
from annotate_app.routes import scoring
from annotate_app.scoring_process import PER_ADDRESS, ScoringProcess
from tests.train.test_scoring_served import place
from train.serving import _as_file
from workspace.errors import VoteRefused
from workspace.settings import Workspace

__all__ = ["place"]


def post(app: object, *messages: Message | float, length: str = "4000000") -> tuple[int, dict[str, str]]:
    """One request to POST /api/score whose body is these messages (a number: seconds to wait); status and JSON."""
    heard: list[Message] = []
    coming = iter(messages)

    async def receive() -> Message:
        found = next(coming)
        if isinstance(found, float):
            await asyncio.sleep(found)
            return {"type": "http.request", "body": b"", "more_body": True}
        return found

    async def hear(message: Message) -> None:
        heard.append(message)

    names = {"x-dermiqa": "1", "content-type": "image/jpeg", "content-length": length, "host": "localhost"}
    scope = {
        "type": "http", "method": "POST", "path": "/api/score", "raw_path": b"/api/score", "query_string": b"", "scheme": "http",
        "http_version": "1.1", "headers": [(name.encode(), value.encode()) for name, value in names.items()], "client": ("10.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(app(scope, receive, hear))  # type: ignore[operator]
    return heard[0]["status"], json.loads(heard[1]["body"])


@pytest.fixture
def app(place: tuple[Workspace, Engine], model: Path) -> object:
    """A server's application that would score."""
    return create_app(*place, log=False, model=model)


def test_an_upload_without_end_is_given_up(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not hold a place for ever: 408 in time, and the place is free again."""
    monkeypatch.setattr(scoring, "UPLOAD_S", 0.2)
    part: Message = {"type": "http.request", "body": b"x", "more_body": True}
    status, said = post(app, part, 0.1, part, 5.0)
    assert (status, said["error"]) == (408, "too_slow")
    assert not app.state.scoring.places.inside  # type: ignore[attr-defined]


def test_an_upload_that_is_broken_off_is_no_fault_of_the_server(app: object) -> None:
    """400, with a line, and nothing taken from anybody's rate."""
    status, said = post(app, {"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"})
    assert (status, said["error"]) == (400, "broken_off")
    assert not app.state.scoring_rate.taken  # type: ignore[attr-defined]


def test_who_sent_a_photo_that_took_too_long_is_told_when_to_come_again(app: object) -> None:
    """429 with five minutes, before a byte of the next photo is read."""
    app.state.scoring.places.shut_out("10.0.0.1", 300)  # type: ignore[attr-defined]
    status, said = post(app)
    assert (status, said["error"]) == (429, "rate")
    assert said["message"].endswith("wait 5 minutes")


def test_a_length_of_thousands_of_digits_is_too_large(app: object) -> None:
    """It is refused as any number above the limit."""
    status, said = post(app, length="9" * 5000)
    assert (status, said["error"]) == (413, "too_large")


def test_one_address_holds_its_places_alone(model: Path) -> None:
    """The third photo of one address has no place, another address has; after a photo that took too long the address waits."""
    process = ScoringProcess(model)
    with process.place("10.0.0.1"), process.place("10.0.0.1"):
        assert PER_ADDRESS == 2
        with pytest.raises(VoteRefused, match="other photos are being scored"), process.place("10.0.0.1"):
            pytest.fail("there was a place")
        with process.place("10.0.0.2"):
            pass
    with pytest.raises(VoteRefused, match="too long"), process.place("10.0.0.1"):
        raise VoteRefused("too long", status=503, code="slow")
    assert [process.must_wait(address) for address in ("10.0.0.1", "10.0.0.2")] == [True, False]


@pytest.mark.slow
def test_a_process_that_hangs_is_given_up_though_it_reads_nothing(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped child takes no byte of a large photo: it is killed in time, and the next photo gets a new one."""
    process = ScoringProcess(model)
    process.start()
    assert process.process is not None
    os.kill(process.process.pid, signal.SIGSTOP)
    monkeypatch.setattr(scoring_process, "ANSWER_S", 1.0)
    began = time.monotonic()
    with pytest.raises(VoteRefused, match="given up") as refused:
        process.score(b"x" * 3_000_000)
    assert (refused.value.code, time.monotonic() - began < 20) == ("slow", True)
    monkeypatch.setattr(scoring_process, "ANSWER_S", 60.0)
    with pytest.raises(VoteRefused, match="not a photo"):
        process.score(b"no photo")
    process.stop()


@pytest.mark.slow
def test_what_keeps_it_from_starting_is_for_the_log(model: Path, tmp_path: Path) -> None:
    """A model that went away: whoever posts reads one general line with 503, no path; the next try waits."""
    folder = tmp_path / "private name"
    shutil.copytree(model, folder)
    process = ScoringProcess(folder)
    (folder / "model.json").unlink()
    for _ in range(2):
        with pytest.raises(VoteRefused, match="can't be scored at the moment") as refused:
            process.score(b"x")
        assert (refused.value.status, "private" in str(refused.value)) == (503, False)
    assert process.closed_until > time.monotonic()


def test_a_photo_lies_in_memory_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is killed while it reads a photo leaves no file behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with _as_file(b"a photo") as path:
        assert path.read_bytes() == b"a photo"
        assert path.stat().st_size == 7
        assert list(tmp_path.iterdir()) == []
    assert not path.exists()


def test_memory_beyond_the_limit_is_refused() -> None:
    """A bomb gets no more memory than the limit: NumPy says so instead of the system ending others."""
    code = "import numpy as np; from train.serving import limit_memory; limit_memory(300_000_000); np.ones(100_000_000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert "MemoryError" in done.stderr
    assert np.ones(10).sum() == 10
