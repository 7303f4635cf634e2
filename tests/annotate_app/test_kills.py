"""The server killed while people vote: no acknowledged vote is lost, none is doubled."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from annotate_app.client import Client, ConnectionLost
from annotate_app.security import OBSERVER_COOKIE
from annotate_app.verify import database_faults
from db.engine import open_engine
from db.models import Rating
from tests.annotate_app.house import House, make_house
from tests.annotate_app.server import ServerProcess
from tests.loops import run_apart

OBSERVERS, KILLS = 40, 20


class Voter:
    """An observer who sends each vote until it is acknowledged, and remembers what was."""

    def __init__(self, url: str, code: str, until: asyncio.Event) -> None:
        self.client = Client(url, {"X-Dermiqa": "1"}, timeout=10)
        self.code, self.until = code, until
        self.acknowledged: dict[str, int] = {}

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask until there is an answer; 4xx other than 409 at a session's end fails the test."""
        while True:
            try:
                reply = await self.client.request(method, path, body)
                if reply.status not in (429, 503):
                    return reply
            except ConnectionLost:
                pass
            await asyncio.sleep(0.05)

    async def run(self) -> None:
        """Sign on once, then vote slowly until the row ends."""
        reply = await self.ask("POST", "/api/sign-on", {"code": self.code})
        self.client.headers["Cookie"] = f"{OBSERVER_COOKIE}={reply.cookie(OBSERVER_COOKIE)}"
        rng = random.Random(self.code)
        while True:
            state = await self.ask("POST", "/api/session")
            if state.status == 409:
                break
            due = state.json()["next"]
            while due:
                token, value = due[0]["presentation"], rng.randint(1, 10)
                reply = await self.ask("PUT", f"/api/ratings/{token}", {"value": value, "view_ms": 900.0, "key": f"key-{token}"})
                assert reply.status == 200, reply.body
                self.acknowledged[token] = value
                due = reply.json()["next"]
                if not self.until.is_set():
                    await asyncio.sleep(rng.uniform(0.2, 1.5))
        self.client.close()


async def vote_under_fire(server: ServerProcess, codes: list[str]) -> list[Voter]:
    """All observers vote while the server is killed and started again; afterwards they finish."""
    calm = asyncio.Event()
    voters = [Voter(server.url, code, calm) for code in codes]
    tasks = [asyncio.create_task(voter.run()) for voter in voters]
    rng = random.Random(7)
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.2, 1.2))
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    calm.set()
    await asyncio.gather(*tasks)
    return voters


@pytest.mark.slow
def test_twenty_kills_under_forty_observers(tmp_path: Path) -> None:
    """Every acknowledged vote is stored once with its value, every place of every row has one, and the study verifies."""
    url = f"sqlite:///{tmp_path / 'house.db'}"
    engine = open_engine(url)
    house: House = make_house(tmp_path / "ws", engine, url, contents=8)
    house.open(panels=[{"target": OBSERVERS}], repeats=2)
    codes = [one.code for one in house.invite(OBSERVERS)]
    server = ServerProcess(house.workspace.root, "--only", "observer")
    server.start()
    try:
        voters = run_apart(asyncio.run, vote_under_fire(server, codes))
    finally:
        server.kill()
    from db.models import Presentation

    with Session(engine) as session:
        query = select(Presentation.token, Rating.value).join(Rating, Rating.presentation_id == Presentation.id)  # type: ignore[arg-type]
        stored = list(session.exec(query).all())
        trained = set(session.exec(select(Presentation.token).where(Presentation.role == "training")).all())
    assert len(stored) == len(dict(stored))
    acknowledged = {token: value for voter in voters for token, value in voter.acknowledged.items() if token not in trained}
    assert dict(stored) == acknowledged
    assert list(database_faults(house.workspace)) == []
    engine.dispose()
