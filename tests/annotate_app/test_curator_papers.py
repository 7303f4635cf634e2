"""Papers for the boards: filled from the study's settings, marked until frozen, and the whole table of routes by role."""

from __future__ import annotations

import re
from typing import Any

import pytest

from annotate_app.access import ROUTES
from annotate_app.papers import PAPERS
from db.datamap import PERSONAL
from db.models import CURATOR_ROLES
from tests.annotate_app.desk import Desk, Office

MARK = "DRAFT, NOT FROZEN"
LABELS = {"name": "skin", "token": "none", "label": "R-000000", "paper": "ethics", "stimulus": "P0001", "step": "images", "batch": "none",
          "size": "128", "variant": "jpeg_1", "code": "none"}  # fmt: skip


@pytest.mark.parametrize("paper", list(PAPERS))
def test_papers_carry_a_mark_until_the_study_is_frozen(office: Office, paper: str) -> None:
    """A draft's paper is marked, the frozen version's carries its hash; a changed draft is marked again."""
    desk = office.desk("curator")
    desk.post("/c/new-study", name="new")
    assert MARK in desk.get(f"/c/studies/new/papers/{paper}").text
    office.house.open(screening={"two_persons": True, "stated": "said <before>"})
    page = desk.get(f"/c/studies/skin/papers/{paper}").text
    assert MARK not in page
    assert "SHA-256" in page
    assert "<before>" not in page
    desk.post("/c/studies/skin/state", action="close", confirm="skin")
    desk.post("/c/studies/skin/setup/screening", stated="changed")
    assert f"{paper}?of=draft" in desk.get("/c/studies/skin/papers").text
    assert MARK in desk.get(f"/c/studies/skin/papers/{paper}?of=draft").text


def test_papers_say_what_the_study_says(office: Office) -> None:
    """Method, people, rules and votes per image come from the protocol and the proof; the data map names every personal column."""
    office.house.open(screening={"reject_by": ["bt500"], "two_persons": True})
    desk = office.desk("viewer")
    ethics = desk.get("/c/studies/skin/papers/ethics").text
    assert all(word in ethics for word in ("ACR-HR", "from 1 to 10", "4 people", "bt500", "A second person must agree"))
    data = desk.get("/c/studies/skin/papers/data").text
    assert all(column in data for column in PERSONAL)
    sheet = desk.get("/c/studies/skin/papers/information").text
    assert "{sessions}" not in sheet
    assert "13.2 c" in sheet
    assert desk.get("/c/studies/skin/papers/none").status_code == 404


def send(desk: Desk, method: str, path: str) -> Any:
    """A request as a browser or its script makes it."""
    if method == "PUT":
        return desk.client.put(path, headers={"x-dermiqa": "1"}, follow_redirects=False)
    return desk.get(path) if method == "GET" else desk.post(path)


def test_every_curators_route_refuses_who_is_not_named_in_the_table(office: Office) -> None:
    """Each route x each role: refused with 403 unless the table says so, to the sign-in page without any; never an error of ours."""
    office.house.open()
    desks = {role: office.desk(role) for role in CURATOR_ROLES}
    nobody = office.browser()
    for route, access in ROUTES.items():
        method, path = route.split(" ")
        if not path.startswith("/c/") or "anyone" in access.roles or path == "/c/logout":
            continue
        path = re.sub(r"{(\w+)(:path)?}", lambda found: LABELS[found.group(1)], path)
        assert send(nobody, method, path).status_code == (401 if method == "PUT" else 303), route
        for role, desk in desks.items():
            answer = send(desk, method, path)
            assert answer.status_code < 500, (route, role, answer.text)
            if role not in access.roles:
                assert answer.status_code == 403, (route, role)
                assert role in answer.text
