"""Scoring by a model, where the server was started with one: a page where a photo is dropped, and the same for programs."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from annotate_app.limits import network_of
from annotate_app.pages import choose_language, render
from annotate_app.scoring_process import ANSWER_S, PAUSE_S
from workspace.errors import VoteRefused

router = APIRouter()
LARGEST_PHOTO = 25_000_000
PER_MINUTE, IN_ALL = 30, 120
UPLOAD_S = 60.0
NOTICE = "Research use only; not a medical device; not for diagnosis or for refusing a patient's photo."
OVER_THE_RATE = f"more than {PER_MINUTE} photos in a minute from one address, or {IN_ALL} from all: wait a little"
NOT_A_FORM = "send the photo's bytes as the body itself (curl --data-binary @photo.jpg), not as a form"


@router.get("/score")
async def score_page(request: Request) -> Response:
    """The page: a photo is dropped, scored and explained; nothing is stored."""
    language = choose_language(None, request.headers.get("accept-language"))
    return render(request, "observer/score.html", language, largest=LARGEST_PHOTO // 1_000_000)


@router.post("/api/score")
async def score(request: Request) -> Response:
    """Score the photo file that is the request's body; answers JSON. 413, 422, 429 and 503 say in one line why not.

    A photo over the rate, without a place or inside a form is refused before its bytes are read.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise VoteRefused(NOT_A_FORM, status=422, code="photo")
    address = request.client.host if request.client else "unknown"
    scoring, rate, key = request.app.state.scoring, request.app.state.scoring_rate, network_of(address)
    if scoring.must_wait(address):
        return _wait(f"a photo from this address took more than {ANSWER_S:.0f} s: wait {PAUSE_S / 60:.0f} minutes", PAUSE_S)
    with scoring.place(address):
        if not rate.left(key):
            return _wait(OVER_THE_RATE, rate.window)
        data = await _whole(request)
        if not rate.take(key):
            return _wait(OVER_THE_RATE, rate.window)
        found: dict[str, Any] = await run_in_threadpool(scoring.score, data)
    return JSONResponse({"notice": NOTICE, **found}, headers={"Cache-Control": "no-store"})


async def _whole(request: Request) -> bytes:
    """The body, when it came whole and in time."""
    try:
        async with asyncio.timeout(UPLOAD_S):
            data = await request.body()
    except TimeoutError:
        raise VoteRefused(f"the photo did not arrive within {UPLOAD_S:.0f} s", status=408, code="too_slow") from None
    except ClientDisconnect:
        raise VoteRefused("the photo did not arrive whole", status=400, code="broken_off") from None
    if not data:
        raise VoteRefused("the body is empty: a photo file was expected", status=422, code="photo")
    return data


def _wait(message: str, seconds: float) -> JSONResponse:
    """429, and after how many seconds to come again."""
    headers = {"Cache-Control": "no-store", "Retry-After": f"{seconds:.0f}"}
    return JSONResponse({"error": "rate", "message": message}, status_code=429, headers=headers)
