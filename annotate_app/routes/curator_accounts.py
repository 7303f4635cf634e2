"""Accounts and the audit trail: who may sign in, one's own password, the first administrator, who did what when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from annotate_app import accounts
from annotate_app.curators import LASTS
from annotate_app.pages import PAGE_HEADERS, render
from annotate_app.roster import csv_text
from annotate_app.routes.curator import Filled, here
from annotate_app.security import CURATOR_COOKIE, is_secure, set_cookie
from annotate_app.trail_words import sentence
from db.engine import reading
from db.models import CURATOR_ROLES
from db.queries import trail
from workspace.errors import UsageFault, VoteRefused

router = APIRouter(prefix="/c")
Page = Annotated[int, Query(ge=1, le=100_000)]
TRAIL = ("number", "at", "curator", "who", "action", "object_kind", "object_key", "object", "detail", "previous", "sha256")


@router.get("/setup/{code}")
def setup_page(request: Request, code: str) -> Response:
    """The form for the first administrator; the link works once."""
    with reading(request.app.state.engine) as session:
        if not accounts.setup_fits(request.app.state.workspace, session, code):
            raise VoteRefused("this link has been used or replaced: sign in", status=410, code="revoked")
    return render(request, "curator/setup.html", code=code, name="", fault="")


@router.post("/setup/{code}")
async def setup(request: Request, code: str, form: Filled) -> Response:
    """Make the first administrator and sign them in."""
    name, password = form.one("name"), form.one("password")
    try:
        _require_twice(password, form.one("again"))
        cookie = await request.app.state.writer.call(
            lambda db: accounts.set_up(request.app.state.workspace, db, code, name, password)
        )
    except UsageFault as fault:
        return render(request, "curator/setup.html", status=422, code=code, name=name, fault=str(fault))
    answer = here(request, "/c/")
    set_cookie(answer, CURATOR_COOKIE, cookie, secure=is_secure(request), age=int(LASTS.total_seconds()))
    return answer


@router.get("/curators")
def curators_page(request: Request) -> Response:
    """Everybody who may sign in."""
    return _curators(request)


@router.post("/curators")
async def add_curator(request: Request, form: Filled) -> Response:
    """Add a curator."""
    who, name, role = request.state.curator, form.one("name"), form.one("role")
    return await _act(request, lambda db: accounts.add(db, name, form.one("password"), role, who), name, role)


@router.post("/curators/{token}")
async def change_curator(request: Request, token: str, form: Filled) -> Response:
    """Change a role, keep somebody out or let them in, or end their sessions."""
    who, action, role = request.state.curator, form.one("action"), form.one("role")
    works: dict[str, Callable[[Session], None]] = {
        "role": lambda db: accounts.set_role(db, token, role, who),
        "disable": lambda db: accounts.set_disabled(db, token, True, who),
        "enable": lambda db: accounts.set_disabled(db, token, False, who),
        "end": lambda db: accounts.end_all(db, token, who),
    }
    if action not in works:
        raise UsageFault(f"{action!r} can't be done with a curator")
    return await _act(request, works[action])


@router.get("/account")
def account_page(request: Request) -> Response:
    """One's own password."""
    return render(request, "curator/account.html", curator=request.state.curator, fault="", done=False)


@router.post("/account")
async def change_password(request: Request, form: Filled) -> Response:
    """Change one's own password and end one's other sessions."""
    who, fault = request.state.curator, ""
    try:
        _require_twice(form.one("password"), form.one("again"))
        await request.app.state.writer.call(
            lambda db: accounts.change_password(db, who, form.one("old"), form.one("password"))
        )  # fmt: skip
    except UsageFault as refusal:
        fault = str(refusal)
    return render(
        request, "curator/account.html", status=422 if fault else 200, curator=who, fault=fault, done=not fault
    )  # fmt: skip


@router.get("/audit")
def audit_page(request: Request, page: Page = 1, action: str = "", study: str = "") -> Response:
    """The trail, newest first, and whether its chain is whole."""
    with reading(request.app.state.engine) as session:
        found = trail.page(session, page, action[:80], study[:80])
    for row in found["rows"]:
        row["said"] = sentence(row["action"], row["detail"], found["studies"])
    return render(request, "curator/audit.html", curator=request.state.curator, action=action[:80], study=study[:80], **found)


@router.get("/audit.csv")
def audit_csv(request: Request, action: str = "", study: str = "") -> Response:
    """The trail as it is stored, oldest first: details as JSON and whole hashes, so that the chain can be checked elsewhere."""
    with reading(request.app.state.engine) as session:
        text = csv_text(TRAIL, trail.whole(session, action[:80], study[:80]))
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response("\ufeff" + text, media_type="text/csv; charset=utf-8", headers=headers)


def _require_twice(password: str, again: str) -> None:
    if password != again:
        raise UsageFault("the two passwords differ: type the same one twice")


def _curators(request: Request, name: str = "", role: str = "curator", fault: str = "", status: int = 200) -> Response:
    with reading(request.app.state.engine) as session:
        rows = accounts.listed(session)
    return render(
        request, "curator/curators.html", status=status, curator=request.state.curator, rows=rows, roles=CURATOR_ROLES, name=name,
        role=role, fault=fault,
    )  # fmt: skip


async def _act(request: Request, work: Callable[[Session], None], name: str = "", role: str = "curator") -> Response:
    try:
        await request.app.state.writer.call(work)
    except UsageFault as fault:
        return await run_in_threadpool(_curators, request, name, role, str(fault), 422)
    return here(request, "/c/curators")
