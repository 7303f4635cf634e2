"""A real server process for drills, and observers who load it and write down every vote that it acknowledged."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from annotate_app.client import Client, ConnectionLost, Reply
from annotate_app.security import OBSERVER_COOKIE
from db.engine import open_engine
from tests.annotate_app.house import House
from tests.annotate_app.server import free_port

HEADERS = {"X-Dermiqa": "1", "Accept": "application/json"}


class Server:
    """`dermiqa serve` on a workspace; its output goes to `server.out` beside the workspace."""

    def __init__(self, root: Path, *words: str, environment: Mapping[str, str] | None = None, before: Any = None) -> None:
        self.root, self.words, self.before = root, words, before
        self.environment = {**os.environ, "NO_COLOR": "1", **(environment or {})}
        self.port = free_port()
        self.output = root.with_name("server.out")

    @property
    def address(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Server:
        command = [sys.executable, "-m", "dermiqa", "serve", "-w", str(self.root), "--port", str(self.port), *self.words]
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment, preexec_fn=self.before)
        until = time.monotonic() + 90
        while time.monotonic() < until and self.process.poll() is None:
            if self.get("/healthz")[0] == 200:
                return self
            time.sleep(0.1)
        self.process.kill()
        self.process.wait()
        raise RuntimeError(self.output.read_text())

    def __exit__(self, *fault: object) -> None:
        if self.process.poll() is None:
            self.end()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; gives the exit status."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", timeout: float = 20
    ) -> tuple[int, bytes]:
        """Status and body of an answer; (0, b"") when there is none."""
        request = urllib.request.Request(self.address + path, headers=dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        except OSError:
            return 0, b""


class Load:
    """Simulated observers who vote in a thread of their own, each with `pause` seconds between votes, until stopped or finished."""

    def __init__(self, address: str, codes: list[str], pause: float = 0.0) -> None:
        self.address, self.codes, self.pause = address, codes, pause
        self.acknowledged: dict[str, int] = {}
        self.refusals: list[tuple[int, str]] = []
        self.faults: list[str] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def __enter__(self) -> Load:
        self.thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.stop.set()
        self.thread.join(60)

    def wait_for(self, votes: int, seconds: float = 60) -> None:
        """Wait until that many votes more are acknowledged. Raises RuntimeError when that takes too long."""
        aim, until = len(self.acknowledged) + votes, time.monotonic() + seconds
        while len(self.acknowledged) < aim:
            if time.monotonic() > until or not self.thread.is_alive():
                raise RuntimeError(f"{len(self.acknowledged)} votes of {aim}; {self.refusals[-3:]} {self.faults[-3:]}")
            time.sleep(0.01)

    async def _all(self) -> None:
        results = await asyncio.gather(*(self._one(code) for code in self.codes), return_exceptions=True)
        self.faults += [repr(one) for one in results if isinstance(one, BaseException)]

    async def _one(self, code: str) -> None:
        client = Client(self.address, dict(HEADERS), timeout=30)
        try:
            answer = await self._ask(client, "POST", "/api/sign-on", {"code": code})
            client.headers["Cookie"] = f"{OBSERVER_COOKIE}={answer.cookie(OBSERVER_COOKIE)}"
            while not self.stop.is_set():
                state = await self._ask(client, "POST", "/api/session", None)
                if state.status == 409:
                    return
                await self._sitting(client, state.json())
        finally:
            client.close()

    async def _sitting(self, client: Client, state: dict[str, Any]) -> None:
        due, number = state["next"], state["position"]
        while due and not self.stop.is_set():
            key = f"drill-{due[0]['presentation']}"[:64]
            body = {"key": key, "question": state["questions"][0]["id"], "value": 1 + number % 9, "view_ms": 1500.0}
            answer = await self._ask(client, "PUT", f"/api/ratings/{due[0]['presentation']}", body)
            if answer.status != 200:
                return
            self.acknowledged[key] = body["value"]
            due, number = answer.json()["next"], number + 1
            await asyncio.sleep(self.pause)

    async def _ask(self, client: Client, method: str, path: str, body: Any) -> Reply:
        """Ask until there is an answer that is not 503; what was refused on the way is written down."""
        while True:
            try:
                answer = await client.request(method, path, body)
            except ConnectionLost:
                if self.stop.is_set():
                    raise
                await asyncio.sleep(0.1)
                continue
            if answer.status >= 400:
                self.refusals.append((answer.status, answer.body.decode()))
            if answer.status != 503 or self.stop.is_set():
                return answer
            await asyncio.sleep(0.1)


def stored(url: str) -> dict[str, int]:
    """Key and value of every vote that a database holds."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return {str(key): int(value) for key, value in connection.execute(text("SELECT key, value FROM ratings"))}
    finally:
        engine.dispose()


def lost(acknowledged: Mapping[str, int], url: str) -> list[str]:
    """Keys of acknowledged votes that a database lacks or holds with another value."""
    held = stored(url)
    return [key for key, value in acknowledged.items() if held.get(key) != value]


def codes(house: House, count: int) -> list[str]:
    """Links' codes of simulated observers."""
    return [one.code for one in house.invite(count)]
