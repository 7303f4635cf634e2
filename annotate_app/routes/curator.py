"""The curator's first pages: sign in and out, and the list of studies."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, select

from annotate_app import curators
from annotate_app.pages import render
from annotate_app.routes.forms import Form, form_of
from annotate_app.security import CURATOR_COOKIE, is_secure, set_cookie
from db.engine import reading
from db.models import Curator
from db.queries import audit
from db.queries import studies as queries
from workspace.errors import VoteRefused

router = APIRouter(prefix="/c")
Filled = Annotated[Form, Depends(form_of)]


def here(request: Request, path: str) -> RedirectResponse:
    """An answer that leads to another page of this application."""
    return RedirectResponse(request.scope.get("root_path", "").rstrip("/") + path, status_code=303)


def safe_next(path: str) -> str:
    """Where to go after signing in: a curator's page of this server, nothing else."""
    fine = (
        path.startswith("/c/") and "//" not in path and "\\" not in path and path.isprintable() and not path.startswith("/c/log")
    )
    return path if fine else "/c/"


@router.get("/login")
def login_page(request: Request, next: str = "/c/") -> Response:
    """The form for name and password."""
    return render(request, "curator/login.html", next=safe_next(next), fault="")


@router.post("/login")
async def login(request: Request, form: Filled) -> Response:
    """Sign in; a wrong name and a wrong password get the same answer."""
    goal, fault, status = safe_next(form.one("next")), "Name or password is wrong.", 401
    try:
        cookie = await request.app.state.writer.call(lambda db: _sign_in(db, form.one("name"), form.one("password")))
    except VoteRefused as refusal:
        cookie, fault, status = None, str(refusal), refusal.status
    if cookie is None:
        return render(request, "curator/login.html", status=status, next=goal, fault=fault)
    answer = here(request, goal)
    set_cookie(answer, CURATOR_COOKIE, cookie, secure=is_secure(request), age=int(curators.LASTS.total_seconds()))
    return answer


def _sign_in(db: Session, name: str, password: str) -> str | None:
    """Sign in and say so in the audit trail; a wrong password is counted there by the curator's key alone."""
    cookie = curators.sign_in(db, name, password)
    known = db.exec(select(Curator.id).where(Curator.name == name.strip())).first()
    if known is not None:
        audit.append(db, "signed in" if cookie else "wrong password", curator_id=known, object_kind="curator", object_id=known)
    return cookie


@router.post("/logout")
async def logout(request: Request, form: Filled) -> Response:
    """End this browser's session."""
    await request.app.state.writer.call(lambda db: curators.sign_out(db, request.state.curator))
    answer = here(request, "/c/login")
    answer.delete_cookie(CURATOR_COOKIE, path="/")
    return answer


@router.get("/")
def studies_page(request: Request, sort: str = "", down: str = "") -> Response:
    """All studies with their state, by any column."""
    with reading(request.app.state.engine) as session:
        rows: list[dict[str, Any]] = [
            {"name": s.name, "state": s.state, "created": s.created} for s in queries.all_studies(session)
        ]
    if sort in ("name", "state", "created"):
        rows.sort(key=lambda row: row[sort], reverse=down == "yes")
    return render(request, "curator/studies.html", curator=request.state.curator, studies=rows, sort=sort, down=down)
