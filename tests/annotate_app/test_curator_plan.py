"""Places added and gold values taken on a study's page: forms, jobs, the trail, a running server."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import pytest
from sqlmodel import Session, select

from annotate_app import studies
from annotate_app.curators import add
from annotate_app.protocol import complete_draft
from annotate_app.top_up import places
from annotate_app.work import KINDS
from annotate_app.worker import run_one
from db.engine import reading, writing
from db.models import Audit, Job, Study
from db.queries import studies as queries
from tests.annotate_app.desk import PASSWORD, TOKEN, Office
from tests.annotate_app.house import House
from tests.annotate_app.server import ServerProcess

PILOT = {"panels": [{"name": "first", "phase": "pilot", "target": 6}], "simulated": True}


def work(office: Office) -> Job:
    """Do the job that waits."""
    done = run_one(office.house.workspace, office.house.engine, KINDS, "w")
    assert done is not None
    with reading(office.house.engine) as session:
        return session.get_one(Job, done.id)


def rows_of(house: House) -> list[tuple[str, int, int]]:
    """Each panel with its rows and those given out."""
    with reading(house.engine) as session:
        version = queries.frozen_version(session, queries.named(session, house.study))
        return [(one.panel, one.rows, one.given) for one in places(session, version)]


def trail(house: House) -> list[tuple[str, int | None, dict[str, Any]]]:
    """Action, curator and details of the trail."""
    with reading(house.engine) as session:
        return [(row.action, row.curator_id, row.detail) for row in session.exec(select(Audit)).all()]


def test_places_are_added_on_the_study_page(office: Office) -> None:
    """The page says how many are given out; the worker adds what was asked for once, under the curator's name in the trail."""
    office.house.open(panels=[{"target": 4}], blocks=4)
    office.house.sit_down()
    desk = office.desk("curator")
    page = desk.get("/c/studies/skin").text
    assert "lay: 1 of 4 places are given out" in page
    assert 'name="after-lay" value="4"' in page
    said = {"panel": "lay", "rows": "4", "after-lay": "4"}
    for _ in range(2):
        assert desk.post("/c/studies/skin/rows", **said).headers["location"] == "/c/jobs"
    job = work(office)
    assert (job.state, job.message.split(",")[0]) == ("done", "4 places more for the panel lay")
    assert rows_of(office.house) == [("lay", 8, 1)]
    assert run_one(office.house.workspace, office.house.engine, KINDS, "w") is None, "pressing twice is one job"
    desk.post("/c/studies/skin/rows", **said)
    assert work(office).state == "done"
    assert rows_of(office.house) == [("lay", 8, 1)], "a page that was loaded before adds nothing twice"
    desk.post("/c/studies/skin/rows", **{**said, "after-lay": "6"})
    assert "others were added meanwhile" in work(office).message
    assert "lay: 1 of 8 places are given out" in desk.get("/c/studies/skin").text
    assert "Adding places" in desk.get("/c/jobs").text
    made = {action: (who, detail) for action, who, detail in trail(office.house)}
    assert made["places asked for"][1] == {"panel": "lay", "rows": 4}
    assert made["rows added"][0] == made["places asked for"][0] is not None
    assert (made["rows added"][1]["first"], made["rows added"][1]["rows"]) == (4, 4)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"panel": "lay", "rows": "0", "after-lay": "4"}, "from 1 to 10000 was expected"),
        ({"panel": "lay", "rows": "four", "after-lay": "4"}, "from 1 to 10000 was expected"),
        ({"panel": "lay", "rows": "4"}, "rows as they were"),
        ({"panel": "nobody", "rows": "4", "after-nobody": "4"}, "nobody"),
    ],
)
def test_places_that_can_not_be_are_refused(office: Office, fields: dict[str, str], word: str) -> None:
    """A number that is none, a form without what the page showed and an unknown panel start no work."""
    office.house.open()
    answer = office.desk("curator").post("/c/studies/skin/rows", **fields)
    assert 400 <= answer.status_code < 500
    assert word in answer.text
    assert run_one(office.house.workspace, office.house.engine, KINDS, "w") is None


