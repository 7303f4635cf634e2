"""Scoring by a model, where the server was started with one: a page where a photo is dropped, and the same for programs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from annotate_app.pages import choose_language, render
from workspace.errors import VoteRefused

router = APIRouter()
LARGEST_PHOTO = 25_000_000
PER_MINUTE, IN_ALL = 30, 120
NOTICE = "Research use only; not a medical device; not for diagnosis or for refusing a patient's photo."


@router.get("/score")
async def score_page(request: Request) -> Response:
    """The page: a photo is dropped, scored and explained; nothing is stored."""
    language = choose_language(None, request.headers.get("accept-language"))
    return render(request, "observer/score.html", language, largest=LARGEST_PHOTO // 1_000_000)


@router.post("/api/score")
async def score(request: Request) -> Response:
    """Score the photo file that is the request's body; answers JSON. 413, 422, 429 and 503 say in one line why not.

    A photo over the rate or without a place is refused before its bytes are read.
    """
    client = request.client.host if request.client else "unknown"
    request.app.state.scoring.must_have_room()
    if not request.app.state.scoring_rate.take(client):
        limit = f"more than {PER_MINUTE} photos in a minute from one address, or {IN_ALL} from all"
        raise VoteRefused(f"{limit}: wait a little", status=429, code="rate")
    data = await request.body()
    if not data:
        raise VoteRefused("the body is empty: a photo file was expected", status=422, code="photo")
    found: dict[str, Any] = await run_in_threadpool(request.app.state.scoring.score, data)
    return JSONResponse({"notice": NOTICE, **found}, headers={"Cache-Control": "no-store"})
