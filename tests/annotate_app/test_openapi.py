"""Requests made up from the OpenAPI, sent as each role: nothing fails inside, every answer is as its description says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from annotate_app.access import ROUTES
from annotate_app.security import CURATOR_COOKIE, OBSERVER_COOKIE, form_token
from db.engine import reading
from db.models import CURATOR_ROLES, Curator, Job, Observer
from db.queries import jobs
from tests.annotate_app.desk import Office
from workspace.assets import asset_folder

CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
CASES = 4
WORDS = [
    "",
    "0",
    "1",
    "-1",
    "yes",
    "no",
    "skin",
    "P0000",
    "1e400",
    "nan",
    "\u202e",
    "<b>",
    "=1+1",
    "x" * 300,
    "2031-12-31",
    "0 0 1 1",
]


def words_of_pages() -> tuple[list[str], list[str]]:
    """Names of fields and values of buttons that the pages' forms have."""
    text = "".join(path.read_text() for path in asset_folder("templates").rglob("*.html"))
    fields = set(re.findall(r'name="([a-z_]+)"', text)) - {"form_token", "viewport", "color"}
    return sorted(fields), sorted(set(re.findall(r'value="([a-z_]+)"', text)))


def known(office: Office) -> dict[str, list[str]]:
    """What stands in addresses: names and tokens that are there, and some that are not."""
    with reading(office.house.engine) as session:
        made = jobs.enqueue(session, "backup", {}).token
        tokens = [session.query(table).first().token for table in (Observer, Job, Curator) if session.query(table).first()]  # type: ignore[union-attr]
    return {
        "name": ["skin", "P0000", "none", "a.png", "..%2fx"],
        "token": [*tokens, made, "none"],
        "size": ["0", "128", "7", "x"],
        "step": ["images", "texts", "freeze", "consent", "rest", "none"],
        "paper": ["ethics", "sheet", "none"],
        "variant": ["jpeg_1", "none"],
        "stimulus": ["P0001_jpeg_1", "P0001", "none"],
        "label": ["R-000000"],
        "gap": ["0", "3", "x"],
        "number": ["0", "1", "99", "x"],
        "batch": ["batch-0123456789", "..%2f"],
        "code": ["none"],
        "presentation": ["none"],
    }


def clients(office: Office) -> dict[str, TestClient]:
    """A browser for nobody, an observer and each role of curators."""
    found = {"anyone": office.browser().client, "observer": office.browser().client}
    found["observer"].cookies.set(OBSERVER_COOKIE, office.house.sit_down().cookie)
    return {**found, **{role: office.desk(role).client for role in CURATOR_ROLES}}


def form_fields() -> st.SearchStrategy[dict[str, str]]:
    """Forms out of the fields and buttons that pages have, filled with their own values, numbers, and what breaks things."""
    fields, values = words_of_pages()
    return st.dictionaries(
        st.sampled_from(fields), st.sampled_from(values) | st.sampled_from(WORDS) | st.text(max_size=20), max_size=12
    )


def sending(office: Office, roles: dict[str, TestClient]) -> Callable[[Any, dict[str, str], dict[str, str]], None]:
    """How one case is sent as every role and its answers are checked."""
    key = office.app.state.key

    def send(case: Any, path: dict[str, str], form: dict[str, str]) -> None:
        for role, client in roles.items():
            said = case.as_transport_kwargs(base_url="http://testserver")
            address = case.path
            for name, value in path.items():
                address = address.replace(f"{{{name}}}", value)
            said["url"] = f"http://testserver{address}"
            cookie = next((client.cookies[name] for name in (OBSERVER_COOKIE, CURATOR_COOKIE) if name in client.cookies), "")
            if case.media_type == "application/x-www-form-urlencoded":
                said["data"] = {**form, "form_token": form_token(key, cookie)}
            elif case.media_type == "multipart/form-data":
                said = {key: said[key] for key in ("method", "url", "headers")}
                said |= {
                    "data": {"form_token": form_token(key, cookie)},
                    "files": [("files", (text, text.encode())) for text in form.values()],
                }
                said["headers"] = {name: text for name, text in said["headers"].items() if name.lower() != "content-type"}
            said["headers"] = {**dict(said["headers"]), "X-Form-Token": form_token(key, cookie)}
            said.pop("cookies", None)
            answer = client.request(**said, follow_redirects=False)
            assert answer.status_code < 500, (role, said, answer.text)
            answer.request.read()
            case.validate_response(answer, checks=CHECKS)
            entry = ROUTES[
                f"{case.method} {case.path}" if "uploads/{batch}/" not in case.path else "PUT /c/uploads/{batch}/{name:path}"
            ]
            if not {"anyone", role} & entry.roles:
                assert answer.status_code in (303, 401, 403, 404, 405, 422), (role, said)

    return send


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_whatever_is_sent_no_route_fails_and_every_answer_is_as_described(office: Office) -> None:
    """The whole OpenAPI as nobody, an observer and each role of curators: no 5xx, no answer off its schema."""
    office.house.open()
    schema = schemathesis.openapi.from_dict(office.app.openapi())
    roles, parts = clients(office), known(office)
    send, seen = sending(office, roles), 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in ("/c/logout", "/c/account"):
            continue
        names = re.findall(r"{(\w+)}", operation.path)
        path = st.fixed_dictionaries({name: st.sampled_from(parts[name]) for name in names})

        @seed(7)
        @settings(
            max_examples=CASES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(operation.as_strategy(), path, form_fields())
        def each(case: Any, path: dict[str, str], form: dict[str, str]) -> None:
            send(case, path, form)

        each()
        seen += 1
    assert seen > 60
