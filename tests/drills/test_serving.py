"""The server as a process: what is mounted, what is counted, how it ends, what it writes down."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from annotate_app import curators
from annotate_app.access import ROUTES, route_keys
from annotate_app.app import create_app
from annotate_app.client import Client
from db.engine import writing
from tests.annotate_app.house import House, Sitter
from tests.drills.server import Load, Server, codes, lost, stored
from tests.loops import run_apart

pytestmark = pytest.mark.slow
OUTSIDE = [key for key in ROUTES if key.split()[1].startswith("/c")]


def test_an_observers_process_has_no_curators_page(house: House) -> None:
    """From `--only observer` every curator, upload and score route answers 404, to anybody, and the observers' pages are there."""
    with Server(house.workspace.root, "--only", "observer") as server:
        for key in OUTSIDE:
            method, template = key.split()
            path = template.replace("{", "").replace("}", "").replace(":path", "")
            headers = {"X-Dermiqa": "1", "Origin": server.address, "Cookie": "dermiqa_curator=x"}
            assert server.get(path, headers, method)[0] == 404, key
        assert server.get("/")[0] == 404
        assert server.get("/metrics")[0] == 404
        assert server.get("/readyz")[0] == 200
        assert server.get("/i/unknown-code-of-a-link")[0] in (200, 404)
        assert server.get("/api/session")[0] == 401
    assert len(OUTSIDE) > 15


def test_a_curators_process_has_no_observers_page(house: House) -> None:
    """`--only curator` mounts no page of observers and takes no vote."""
    held = route_keys(create_app(house.workspace, house.engine, only="curator", log=False).routes)
    assert [key for key in held if key.split()[1].startswith(("/o/", "/i/", "/api/ratings", "/image/"))] == []
    assert "GET /c/login" in held


def test_metrics_are_behind_a_switch_and_hold_no_secret(house: House) -> None:
    """`--metrics` counts requests by template, votes and times; neither a token nor a code stands in it."""
    code = codes(house, 1)[0]
    with Server(house.workspace.root, "--metrics") as server:
        with Load(server.address, [code]) as load:
            load.thread.join(60)
        assert len(load.acknowledged) == 60
        status, body = server.get("/metrics")
        page = body.decode()
    assert status == 200
    assert "dermiqa_votes_total 60.0" in page
    assert 'dermiqa_requests_total{method="PUT",route="/api/ratings/{presentation}",status="200"} 60.0' in page
    assert "dermiqa_request_seconds_bucket" in page
    assert [key for key in [code, *load.acknowledged] if key.removeprefix("drill-") in page] == []


def test_sigterm_ends_what_is_under_way(house: House) -> None:
    """A vote whose request has begun when SIGTERM comes is stored and answered; then the server and its worker are gone."""
    sitter = Sitter(house, codes(house, 1)[0])
    sitter.start()
    step = sitter.sequence()[0].steps[0]
    body = json.dumps({"key": "under-way-key", "value": 7, "view_ms": 1500.0, "question": step.question.name}).encode()
    with Server(house.workspace.root) as server:
        head = (
            f"PUT /api/ratings/{step.token} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nX-Dermiqa: 1\r\n"
            f"Cookie: dermiqa_observer={sitter.cookie}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
            line.sendall(head.encode() + body[:10])
            time.sleep(0.5)
            server.process.terminate()
            time.sleep(1)
            assert server.process.poll() is None
            line.sendall(body[10:])
            answer = line.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")
        assert server.process.wait(30) == 0
        assert server.get("/healthz")[0] == 0
    assert stored(house.workspace.database_url) == {"under-way-key": 7}


async def _forge(address: str, cookie: str, token: str) -> list[int]:
    """Requests that go wrong in many ways, with secrets in every part of them."""
    client = Client(address, {"X-Dermiqa": "1", "Cookie": f"dermiqa_observer={cookie}", "User-Agent": "secret-agent-string"})
    tries: list[tuple[str, str, Any]] = [
        ("PUT", f"/api/ratings/{token}", {"key": "secret-key-of-a-vote", "value": 99, "view_ms": 1.0}),
        ("PUT", f"/api/ratings/{token}", {"key": "secret-key-of-a-vote", "value": "secret-value"}),
        ("POST", "/api/events", {"events": [{"kind": "remark", "data": {"said": "secret-answer"}}]}),
        ("GET", f"/image/{token}-secret-token", None),
        ("GET", "/i/secret-code-of-a-link", None),
        ("GET", "/c/collection/secret-photo-name?q=secret-query", None),
        ("POST", "/api/sign-on", {"code": "secret-code-of-a-link"}),
    ]
    found = [(await client.request(*one)).status for one in tries]
    client.close()
    return found


def test_logs_hold_no_secret(house: House) -> None:
    """After a whole small study with faults, no name, token, code, password, answer, address or file name is in any log."""
    root = house.workspace.root
    house.workspace.keys.write_text("pristine,original\nP0000,/photos/Secret_Patient_Name.jpg\n")
    with writing(house.engine) as session:
        curators.add(session, "secret-curator", "secret-pass-word-1")
    invited = house.invite(4)
    sitter = Sitter(house, invited[0].code)
    sitter.start()
    token = sitter.sequence()[0].steps[0].token
    with Server(root, "--metrics") as server:
        assert run_apart(asyncio.run, _forge(server.address, sitter.cookie, token))[:3] == [422, 422, 204]
        form = {"Origin": server.address, "Content-Type": "application/x-www-form-urlencoded"}
        assert server.get("/c/login?next=/c/secret-page", form, "POST")[0] >= 400
        with Load(server.address, [one.code for one in invited[1:]]) as load:
            load.thread.join(60)
    assert len(load.acknowledged) == 180
    secrets = ["secret", "Secret", "127.0.0.1:", sitter.cookie, token, "skin"]
    secrets += [one.code for one in invited] + [one.pseudonym for one in invited]
    secrets += [key.removeprefix("drill-") for key in load.acknowledged]
    logs = [path for path in root.joinpath("logs").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in logs) > 10_000
    written = "".join(path.read_text() for path in logs)
    assert [secret for secret in secrets if secret in written] == []
    out = server.output.read_text()
    assert [secret for secret in secrets if secret in out and secret != "127.0.0.1:"] == []
    assert lost(load.acknowledged, house.workspace.database_url) == []


def test_a_databases_error_shows_no_value(house: House) -> None:
    """An error of the database that reaches a log names the statement, never the values."""
    statement = text("INSERT INTO curators (token, name, password_hash, role) VALUES (:a, :a, :a, :a)")
    with pytest.raises(IntegrityError) as caught, house.engine.begin() as connection:
        connection.execute(statement, {"a": "secret-value"})
    assert "secret-value" not in str(caught.value)
