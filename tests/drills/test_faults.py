"""What goes wrong around a server: locks, disks, clocks, crowds, slow and endless clients. Nothing is lost, the rest goes on."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

import db.types
from annotate_app import guard
from db.engine import open_engine
from db.models import Observer
from db.snapshot import check_sqlite
from dermiqa.checks import all_faults
from tests.annotate_app.house import House, Sitter
from tests.drills.server import Load, Server, codes, lost, stored
from tests.loops import run_apart
from workspace.settings import open_workspace

pytestmark = pytest.mark.slow
CROWD = 10_000
SLOW = 100
SPACE = 24_000_000


@pytest.fixture(scope="module")
def place(ready: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A workspace that the drills of this file share."""
    root = tmp_path_factory.mktemp("faults") / "ws"
    shutil.copytree(ready, root)
    workspace = open_workspace(root)
    engine = open_engine(workspace.database_url)
    yield House(workspace, engine)
    engine.dispose()


@pytest.fixture(scope="module")
def server(place: House) -> Iterator[Server]:
    """Its server."""
    with Server(place.workspace.root) as running:
        yield running


def test_a_stranger_locks_the_database(place: House, server: Server) -> None:
    """While another program holds the write lock votes are answered "try again", pages are read; afterwards all votes are taken."""
    url = place.workspace.database_url
    with Load(server.address, codes(place, 4), pause=0.05) as load:
        load.wait_for(8)
        stranger = sqlite3.connect(place.workspace.root / "dermiqa.db", isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        while not any(status == 503 for status, _ in load.refusals) and time.monotonic() - began < 40:
            assert server.get("/readyz")[0] == 200
            time.sleep(0.2)
        held = len(stored(url))
        stranger.execute("ROLLBACK")
        stranger.close()
        load.wait_for(20)
    assert {status for status, _ in load.refusals} == {503}
    assert "try again" in load.refusals[0][1]
    assert held < len(load.acknowledged)
    assert lost(load.acknowledged, url) == []


def test_ten_thousand_connections_stay_open(place: House, server: Server) -> None:
    """10,000 open, silent connections (or as many as this system lets one process have): votes are taken as before."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(CROWD, most - 500)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        with ExitStack() as stack:
            for number in range(count):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
                if number % 500 == 0:
                    assert server.get("/healthz")[0] == 200
            with Load(server.address, codes(place, 2)) as load:
                load.wait_for(20)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert count == CROWD or most < CROWD + 500
    assert lost(load.acknowledged, place.workspace.database_url) == []


def test_slow_clients_hold_up_nobody(place: House, server: Server) -> None:
    """A hundred clients who send their request letter by letter, or never read the answer: the others vote on."""
    lines = []
    request = b"GET /static/vendor/htmx/htmx.min.js HTTP/1.1\r\nHost: x\r\n\r\n"
    try:
        for number in range(SLOW):
            line = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            line.sendall(request if number % 2 else request[:5])
            lines.append(line)
        with Load(server.address, codes(place, 2)) as load:
            for letter in range(5, 15):
                load.wait_for(2)
                for line in lines[::2]:
                    line.sendall(request[letter : letter + 1])
    finally:
        for line in lines:
            line.close()
    assert lost(load.acknowledged, place.workspace.database_url) == []


@pytest.mark.parametrize("way", ["chunks", "length"])
def test_a_body_that_never_ends_is_refused(server: Server, way: str) -> None:
    """A body without an end, in chunks or by its announced length, is answered 413 and not kept."""
    head = {"chunks": "Transfer-Encoding: chunked", "length": "Content-Length: 99999999999"}[way]
    piece = b"1000\r\n" + b"x" * 4096 + b"\r\n" if way == "chunks" else b"x" * 4096
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(f"POST /api/sign-on HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nX-Dermiqa: 1\r\n{head}\r\n\r\n".encode())
        sent, answer = 0, b""
        line.settimeout(0.05)
        while not answer and sent < 50_000_000:
            try:
                sent += line.send(piece)
                answer = line.recv(65536)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()
    assert sent < 1_000_000
    assert server.get("/healthz")[0] == 200


def test_a_body_that_stops_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that stops before its end is answered 408 after the time for it."""
    monkeypatch.setattr(guard, "BODY_S", 0.05)
    answers: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    async def receive() -> dict[str, Any]:
        if answers or receive.__dict__.setdefault("asked", 0):
            await asyncio.sleep(60)
        receive.__dict__["asked"] = 1
        return {"type": "http.request", "body": b"{", "more_body": True}

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "GET", "path": "/api/session", "headers": [], "query_string": b"", "scheme": "http"}
    run_apart(asyncio.run, guard.Guard(inner, key=b"k", log=False)(scope, receive, send))
    assert answers[0]["status"] == 408
    assert b"too_slow" in answers[1]["body"]


def test_a_clock_set_back_loses_nothing(place: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock jumps back by a day in the middle of a sitting: order, votes and the end of the sitting stay right."""
    sitter = Sitter(place, codes(place, 1)[0])
    sitter.start()
    real: Callable[[], datetime] = db.types.now
    for _ in range(10):
        assert isinstance(sitter.vote(), str)
    for module in list(sys.modules.values()):
        if getattr(module, "now", None) is real:
            monkeypatch.setattr(module, "now", lambda: real() - timedelta(days=1))
    assert sitter.finish() == 50
    with Session(place.engine) as session:
        assert session.get_one(Observer, sitter.id).state == "finished"
    received = [vote.received for vote in place.votes() if vote.observer_id == sitter.id]
    assert len(received) == 60
    assert max(received) - min(received) > timedelta(hours=23)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of `SPACE` bytes at `folder`; skipped where this process may not mount one."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("a small file system can't be mounted here (needs root)")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_votes_and_loses_none(ready: Path, tmp_path: Path, opening: Callable[[str], Engine]) -> None:
    """On a full disk votes are answered 503 and the server stays; with room again all go on, and every acknowledged one is there."""
    with small_disk(tmp_path / "disk"):
        root = tmp_path / "disk" / "ws"
        shutil.copytree(ready, root)
        workspace = open_workspace(root)
        place = House(workspace, opening(workspace.database_url))
        with Server(root) as server, Load(server.address, codes(place, 6), pause=0.02) as load:
            load.wait_for(20)
            fill(tmp_path / "disk" / "filler")
            until = time.monotonic() + 60
            while not any(status == 503 for status, _ in load.refusals) and time.monotonic() < until:
                time.sleep(0.05)
            assert server.get("/healthz")[0] == 200
            assert lost(load.acknowledged, workspace.database_url) == []
            (tmp_path / "disk" / "filler").unlink()
            load.wait_for(40)
        assert {status for status, _ in load.refusals} == {503}
        assert "full" in load.refusals[0][1]
        assert lost(load.acknowledged, workspace.database_url) == []
        place.engine.dispose()
        check_sqlite(root / "dermiqa.db")
        assert list(all_faults(workspace)) == []


def fill(path: Path) -> None:
    """Write until the disk takes no more."""
    with path.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
