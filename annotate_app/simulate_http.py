"""Model observers who rate over HTTP as browsers do: sign on, fetch each picture, send one vote per request, try again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, select

from annotate_app.client import Client, ConnectionLost, Reply
from annotate_app.security import OBSERVER_COOKIE
from annotate_app.simulate import ModelObserver, Rehearsal, links, stimulus_names
from db.models import RatingSession
from workspace.errors import DermiqaError, StudyFault, UsageFault

PATIENCE = 60.0
FIRST_PATIENCE = 5.0
SIDE_BY_SIDE = 40
HEADERS = {"X-Dermiqa": "1", "Accept": "application/json"}


async def through_http(
    engine: Engine, rehearsal: Rehearsal, url: str, on_vote: Callable[[int], Any], *, images: bool = True
) -> int:
    """Let all observers rate through the server at `url`; gives the votes acknowledged. Raises UsageFault when nobody answers."""
    codes = links(engine, rehearsal)
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(pseudonym: str, code: str) -> int:
        async with gate:
            rater = Rater(engine, Client(url, HEADERS), rehearsal, pseudonym, on_vote, images)
            try:
                return await rater.run(code)
            finally:
                rater.client.close()

    tasks = [asyncio.create_task(one(name, code)) for name, code in codes.items()]
    try:
        return sum(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


class Rater:
    """One observer's browser."""

    def __init__(self, engine: Engine, client: Client, rehearsal: Rehearsal, pseudonym: str, on_vote: Callable[[int], Any],
                 images: bool) -> None:  # fmt: skip
        self.engine, self.client, self.rehearsal, self.on_vote, self.images = engine, client, rehearsal, on_vote, images
        self.model: ModelObserver = rehearsal.model(pseudonym)
        self.answered = False

    async def run(self, code: str) -> int:
        """Sign on and rate every sitting to its end; gives the votes acknowledged."""
        answer = await self.ask("POST", "/api/sign-on", {"code": code})
        self.client.headers["Cookie"] = f"{OBSERVER_COOKIE}={answer.cookie(OBSERVER_COOKIE)}"
        votes = 0
        while True:
            answer = await self.ask("POST", "/api/session", None, (409,))
            if answer.status == 409:
                if answer.json()["error"] in ("finished", "waiting"):
                    return votes
                raise StudyFault(f"the server refused a session: {answer.json()['message']}")
            votes += await self.sitting(answer.json())

    async def sitting(self, state: dict[str, Any]) -> int:
        """Rate until the sitting is over."""
        questions = {q["id"]: q for q in state["questions"]}
        names = await asyncio.to_thread(self.names, state["session"])
        first, votes = state["questions"][0]["id"], 0
        while state["phase"] != "done":
            due = list(state["next"])
            known: set[str] = set()
            while due:
                item = due[0]
                body = self.body(item, questions[item.get("question", first)], names)
                if self.images and item["presentation"] not in known:
                    known.add(item["presentation"])
                    await self.ask("GET", item["image"])
                answer = (await self.ask("PUT", f"/api/ratings/{item['presentation']}", body)).json()
                votes += 1
                self.on_vote(1)
                due = answer["next"]
            state = (await self.ask("GET", "/api/session")).json()
        return votes

    def names(self, sitting: str) -> dict[str, tuple[str, int]]:
        """What the pictures of this row are: a model observer must know what it looks at."""
        with Session(self.engine) as session:
            slot = session.exec(select(RatingSession.slot_id).where(RatingSession.token == sitting)).one()
            return stimulus_names(session, slot)

    def body(self, item: Mapping[str, Any], question: Mapping[str, Any], names: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
        """A vote as the page would send it; the key is the same whenever it is sent again."""
        stimulus, place = names[item["presentation"]]
        share = place / max(1, self.rehearsal.places)
        said = self.model.vote(stimulus, f"{stimulus}@{place}", question["low"], question["high"], share)
        key = f"{item['presentation']}-{question['id']}"[:64]
        return {**said, "question": question["id"], "key": key, "replication": 1}

    async def ask(self, method: str, path: str, body: Any = None, fine: tuple[int, ...] = ()) -> Reply:
        """One request, tried again for a minute while the server is away or busy (5 s where it never was). Raises DermiqaError."""
        waited, pause = 0.0, 0.1
        patience = PATIENCE if self.answered else FIRST_PATIENCE
        while True:
            fault = ""
            try:
                answer = await self.client.request(method, path, body)
                self.answered = True
                if answer.status < 300 or answer.status in fine:
                    return answer
                fault = f"{method} answered {answer.status}: {answer.body[:200].decode(errors='replace')}"
                if answer.status not in (429, 503):
                    raise StudyFault(f"a simulated observer was refused: {fault}")
            except ConnectionLost as lost:
                fault = str(lost)
            if waited >= patience:
                raise self.given_up(fault)
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(2.0, pause * 2)

    def given_up(self, fault: str) -> DermiqaError:
        """The error when no answer came."""
        return UsageFault(f"{fault}: start it with `dermiqa serve`, or name its address with --through-http")
