"""Votes per second and waiting times of the server, beside a plain FastAPI + SQLModel transaction per request, in the same run.

    python -m benchmarks.votes [--quick]

Both servers run one process with SQLite, WAL and synchronous=FULL; the clients share the machine's cores with them. Where other
programs take the cores too, rates and waiting times say little: the processor time of a server per answer then compares them, and
the share of a core that the server got says how far the rates are from an idle machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from annotate_app.client import Client
from annotate_app.security import OBSERVER_COOKIE
from db.engine import open_engine
from tests.annotate_app.house import House, make_house
from tests.annotate_app.server import ServerProcess, free_port

PEER = """
import os, sys
from fastapi import FastAPI
from sqlmodel import Field, Session, SQLModel, create_engine
from sqlalchemy import event
import uvicorn
class Vote(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    observer: str
    presentation: str
    value: int
engine = create_engine(sys.argv[1], connect_args={"timeout": 30})
@event.listens_for(engine, "connect")
def prepare(connection, record):
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute("PRAGMA " + pragma)
SQLModel.metadata.create_all(engine)
app = FastAPI()
@app.put("/vote")
def vote(said: Vote):
    with Session(engine) as session:
        session.add(said)
        session.commit()
    return {"ok": True}
@app.get("/readyz")
def ready():
    return {}
uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="error")
"""
Waits = list[float]


async def timed(waits: Waits, work: Awaitable[Any]) -> Any:
    """Await, noting how long it took in ms."""
    began = time.perf_counter()
    answer = await work
    waits.append((time.perf_counter() - began) * 1000)
    return answer


async def sign_on(url: str, code: str, waits: Waits) -> tuple[Client, dict[str, Any]]:
    """Sign one observer on; gives the connection and the session's state."""
    client = Client(url, {"X-Dermiqa": "1"})
    reply = await timed(waits, client.request("POST", "/api/sign-on", {"code": code}))
    client.headers["Cookie"] = f"{OBSERVER_COOKIE}={reply.cookie(OBSERVER_COOKIE)}"
    return client, (await client.request("POST", "/api/session")).json()


async def rate(client: Client, state: dict[str, Any], end: float, think: float, waits: Waits) -> None:
    """Vote until `end` or the row's end, with `think` seconds between votes."""
    await asyncio.sleep(think * np.random.default_rng(id(client) % 2**32).random())
    while state["phase"] != "done":
        due = state["next"]
        while due:
            if time.perf_counter() > end:
                return
            token = due[0]["presentation"]
            body = {"value": 5, "view_ms": 900.0, "response_ms": 900.0, "key": f"key-{token}"}
            due = (await timed(waits, client.request("PUT", f"/api/ratings/{token}", body))).json()["next"]
            await asyncio.sleep(think)
        state = (await client.request("GET", "/api/session")).json()


async def rate_peer(url: str, number: int, end: float, waits: Waits) -> None:
    """The same load on the plain server."""
    client, n = Client(url), 0
    while time.perf_counter() < end:
        await timed(waits, client.request("PUT", "/vote", {"observer": str(number), "presentation": str(n), "value": 5}))
        n += 1
    client.close()


class Watch:
    """The time since it was made, and the processor time that a process has taken meanwhile."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.began, self.used = time.perf_counter(), self._used()

    def _used(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self.began

    def line(self, name: str, waits: Waits) -> None:
        """Print a row of the table."""
        seconds, used, found = self.seconds, self._used() - self.used, np.array(waits)
        p50, p99 = np.percentile(found, [50, 99])
        rate = f"{len(found) / seconds:>8.0f} {p50:>8.1f} {p99:>8.1f} {found.max():>8.0f}"
        print(f"{name:<46} {rate} {1000 * used / len(found):>8.2f} {used / seconds:>8.2f}")


async def ours(url: str, codes: list[str], seconds: float, think: float, name: str, pid: int) -> None:
    """Sign on all at once, then vote for some seconds."""
    waits: Waits = []
    watch = Watch(pid)
    sitters = await asyncio.gather(*(sign_on(url, code, waits) for code in codes))
    watch.line(f"{len(codes)} sign-ons at once ({watch.seconds:.1f} s with their sessions)", waits)
    waits, watch = [], Watch(pid)
    await asyncio.gather(*(rate(client, state, watch.began + seconds, think, waits) for client, state in sitters))
    watch.line(name, waits)
    for client, _ in sitters:
        client.close()


def run_peer(folder: Path, observers: int, seconds: float) -> None:
    """The plain server under the same number of observers."""
    port = free_port()
    (folder / "peer.py").write_text(PEER)
    process = subprocess.Popen(
        [sys.executable, str(folder / "peer.py"), f"sqlite:///{folder / f'peer{observers}.db'}", str(port)]
    )

    async def load() -> None:
        url, waits = f"http://127.0.0.1:{port}", []  # type: tuple[str, Waits]
        await ready(url)
        watch = Watch(process.pid)
        await asyncio.gather(*(rate_peer(url, n, watch.began + seconds, waits) for n in range(observers)))
        watch.line(f"FastAPI + SQLModel, {observers} observers", waits)

    try:
        asyncio.run(load())
    finally:
        process.kill()
        process.wait()


async def ready(url: str) -> None:
    """Wait until a server answers."""
    from annotate_app.client import ConnectionLost

    for _ in range(600):
        try:
            await Client(url).request("GET", "/readyz")
            return
        except ConnectionLost:
            await asyncio.sleep(0.1)


def fresh(folder: Path, name: str, observers: int) -> tuple[House, list[str]]:
    """A study of 190 images for so many observers, and their links."""
    url = f"sqlite:///{folder / f'{name}.db'}"
    engine = open_engine(url)
    house = make_house(folder / name, engine, url, contents=44)
    house.open(panels=[{"target": observers}], reserve=6, training=0, gold=0)
    codes = [one.code for one in house.invite(observers)]
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    return house, codes


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Five seconds a row instead of twenty.")
    seconds = 5.0 if parser.parse_args().quick else 20.0
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores; load before the run {load:.1f} (other programs slow both sides)")
    print(f"{'':<46} {'per s':>8} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'cpu ms':>8} {'cores':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases: list[tuple[int, float]] = [(40, 0.0), (200, 0.0), (200, 2.0)]
        for observers, think in cases:
            house, codes = fresh(folder, f"ws{observers}-{think:g}", observers)
            server = ServerProcess(house.workspace.root, "--only", "observer")
            server.start()
            try:
                said = f"dermiqa, {observers} observers" + (f", {think:g} s of thinking" if think else "")
                assert server.process is not None
                asyncio.run(ours(server.url, codes, seconds, think, said, server.process.pid))
            finally:
                server.kill()
            if not think:
                run_peer(folder, observers, seconds)


if __name__ == "__main__":
    main()
