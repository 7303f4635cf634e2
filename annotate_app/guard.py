"""What every request passes: its origin, its size, a visit's cookie for pages with forms, and one line in the log.

The log holds the route's template, never the address called: no token, code or name, and no IP address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from annotate_app.security import COOKIES, VISIT_COOKIE, form_token, is_same_origin, new_secret

SAFE = ("GET", "HEAD", "OPTIONS")
METHODS = (*SAFE, "POST", "PUT", "PATCH", "DELETE")
LARGEST = 64 * 1024
BODY_S = 30.0
LONGEST_NUMBER = 15
PLAIN = ("/static/", "/image/", "/api/", "/healthz", "/readyz", "/metrics")


class TooLarge(Exception):
    """The body went over the limit."""


class TooSlow(Exception):
    """The body stopped coming."""


class Guard:
    """The middleware around the application. `largest` bytes of body, other limits by path prefix in `larger`.

    `note` counts each request; a body that stops coming for `BODY_S` seconds is given up.
    """

    def __init__(self, app: ASGIApp, *, key: bytes, largest: int = LARGEST, larger: dict[str, int] | None = None,
                 log: bool = True, note: Callable[[str, str, int, float], None] | None = None) -> None:  # fmt: skip
        self.app, self.key, self.largest, self.larger = app, key, largest, larger or {}
        self.note = note
        self.log: Any = structlog.get_logger("dermiqa.serve") if log else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, hand on, and log."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), [500]
        request = Request(scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        visit = self._visit(request, path)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                if visit is not None:
                    message["headers"] = [*message.get("headers", []), (b"set-cookie", visit)]
            await send(message)

        try:
            await self._pass(request, path, receive, answer)
        finally:
            self._tell(scope, path, status[0], time.perf_counter() - began)

    def _tell(self, scope: Scope, path: str, status: int, seconds: float) -> None:
        """One line in the log, one count in the metrics, where they are wanted."""
        route = getattr(scope.get("route"), "path", None) or ("/static" if path.startswith("/static/") else "(none)")
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        if self.log is not None:
            self.log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
        if self.note is not None:
            self.note(method, route, status, seconds)

    async def _pass(self, request: Request, path: str, receive: Receive, send: Send) -> None:
        if request.method not in SAFE and not is_same_origin(request):
            await _refuse(403, "origin", "this request comes from another site", request, receive, send)
            return
        limit = next((size for prefix, size in self.larger.items() if path.startswith(prefix)), self.largest)
        said = Headers(scope=request.scope).get("content-length", "0")
        if not said.isdigit() or len(said) > LONGEST_NUMBER or int(said) > limit:
            await _refuse(413, "too_large", f"at most {limit} bytes were expected", request, receive, send)
            return
        seen, started, whole = 0, False, False

        async def counted() -> Message:
            nonlocal seen, whole
            try:
                async with asyncio.timeout(None if whole else BODY_S):
                    message = await receive()
            except TimeoutError:
                raise TooSlow from None
            seen += len(message.get("body", b""))
            whole = whole or not message.get("more_body", False)
            if seen > limit:
                raise TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(request.scope, counted, noted)
        except TooLarge:
            if not started:
                await _refuse(413, "too_large", f"at most {limit} bytes were expected", request, receive, send)
        except TooSlow:
            if not started:
                await _refuse(408, "too_slow", f"the request stopped for {BODY_S:g} s before its end", request, receive, send)

    def _visit(self, request: Request, path: str) -> bytes | None:
        """Give pages their form token; a browser without any cookie gets one for this visit. Gives the header to set."""
        if path.startswith(PLAIN):
            return None
        held = next((request.cookies[name] for name in COOKIES if request.cookies.get(name)), None)
        cookie = held or new_secret()
        request.state.form_token = form_token(self.key, cookie)
        if held is not None or request.method not in SAFE:
            return None
        made: SimpleCookie = SimpleCookie({VISIT_COOKIE: cookie})
        for attribute, value in (
            ("path", "/"),
            ("samesite", "lax"),
            ("httponly", True),
            ("secure", request.url.scheme == "https"),
        ):
            made[VISIT_COOKIE][attribute] = value
        return made[VISIT_COOKIE].OutputString().encode()


async def _refuse(status: int, code: str, message: str, request: Request, receive: Receive, send: Send) -> None:
    response = JSONResponse({"error": code, "message": message}, status_code=status, headers={"Connection": "close"})
    await response(request.scope, receive, send)
