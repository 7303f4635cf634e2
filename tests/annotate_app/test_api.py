"""The JSON routes, over HTTP: forged requests, cookies, pictures, forty people behind one address."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import Session, select
from starlette.testclient import TestClient

from annotate_app.app import create_app
from annotate_app.security import OBSERVER_COOKIE
from db.models import Device, Event, RatingSession
from tests.annotate_app.house import House

HEADERS = {"X-Dermiqa": "1"}


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """A browser at the server of a house with an open study."""
    with TestClient(create_app(house.open().workspace, house.engine, log=False), headers=HEADERS) as made:
        yield made


def sign_on(house: House, client: TestClient) -> dict[str, Any]:
    """Sign a simulated observer on and pass the training; gives the session."""
    client.cookies.clear()
    assert client.post("/api/sign-on", json={"code": house.invite()[0].code}).status_code == 200
    state = client.post("/api/session").json()
    assert state["phase"] == "training"
    for item in state["next"]:
        assert client.put(f"/api/ratings/{item['presentation']}", json=body()).status_code == 200
    found: dict[str, Any] = client.get("/api/session").json()
    assert found["phase"] == "rating"
    return found


def body(**said: Any) -> dict[str, Any]:
    """A sound vote, changed by what is said."""
    return {"question": "quality", "value": 5, "view_ms": 900.0, "response_ms": 1200.0, "key": "some-key-1", **said}


FORGED: list[tuple[dict[str, Any], int]] = [
    ({"json": body(value=999)}, 422),
    ({"json": body(value=0)}, 422),
    ({"json": body(value=1.5)}, 422),
    ({"json": body(value="5")}, 422),
    ({"json": body(value=True)}, 422),
    ({"json": body(value=None)}, 422),
    ({"json": body(value=10**30)}, 422),
    ({"json": body(view_ms=float("1e300"))}, 422),
    ({"json": body(extra=1)}, 422),
    ({"json": body(key="' OR 1=1 --")}, 422),
    ({"json": body(question="<script>")}, 404),
    ({"json": body(missing="<b>x</b>", value=None)}, 422),
    ({"json": body(key="k" * 5000)}, 422),
    ({"json": []}, 422),
    ({"content": b""}, 422),
    ({"content": b"null"}, 422),
    ({"content": b"{"}, 422),
    ({"content": b"\xff\xfe"}, 422),
    ({"content": b'{"value": NaN}'}, 422),
    ({"content": b" " * 1_000_000}, 413),
    ({"json": body(), "headers": {"X-Dermiqa": "0"}}, 403),
    ({"json": body(), "headers": {"Origin": "https://elsewhere.test"}}, 403),
    ({"json": body(), "headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
    ({"json": body(), "headers": {"Sec-Fetch-Site": "same-site"}}, 403),
    ({"json": body(), "headers": {"Origin": "null"}}, 403),
]


def test_forged_votes_store_nothing_and_skip_nothing(house: House, client: TestClient) -> None:
    """Each forged request gets its 4xx; no rating is stored, and the same picture is due afterwards."""
    state = sign_on(house, client)
    token = state["next"][0]["presentation"]
    for request, status in FORGED:
        answer = client.put(f"/api/ratings/{token}", **request)
        assert answer.status_code == status, (request, answer.text)
        assert set(answer.json()) == {"error", "message"}
    for path in ("unknown", "%00", "..%2F..%2Fetc", state["next"][2]["presentation"], "x" * 3000):
        assert client.put(f"/api/ratings/{path}", json=body()).status_code in (404, 409), path
    assert house.votes() == []
    assert client.get("/api/session").json() == state


def test_a_vote_needs_the_owners_cookie(house: House, client: TestClient) -> None:
    """Without a cookie, with a made-up one, another's, or one that has lost the session: refused, nothing stored."""
    mine = sign_on(house, client)["next"][0]["presentation"]
    held = client.cookies[OBSERVER_COOKIE]
    sign_on(house, client)
    assert client.put(f"/api/ratings/{mine}", json=body()).status_code == 404
    assert client.get(f"/image/{mine}").status_code == 404
    for cookie in ("", "made-up", held + "x"):
        client.cookies.clear()
        client.cookies.set(OBSERVER_COOKIE, cookie)
        for answer in (client.put(f"/api/ratings/{mine}", json=body()), client.get(f"/image/{mine}"), client.get("/api/session")):
            assert (answer.status_code, answer.json()["error"]) == (401, "signed_out")
    assert house.votes() == []


def test_the_last_vote_of_a_lost_session_is_an_event(house: House, client: TestClient) -> None:
    """A second device takes over; the first one's vote is refused as lost and kept as an event, then the queue goes on there."""
    code = house.invite()[0].code
    client.post("/api/sign-on", json={"code": code})
    old = client.cookies[OBSERVER_COOKIE]
    token = client.post("/api/session").json()["next"][0]["presentation"]
    assert client.post("/api/sign-on", json={"code": code}).json()["took_over"] is True
    client.cookies.clear()
    client.cookies.set(OBSERVER_COOKIE, old)
    answer = client.put(f"/api/ratings/{token}", json=body())
    assert (answer.status_code, answer.json()["error"]) == (401, "lost_session")
    with Session(house.engine) as session:
        kept = session.exec(select(Event).where(Event.kind == "vote_refused")).one()
        assert kept.data == {"code": "lost_session", "value": 5, "missing": None}
        assert len(session.exec(select(Device)).all()) == 2


