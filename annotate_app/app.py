"""The web application: routers, the guard around them, and errors as one clear line."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import HTTPException as FastApiHttpException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import Engine
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from annotate_app import texts
from annotate_app.access import SignInNeeded, check_table, enforce
from annotate_app.guard import Guard
from annotate_app.limits import Allowance
from annotate_app.metrics import Metrics
from annotate_app.openapi import describe
from annotate_app.pages import choose_language, render
from annotate_app.routes import health, scoring
from annotate_app.routes import metrics as numbers
from annotate_app.scoring_process import ScoringProcess
from annotate_app.security import Limiter, server_key
from annotate_app.sequence import Sequences
from annotate_app.uploads import LARGEST_ARCHIVE
from annotate_app.writer import Writer
from db.engine import open_engine
from db.migrate import require_current
from workspace.assets import asset_folder
from workspace.errors import DatabaseFault, DermiqaError, UsageFault, VoteRefused
from workspace.settings import Workspace, open_workspace

ONLY = ("all", "observer", "curator")
PARTS = {
    "observer": ("observer", "observer_papers", "api", "images"),
    "curator": ("curator", "curator_accounts", "curator_board", "curator_plan", "curator_observers", "curator_papers", "curator_review",
                "curator_results", "wizard", "collection", "photo", "curator_jobs"),
}  # fmt: skip


def routers(part: str) -> list[APIRouter]:
    """The routes of a side. They are loaded here, so that an observers' process never loads the curators' statistics."""
    return [import_module(f"annotate_app.routes.{name}").router for name in PARTS[part]]


def create_app(
    workspace: Workspace, engine: Engine, *, only: str = "all", root_path: str = "", log: bool = True, metrics: bool = False,
    model: Path | None = None,
) -> FastAPI:  # fmt: skip
    """The application of a workspace; `only` mounts the observers' or the curators' routes alone, `metrics` the page of numbers.

    With `model`, a model's folder, photos can be scored too, by a process of its own. Raises UsageFault.
    """
    if only not in ONLY:
        raise UsageFault(f"--only {only!r}: {', '.join(ONLY)} was expected")

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        with Writer(engine, app.state.sequences) as writer:
            app.state.writer = writer
            yield
        if model is not None:
            app.state.scoring.stop()

    app = FastAPI(title="dermiqa", version="1", root_path=root_path, lifespan=running, docs_url=None, redoc_url=None,
                  openapi_url="/api/openapi.json", dependencies=[Depends(enforce)])  # fmt: skip
    app.state.workspace, app.state.engine, app.state.only = workspace, engine, only
    app.state.key, app.state.limiter, app.state.sequences = server_key(workspace), Limiter(), Sequences()
    app.include_router(health.router)
    for part in PARTS if only == "all" else (only,):
        for router in routers(part):
            app.include_router(router)
    app.state.metrics = Metrics() if metrics else None
    if metrics:
        app.include_router(numbers.router)
    if model is not None:
        app.state.scoring, app.state.scoring_rate = ScoringProcess(model), Allowance(scoring.PER_MINUTE, scoring.IN_ALL)
        app.include_router(scoring.router)
    app.mount("/static", StaticFiles(directory=asset_folder("static")), name="static")
    check_table(app.routes)
    describe(app)
    _add_errors(app)
    app.add_middleware(Guard, key=app.state.key, larger={"/c/uploads/": LARGEST_ARCHIVE, "/api/score": scoring.LARGEST_PHOTO}, log=log,
                       note=app.state.metrics.note if metrics else None)  # fmt: skip
    return app


def factory() -> FastAPI:
    """The application for a server that starts several processes: everything is said by the environment."""
    from annotate_app.logs import start_log

    workspace = open_workspace(Path(os.environ["DERMIQA_WORKSPACE"]))
    engine = open_engine(workspace.database_url)
    require_current(engine)
    start_log(workspace)
    app = create_app(
        workspace, engine, only=os.environ.get("DERMIQA_ONLY", "all"), root_path=os.environ.get("DERMIQA_ROOT_PATH", ""),
        metrics=bool(os.environ.get("DERMIQA_METRICS")), model=Path(said) if (said := os.environ.get("DERMIQA_MODEL")) else None,
    )  # fmt: skip
    spare_collections()
    return app


def spare_collections() -> None:
    """Keep the garbage collector from walking through everything that was loaded at the start: that held up votes for long."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(SignInNeeded)
    async def to_sign_in(request: Request, fault: SignInNeeded) -> Response:
        if request.method == "PUT" or "hx-request" in request.headers:
            return _answer(request, 401, "signed_out", "you are signed out: load the page again and sign in")
        root = request.scope.get("root_path", "").rstrip("/")
        path = request.url.path.removeprefix(root)
        return RedirectResponse(f"{root}/c/login?next={quote(path)}", status_code=303)

    @app.exception_handler(DermiqaError)
    async def refused(request: Request, fault: DermiqaError) -> Response:
        status = fault.status if isinstance(fault, VoteRefused) else 503 if isinstance(fault, DatabaseFault) else 409
        code = fault.code if isinstance(fault, VoteRefused) else "busy" if status == 503 else "fault"
        return _answer(request, status, code, str(fault))

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, fault: RequestValidationError) -> Response:
        first = fault.errors()[0]
        return _answer(request, 422, "bad_value", f"{first['loc'][-1]}: {first['msg']}")

    @app.exception_handler(HTTPException)
    @app.exception_handler(FastApiHttpException)
    async def plain(request: Request, fault: HTTPException) -> Response:
        return _answer(request, fault.status_code, "unknown" if fault.status_code == 404 else "refused", str(fault.detail))


def _answer(request: Request, status: int, code: str, message: str) -> Response:
    """The line as JSON for programs, as a page for people."""
    path = request.url.path.removeprefix(request.scope.get("root_path", "").rstrip("/"))
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    if path.startswith(("/api/", "/image/", "/healthz", "/readyz")) or "text/html" not in request.headers.get("accept", "*/*"):
        return JSONResponse(
            {"error": code, "message": message}, status_code=status, headers={"Cache-Control": "no-store", **headers}
        )
    if path.startswith("/c/"):
        who = getattr(request.state, "curator", None)
        return render(request, "curator/fault.html", status=status, headers=headers, curator=who, line=message)
    language = choose_language(None, request.headers.get("accept-language"))
    heading = texts.word(PAGE_HEADINGS.get(code, "This does not work"), language)
    lines = [texts.sentence(texts.word(message, language))]
    return render(
        request, "observer/message.html", language, status=status, headers=headers, observer=None, heading=heading, lines=lines
    )


PAGE_HEADINGS = {
    "signed_out": "You are signed out",
    "lost_session": "Rating goes on on another device",
    "unknown": "There is no such page",
    "busy": "One moment",
}
