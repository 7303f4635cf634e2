"""The table of routes: who may call each one. A route without an entry keeps the application from starting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount

from annotate_app import curators
from annotate_app.security import CURATOR_COOKIE, OBSERVER_COOKIE, token_hash
from annotate_app.tables import DEVICES
from annotate_app.votes import LOST, SIGNED_OUT
from db.models import CURATOR_ROLES
from workspace.errors import UsageFault, VoteRefused

ANYONE = frozenset({"anyone"})
OBSERVER = frozenset({"observer"})
EVERY_CURATOR = frozenset(CURATOR_ROLES)
ADMINISTRATOR = frozenset({"administrator"})
WRITERS = frozenset({"administrator", "curator"})

REVIEWERS = frozenset({"administrator", "curator", "reviewer"})
UNBLINDED = frozenset({"administrator", "curator", "viewer"})


@dataclass(frozen=True)
class Access:
    """Who may call a route. `json` routes need the header `X-Dermiqa: 1`; `late`: the writer itself looks at the cookie."""

    roles: frozenset[str]
    json: bool = False
    late: bool = False


ROUTES: dict[str, Access] = {
    "GET /": Access(ANYONE),
    "GET /healthz": Access(ANYONE),
    "GET /readyz": Access(ANYONE),
    "GET /metrics": Access(ANYONE),
    "GET /api/openapi.json": Access(ANYONE),
    "GET /score": Access(ANYONE),
    "POST /api/score": Access(ANYONE, json=True),
    # observers
    "GET /i/{code}": Access(ANYONE),
    "POST /i/{code}": Access(ANYONE),
    "GET /o/": Access(OBSERVER),
    "GET /o/step/{step}": Access(OBSERVER),
    "POST /o/step/{step}": Access(OBSERVER),
    "GET /o/rate": Access(OBSERVER),
    "POST /o/start": Access(OBSERVER),
    "POST /o/language": Access(OBSERVER),
    "GET /o/card/{gap}": Access(OBSERVER),
    "GET /o/plate/{number}": Access(OBSERVER),
    "GET /o/example/{number}": Access(OBSERVER),
    "GET /o/papers/{paper}": Access(OBSERVER),
    "GET /o/next.ics": Access(OBSERVER),
    "GET /o/withdraw": Access(OBSERVER),
    "POST /o/withdraw": Access(OBSERVER),
    "POST /api/sign-on": Access(ANYONE, json=True),
    "GET /api/session": Access(OBSERVER),
    "POST /api/session": Access(OBSERVER, json=True, late=True),
    "PUT /api/ratings/{presentation}": Access(OBSERVER, json=True, late=True),
    "POST /api/events": Access(OBSERVER, json=True),
    "GET /image/{presentation}": Access(OBSERVER, late=True),
    # curators
    "GET /c/login": Access(ANYONE),
    "POST /c/login": Access(ANYONE),
    "GET /c/setup/{code}": Access(ANYONE),
    "POST /c/setup/{code}": Access(ANYONE),
    "POST /c/logout": Access(EVERY_CURATOR),
    "GET /c/account": Access(EVERY_CURATOR),
    "POST /c/account": Access(EVERY_CURATOR),
    "GET /c/curators": Access(ADMINISTRATOR),
    "POST /c/curators": Access(ADMINISTRATOR),
    "POST /c/curators/{token}": Access(ADMINISTRATOR),
    "GET /c/audit": Access(ADMINISTRATOR),
    "GET /c/audit.csv": Access(ADMINISTRATOR),
    "GET /c/": Access(EVERY_CURATOR),
    "GET /c/new-study": Access(WRITERS),
    "POST /c/new-study": Access(WRITERS),
    "GET /c/studies/{name}": Access(EVERY_CURATOR),
    "GET /c/studies/{name}/live": Access(EVERY_CURATOR),
    "GET /c/studies/{name}/setup/{step}": Access(EVERY_CURATOR),
    "POST /c/studies/{name}/setup/{step}": Access(WRITERS),
    "POST /c/studies/{name}/state": Access(WRITERS),
    "POST /c/studies/{name}/scores": Access(WRITERS),
    "POST /c/studies/{name}/rows": Access(WRITERS),
    "POST /c/studies/{name}/gold": Access(WRITERS),
    "GET /c/studies/{name}/observers": Access(WRITERS),
    "POST /c/studies/{name}/observers": Access(WRITERS),
    "GET /c/studies/{name}/observers.csv": Access(WRITERS),
    "GET /c/studies/{name}/payments.csv": Access(WRITERS),
    "POST /c/studies/{name}/due.csv": Access(WRITERS),
    "POST /c/studies/{name}/observers/{token}": Access(WRITERS),
    "GET /c/studies/{name}/papers": Access(EVERY_CURATOR),
    "GET /c/studies/{name}/papers/{paper}": Access(EVERY_CURATOR),
    "GET /c/studies/{name}/review": Access(REVIEWERS),
    "GET /c/studies/{name}/review.csv": Access(REVIEWERS),
    "POST /c/studies/{name}/review/{label}": Access(REVIEWERS),
    "GET /c/studies/{name}/results": Access(UNBLINDED),
    "POST /c/studies/{name}/results": Access(WRITERS),
    "POST /c/studies/{name}/count": Access(REVIEWERS),
    "GET /c/studies/{name}/results.csv": Access(UNBLINDED),
    "GET /c/studies/{name}/results/{stimulus}": Access(UNBLINDED),
    "GET /c/studies/{name}/images/{stimulus}": Access(EVERY_CURATOR),
    "GET /c/collection": Access(EVERY_CURATOR),
    "POST /c/collection": Access(WRITERS),
    "GET /c/collection/{name}": Access(EVERY_CURATOR),
    "POST /c/collection/{name}": Access(WRITERS),
    "POST /c/collection/{name}/variants": Access(WRITERS),
    "GET /c/originals/{name}": Access(WRITERS),
    "GET /c/variety": Access(EVERY_CURATOR),
    "GET /c/variety.svg": Access(EVERY_CURATOR),
    "GET /c/variety.csv": Access(EVERY_CURATOR),
    "GET /c/photos/{name}/{size}": Access(EVERY_CURATOR),
    "GET /c/photos/{name}/variants/{variant}/{size}": Access(EVERY_CURATOR),
    "PUT /c/uploads/{batch}/{name:path}": Access(WRITERS, json=True),
    "POST /c/uploads/{batch}": Access(WRITERS),
    "GET /c/jobs": Access(EVERY_CURATOR),
    "GET /c/jobs/rows": Access(EVERY_CURATOR),
    "POST /c/jobs": Access(WRITERS),
    "POST /c/jobs/{token}/cancel": Access(WRITERS),
}


class SignInNeeded(Exception):
    """A curator's page was asked for without being signed in."""


