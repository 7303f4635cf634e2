"""Whether the server is there, and whether it can take votes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, bool]:
    """The process answers."""
    return {"ok": True}


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """The database answers and the writer runs; 503 otherwise."""
    try:
        with request.app.state.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        ready = request.app.state.writer.thread.is_alive()
    except SQLAlchemyError:
        ready = False
    return JSONResponse({"ok": ready}, status_code=200 if ready else 503)


@router.get("/")
async def front(request: Request) -> Response:
    """The bare address leads to the curator's pages, where they are served here."""
    if request.app.state.only == "observer":
        return Response(status_code=404)
    return RedirectResponse(request.scope.get("root_path", "") + "/c/", status_code=303)