def test_gold_values_are_taken_on_the_study_page(office: Office) -> None:
    """From a closed pilot they go into the draft; the set-up shows that it has values of its own, keeps them, and can drop them."""
    house = office.house
    house.open(gold=2, gold_values=None, **PILOT)
    desk = office.desk("curator")
    assert "Take gold values" not in desk.get("/c/studies/skin").text
    assert desk.post("/c/studies/skin/gold", pilot="skin", least="5").status_code == 409
    for score in (7, 8, 8, 9, 8, 8):
        house.sit_down().finish(score)
    with writing(house.engine) as session:
        studies.close_study(session, house.study)
    assert "Take gold values from a pilot" in desk.get("/c/studies/skin").text
    assert desk.post("/c/studies/skin/gold", pilot="skin", least="1").status_code == 409
    assert desk.post("/c/studies/skin/gold", pilot="skin", least="5").headers["location"] == "/c/jobs"
    job = work(office)
    assert job.state == "done", job.message
    assert job.message.startswith("2 of 2 gold images have a value now: ")
    assert "8 ± 2.25" in job.message
    assert "2 images have a value now" in desk.get("/c/studies/skin").text
    form = desk.get("/c/studies/skin/setup/images").text
    assert re.search(r"<option[^>]*selected[^>]*>values of their own", form)
    cells = {"title": "", "recipe": "paper", "authentic": "no", "reserve": "1", "training": "2", "gold": "2"}
    for choice, kept in (("values of their own", True), ("nothing expected", False)):
        desk.post("/c/studies/skin/setup/images", gold_values=choice, **cells)
        with reading(house.engine) as session:
            draft = complete_draft(session.exec(select(Study.draft)).one())
        assert isinstance(draft["gold_values"], dict) is kept
    taken = next(detail for action, who, detail in trail(house) if action == "gold values taken" and who is not None)
    assert (taken["pilot"], len(taken["images"])) == ("skin", 2)


def test_a_pilot_that_says_nothing_is_said_so(office: Office) -> None:
    """Without votes the job fails with the reason, and the draft stays as it was."""
    office.house.open(gold=2, gold_values=None, **PILOT)
    with writing(office.house.engine) as session:
        studies.close_study(session, office.house.study)
    office.desk("curator").post("/c/studies/skin/gold", pilot="skin", least="5")
    job = work(office)
    assert job.state == "failed"
    assert "no gold image of 'skin' has 5 votes" in job.message
    with Session(office.house.engine) as session:
        assert complete_draft(session.exec(select(Study.draft)).one())["gold_values"] is None


@pytest.mark.slow
def test_a_running_server_adds_places(house: House) -> None:
    """The form of the page, sent to `dermiqa serve`, is done by its own worker; without the page's token nothing is done."""
    house.open(panels=[{"target": 4}])
    with writing(house.engine) as session:
        add(session, "ana", PASSWORD, "curator")
    server = ServerProcess(house.workspace.root)
    server.start()
    try:
        with httpx.Client(base_url=server.url, headers={"origin": server.url}) as client:
            fields = {"form_token": _token(client, "/c/login"), "name": "ana", "password": PASSWORD, "next": "/c/"}
            assert client.post("/c/login", data=fields).status_code == 303
            said = {"panel": "lay", "rows": "2", "after-lay": "4"}
            assert client.post("/c/studies/skin/rows", data={**said, "form_token": "0" * 64}).status_code == 403
            token = _token(client, "/c/studies/skin")
            assert client.post("/c/studies/skin/rows", data={**said, "form_token": token}).status_code == 303
            for _ in range(600):
                if "2 places more for the panel lay, 6 in all" in client.get("/c/jobs").text:
                    break
                time.sleep(0.1)
    finally:
        server.kill()
    assert rows_of(house) == [("lay", 6, 0)]


def _token(client: httpx.Client, path: str) -> str:
    found = TOKEN.search(client.get(path).text)
    assert found is not None
    return found.group(1)