def route_keys(routes: Iterable[Any]) -> list[str]:
    """`METHOD /template` of every route; folders of static files are left out. HEAD goes with GET."""
    found: list[str] = []
    for route in _flat(routes):
        if isinstance(route, Mount):
            continue
        methods = getattr(route, "methods", None) or {"WEBSOCKET"}
        found += [f"{method} {route.path}" for method in sorted(methods) if method != "HEAD"]
    return found


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes with those of included routers in their place (FastAPI keeps a router as one entry)."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from _flat(inner.routes)


def check_table(routes: Iterable[Any]) -> None:
    """Raise UsageFault for a route that the table lacks."""
    for key in route_keys(routes):
        if key not in ROUTES:
            raise UsageFault(
                f"the route {key} stands in no row of the table of routes (annotate_app/access.py): say who may call it"
            )


async def enforce(request: Request) -> None:
    """Let a request through only as the table says; sets `state.observer_id` or `state.curator`. Raises VoteRefused, SignInNeeded."""
    route = request.scope.get("route")
    template = route.path if isinstance(route, APIRoute) else ""
    method = "GET" if request.method == "HEAD" else request.method
    entry = ROUTES.get(f"{method} {template}")
    if entry is None:
        raise VoteRefused("no such page", status=404, code="unknown")
    if entry.json and request.headers.get("x-dermiqa") != "1":
        raise VoteRefused("the header X-Dermiqa: 1 was expected", status=403, code="header")
    if "anyone" in entry.roles:
        return
    if "observer" in entry.roles:
        await _observer(request, entry)
    else:
        await _curator(request, entry)


async def _observer(request: Request, entry: Access) -> None:
    cookie = request.cookies.get(OBSERVER_COOKIE)
    if not cookie:
        raise VoteRefused(*SIGNED_OUT, status=401, code="signed_out")
    request.state.device = token_hash(cookie)
    if not entry.late:
        request.state.observer_id = await run_in_threadpool(_observer_id, request, request.state.device)


def _observer_id(request: Request, device: str) -> int:
    with request.app.state.engine.connect() as connection:
        return observer_of(connection, device)


def observer_of(connection: Connection, device: str) -> int:
    """The observer's key of a device's hash. Raises VoteRefused 401 for an unknown device and one that has lost the session."""
    row = connection.execute(select(DEVICES.c.observer_id, DEVICES.c.ended).where(DEVICES.c.token_hash == device)).first()
    if row is None:
        raise VoteRefused(*SIGNED_OUT, status=401, code="signed_out")
    if row.ended is not None:
        raise VoteRefused(*LOST, status=401, code="lost_session")
    return int(row.observer_id)


async def _curator(request: Request, entry: Access) -> None:
    cookie = request.cookies.get(CURATOR_COOKIE)
    who = await run_in_threadpool(curators.signed_in, request.app.state.engine, cookie) if cookie else None
    if who is None:
        raise SignInNeeded
    if who.role not in entry.roles:
        raise VoteRefused(f"your role ({who.role}) does not include this page", status=403, code="role")
    request.state.curator = who
