"""Every role at every route: refused unless the table of routes allows it."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from annotate_app import curators
from annotate_app.access import ROUTES, check_table, route_keys
from annotate_app.app import create_app
from annotate_app.security import CURATOR_COOKIE, OBSERVER_COOKIE
from db.engine import writing
from db.models import CURATOR_ROLES
from tests.annotate_app.house import House, Sitter
from workspace.errors import UsageFault

PASSWORD = "correct horse battery"


def cookies_by_role(house: House) -> dict[str, dict[str, str]]:
    """A browser's cookies for nobody, an observer and each role of curators."""
    found: dict[str, dict[str, str]] = {"anyone": {}, "observer": {OBSERVER_COOKIE: Sitter(house, house.invite()[0].code).cookie}}
    for role in CURATOR_ROLES:
        with writing(house.engine) as session:
            curators.add(session, role, PASSWORD, role)
            found[role] = {CURATOR_COOKIE: curators.sign_in(session, role, PASSWORD) or ""}
    return found


def test_every_role_at_every_route(house: House) -> None:
    """Whoever is not in a route's row is led to sign in, or gets 401 or 403; nobody gets a 5xx."""
    app = create_app(house.open().workspace, house.engine, log=False)
    keys = route_keys(app.routes)
    assert set(keys) <= set(ROUTES)
    assert set(ROUTES) - set(keys) <= {"GET /metrics", "GET /score", "POST /api/score"}
    with TestClient(app, headers={"X-Dermiqa": "1"}, follow_redirects=False) as client:
        for role, cookies in cookies_by_role(house).items():
            for key in sorted(keys, key=lambda key: ("logout" in key or "withdraw" in key, key)):
                method, path = key.split(" ")
                client.cookies.clear()
                for name, value in cookies.items():
                    client.cookies.set(name, value)
                answer = client.request(method, re.sub(r"\{[^}]*\}", "1", path))
                assert answer.status_code < 500, (role, key, answer.text)
                if not {"anyone", role} & ROUTES[key].roles:
                    to_login = answer.status_code == 303 and "/c/login" in answer.headers["location"]
                    assert to_login or answer.status_code in (401, 403), (role, key, answer.status_code)


def test_a_route_without_an_entry_keeps_the_server_from_starting() -> None:
    """A new route must say who may call it."""
    app, router = FastAPI(), APIRouter()
    router.add_api_route("/new", lambda: None)
    app.include_router(router)
    with pytest.raises(UsageFault, match="GET /new stands in no row of the table of routes"):
        check_table([route for route in app.routes if "docs" not in getattr(route, "path", "") and "redoc" not in getattr(route, "path", "")
                     and "openapi" not in getattr(route, "path", "")])  # fmt: skip


@pytest.mark.parametrize(
    ("only", "gone"), [("observer", "/c/"), ("curator", "/o/"), ("curator", "/api/"), ("curator", "/image/")]
)
def test_only_one_side_is_mounted(house: House, only: str, gone: str) -> None:
    """With --only the other side's routes are not there at all."""
    app = create_app(house.open().workspace, house.engine, only=only, log=False)
    assert [key for key in route_keys(app.routes) if f" {gone}" in key and "openapi" not in key] == []
    with TestClient(app, headers={"X-Dermiqa": "1"}) as client:
        for key in ROUTES:
            method, path = key.split(" ")
            if path.startswith(gone) and "openapi" not in path:
                assert client.request(method, re.sub(r"\{[^}]*\}", "1", path)).status_code == 404, key


def test_wrong_passwords_lock_a_name_for_a_while(house: House) -> None:
    """A wrong name and a wrong password answer alike; after six wrong ones in a row even the right one has to wait; no open redirect."""
    app = create_app(house.open().workspace, house.engine, log=False)
    with writing(house.engine) as session:
        curators.add(session, "ana", PASSWORD)
    with TestClient(app, follow_redirects=False) as client:
        token = re.search(r'name="form_token" value="(\w+)"', client.get("/c/login").text)
        assert token is not None

        def login(name: str, password: str, goal: str = "/c/") -> tuple[int, str, str]:
            said = {"form_token": token[1], "name": name, "password": password, "next": goal}  # type: ignore[index]
            answer = client.post("/c/login", data=said)
            return answer.status_code, answer.headers.get("location", ""), answer.text

        assert client.post("/c/login", data={"name": "ana", "password": PASSWORD}).status_code == 403
        assert login("nobody", "wrong-password")[2] == login("ana", "wrong-password")[2]
        for goal in ("https://elsewhere.test/", "//elsewhere.test", "/c/..//elsewhere.test", "/c/\\elsewhere", "/o/"):
            assert login("ana", PASSWORD, goal)[:2] == (303, "/c/")
        held = client.cookies[CURATOR_COOKIE]
        client.cookies.delete(CURATOR_COOKIE)
        codes = [login("ana", "wrong-password")[0] for _ in range(6)]
        assert codes == [401] * 6
        status, _, page = login("ana", PASSWORD)
        assert status == 429
        assert "too many wrong passwords" in page
        client.cookies.set(CURATOR_COOKIE, held)
        assert client.get("/c/").status_code == 200


def test_a_curator_has_no_default_password(house: House) -> None:
    """Short passwords, bad roles and taken names are refused."""
    from db.migrate import upgrade

    upgrade(house.engine)
    for name, password, role, line in (
        ("ana", "short", "viewer", "10 or more were expected"),
        ("ana", PASSWORD, "admin", "no role 'admin' (did you mean 'administrator'?)"),
        ("\n", PASSWORD, "viewer", "printable"),
    ):
        with pytest.raises(UsageFault) as fault, writing(house.engine) as session:
            curators.add(session, name, password, role)
        assert line in str(fault.value)
