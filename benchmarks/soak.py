"""A steady load for a given time: is the server's memory flat, and is waiting for a vote flat?

    python -m benchmarks.soak [--minutes 60] [--rate 50] [--quick]

100 simulated observers give `--rate` votes a second in all to one `dermiqa serve` with SQLite (synchronous=FULL), with the worker that
makes the board's summary beside it. Votes and memory are compared between the first and the last fifth. `--quick` takes one minute.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from annotate_app.client import Client
from annotate_app.security import OBSERVER_COOKIE
from benchmarks.spread import PER_CONTENT, PLAN
from db.engine import open_engine
from tests.annotate_app.house import make_house
from tests.annotate_app.server import ServerProcess
from tests.drills.server import lost

OBSERVERS, SAMPLE_S = 100, 5.0


@dataclass
class Soak:
    """What was seen: each vote's moment and waiting in s, the memory of server and worker in MB, what was acknowledged."""

    began: float
    seconds: float
    pause: float
    votes: list[tuple[float, float]] = field(default_factory=list)
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: int = 0

    @property
    def end(self) -> float:
        """When it ends."""
        return self.began + self.seconds

    async def sample(self, server: int) -> None:
        """Note the memory some seconds apart."""
        while time.perf_counter() < self.end:
            process = psutil.Process(server)
            below = sum(child.memory_info().rss for child in process.children(recursive=True))
            self.memory.append((time.perf_counter(), process.memory_info().rss / 1e6, below / 1e6))
            await asyncio.sleep(SAMPLE_S)

    async def observer(self, client: Client, due: Any, number: int) -> None:
        """Vote at the pace until the end."""
        at = time.perf_counter() + self.pause * number / OBSERVERS
        while due and at < self.end:
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            due = await self.vote(client, due[0]["presentation"])
            at += self.pause
        client.close()

    async def vote(self, client: Client, token: str) -> Any:
        """One vote; gives the next pictures."""
        key, value, began = f"soak-{token}", 1 + len(self.votes) % 9, time.perf_counter()
        answer = await client.request("PUT", f"/api/ratings/{token}", {"key": key, "value": value, "view_ms": 1500.0})
        self.votes.append((began, time.perf_counter() - began))
        if answer.status != 200:
            self.refused += 1
            return []
        self.acknowledged[key] = value
        return answer.json()["next"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--quick", action="store_true")
    said = parser.parse_args()
    minutes = 1.0 if said.quick else said.minutes
    with tempfile.TemporaryDirectory() as name:
        soak(Path(name), minutes, said.rate)


def soak(folder: Path, minutes: float, rate: float) -> None:
    """Make the study, run the load, print what was seen."""
    url = f"sqlite:///{folder / 'soak.db'}"
    house = make_house(folder / "ws", open_engine(url), url, math.ceil(minutes * 60 * rate / OBSERVERS / PER_CONTENT) + 1)
    house.open(**{**PLAN, "panels": [{"target": OBSERVERS}]})
    codes = [one.code for one in house.invite(OBSERVERS)]
    house.engine.dispose()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {minutes:g} minutes at {rate:g} votes a second")
    server = ServerProcess(house.workspace.root)
    server.start()
    try:
        assert server.process is not None
        seen = asyncio.run(run(server.process.pid, server.url, codes, minutes, rate))
    finally:
        server.kill()
    table(seen)
    gone = len(lost(seen.acknowledged, url))
    print(f"votes acknowledged {len(seen.acknowledged):,}, refused {seen.refused}, acknowledged and not stored {gone}")


async def sign_on(url: str, code: str) -> tuple[Client, Any]:
    """One observer's connection and the first pictures."""
    client = Client(url, {"X-Dermiqa": "1"})
    reply = await client.request("POST", "/api/sign-on", {"code": code})
    client.headers["Cookie"] = f"{OBSERVER_COOKIE}={reply.cookie(OBSERVER_COOKIE)}"
    return client, (await client.request("POST", "/api/session")).json()["next"]


async def run(server: int, url: str, codes: list[str], minutes: float, rate: float) -> Soak:
    """All observers sign on; then they vote, and memory is sampled, for that long."""
    signed = [await sign_on(url, code) for code in codes]
    seen = Soak(time.perf_counter(), minutes * 60, OBSERVERS / rate)
    await asyncio.gather(seen.sample(server), *(seen.observer(client, due, k) for k, (client, due) in enumerate(signed)))
    return seen


def table(seen: Soak) -> None:
    """First, middle and last fifth: votes per second, waiting in ms, memory in MB."""
    span = seen.seconds / 5
    print(f"{'':<14}{'votes/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'server MB':>11}{'worker MB':>11}")
    for name, fifth in (("first fifth", 0), ("middle fifth", 2), ("last fifth", 4)):
        low, high = seen.began + fifth * span, seen.began + (fifth + 1) * span
        waits = np.array([wait for at, wait in seen.votes if low <= at < high]) * 1000
        memory = np.array([one[1:] for one in seen.memory if low <= one[0] < high])
        p50, p99 = np.percentile(waits, [50, 99])
        print(
            f"{name:<14}{len(waits) / span:>9.1f}{p50:>9.1f}{p99:>9.1f}{np.median(memory[:, 0]):>11.0f}{np.median(memory[:, 1]):>11.0f}"
        )


if __name__ == "__main__":
    main()