def test_a_sitting_over_http(house: House, client: TestClient) -> None:
    """Done and length count up, the next five lie ahead, only due pictures are given, and nothing tells the role."""
    state = sign_on(house, client)
    seen, headers = [], set()
    due = state["next"]
    assert len(due) == 5
    while due:
        item = due[0]
        assert set(item) == {"presentation", "image", "width", "height"}
        for ahead in due:
            picture = client.get(ahead["image"])
            assert picture.status_code == 200
            kept = {k: v for k, v in picture.headers.items() if k != "content-length"}
            headers.add(tuple(sorted(kept.items())))
            assert not {"etag", "last-modified", "content-disposition"} & set(picture.headers)
        answer = client.put(f"/api/ratings/{item['presentation']}", json=body(key=f"key-{item['presentation']}")).json()
        seen.append(answer["done"])
        assert client.get(item["image"]).status_code == 404
        due = answer["next"]
    assert seen == list(range(1, state["length"] + 1))
    assert answer["finished"] is True
    assert len(headers) == 1
    assert dict(headers.pop())["cache-control"] == "private, no-store"
    assert client.get("/api/session").json()["phase"] == "done"
    assert client.post("/api/session").status_code == 409
    with Session(house.engine) as session:
        assert session.exec(select(RatingSession)).one().receipt


def test_events_are_kept_within_limits(house: House, client: TestClient) -> None:
    """Events of any text are kept as data; a kind of the server's own, too much data or too many are refused."""
    state = sign_on(house, client)
    hostile = "'; DROP TABLE ratings; --<script>alert(1)</script>"
    event = {
        "kind": "blur",
        "at": "2026-01-01T00:00:00Z",
        "presentation": state["next"][0]["presentation"],
        "data": {"x": hostile},
    }
    assert client.post("/api/events", json={"events": [event, {**event, "presentation": "unknown"}]}).status_code == 204
    for bad in (
        {"kind": "step.training"},
        {"kind": "A"},
        {"kind": "blur", "data": {"x": "y" * 3000}},
        {"kind": "blur", "data": 1},
    ):
        assert client.post("/api/events", json={"events": [bad]}).status_code == 422
    assert client.post("/api/events", json={"events": [event] * 101}).status_code == 422
    with Session(house.engine) as session:
        kept = list(session.exec(select(Event).where(Event.kind == "blur").order_by(Event.id)).all())  # type: ignore[arg-type]
    assert [e.data["x"] for e in kept] == [hostile, hostile]
    assert [e.presentation_id is None for e in kept] == [False, True]
    assert client.get("/api/session").json() == state


def test_forty_people_behind_one_address_sign_on(house: House, client: TestClient) -> None:
    """Wrong codes are limited per code and over all; forty right ones from the same address all come in meanwhile."""
    codes = [one.code for one in house.invite(40)]
    statuses = [client.post("/api/sign-on", json={"code": "wrong-code"}).status_code for _ in range(14)]
    assert statuses == [404] * 10 + [429] * 4
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda code: client.post("/api/sign-on", json={"code": code}).status_code, codes))
    assert answers == [200] * 40


def test_a_person_cannot_begin_a_session_by_the_api(house: House, client: TestClient) -> None:
    """The JSON start is for simulated observers; people go through consent and display on the pages."""
    client.post("/api/sign-on", json={"code": house.invite(simulated=False)[0].code})
    answer = client.post("/api/session")
    assert (answer.status_code, answer.json()["error"]) == (403, "not_simulated")


def test_cookies_are_kept_from_scripts_and_open_lines(house: House) -> None:
    """HttpOnly and SameSite=Lax always, Secure behind TLS."""
    app = create_app(house.open().workspace, house.engine, log=False)
    for base, secure in (("http://lab.test", False), ("https://lab.test", True)):
        with TestClient(app, headers=HEADERS, base_url=base) as client:
            line = client.post("/api/sign-on", json={"code": house.invite()[0].code}).headers["set-cookie"]
        assert "HttpOnly" in line
        assert "SameSite=lax" in line
        assert ("Secure" in line) is secure


def test_the_api_is_described(client: TestClient) -> None:
    """OpenAPI names the vote's fields, its answers and refusals."""
    found = client.get("/api/openapi.json").json()
    vote = found["paths"]["/api/ratings/{presentation}"]["put"]
    assert {"200", "401", "404", "409", "413", "4XX"} <= set(vote["responses"])
    assert "key" in vote["requestBody"]["content"]["application/json"]["schema"]["required"]
