"""Secrets: tokens kept as hashes, passwords by argon2, form tokens bound to a cookie, and limits on failures.

Limits on failures count per code or name and over all, never per address: forty people may share one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
import time
from collections import deque
from functools import lru_cache

from starlette.requests import HTTPConnection
from starlette.responses import Response

from workspace.errors import UsageFault
from workspace.files import lock, write_bytes
from workspace.settings import Workspace

OBSERVER_COOKIE = "dermiqa_observer"
CURATOR_COOKIE = "dermiqa_curator"
VISIT_COOKIE = "dermiqa_visit"
COOKIES = (OBSERVER_COOKIE, CURATOR_COOKIE, VISIT_COOKIE)
YEAR = 365 * 24 * 3600
LEAST_PASSWORD = 10


def new_secret() -> str:
    """A secret for a cookie or an invitation: 192 random bits, base64url."""
    return secrets.token_urlsafe(24)


def token_hash(token: str) -> str:
    """What is kept of a secret: its SHA-256 (the secret itself is random, so no salt is needed)."""
    return hashlib.sha256(token.encode()).hexdigest()


def server_key(workspace: Workspace) -> bytes:
    """This workspace's own key (mode 600, made at the first need), or DERMIQA_SECRET."""
    said = os.environ.get("DERMIQA_SECRET")
    if said:
        return said.encode()
    path = workspace.root / ".secret"
    if not path.exists():
        with lock(workspace.root, "secret", wait=20, doing="making the server's key"):
            if not path.exists():
                write_bytes(path, secrets.token_hex(32).encode(), mode=0o600, durable=True)
    return path.read_bytes()


def keyed_hash(key: bytes, purpose: str, value: str) -> str:
    """HMAC-SHA-256 of a value for one purpose: a provider's id can be found again but not read back."""
    return hmac.new(key, f"{purpose}\x1f{value}".encode(), hashlib.sha256).hexdigest()


def form_token(key: bytes, cookie: str) -> str:
    """The token that a form carries, good for the browser that holds this cookie."""
    return keyed_hash(key, "form", cookie)[:32]


def form_token_fits(key: bytes, connection: HTTPConnection, said: str) -> bool:
    """Whether a form's token fits one of the cookies that came with it."""
    held = (connection.cookies.get(name) for name in COOKIES)
    return any(hmac.compare_digest(form_token(key, cookie), said) for cookie in held if cookie)


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether a request comes from this site's own pages, by Sec-Fetch-Site or Origin; clients that send neither pass."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = connection.headers.get("origin")
    if origin is None or origin == "null":
        return origin is None or site == "same-origin"
    return origin.split("://", 1)[-1].lower() == connection.headers.get("host", "").lower()


def set_cookie(response: Response, name: str, value: str, *, secure: bool, path: str = "/", age: int | None = YEAR) -> None:
    """Set a cookie that scripts can't read and other sites can't send along."""
    response.set_cookie(name, value, max_age=age, path=path, httponly=True, samesite="lax", secure=secure)


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser came over TLS (uvicorn reads trusted proxies' word)."""
    return connection.url.scheme in ("https", "wss")


@lru_cache(maxsize=1)
def _hasher() -> object:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    return PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """Argon2 hash of a password. Raises UsageFault for one that is too short."""
    if len(password) < LEAST_PASSWORD:
        raise UsageFault(f"the password has {len(password)} characters: {LEAST_PASSWORD} or more were expected")
    return str(_hasher().hash(password))  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    return hash_password(new_secret())


def password_fits(password: str, hashed: str | None) -> bool:
    """Whether a password is right; takes the same time where there is no such person."""
    try:
        fits = bool(_hasher().verify(password, hashed or _dummy_hash()))  # type: ignore[attr-defined]
    except Exception:
        return False
    return fits and hashed is not None


class Limiter:
    """Counts failures within a window, per key and over all; a success is never held up by other people's failures."""

    def __init__(self, per_key: int = 10, overall: int = 600, window: float = 60.0) -> None:
        self.per_key, self.overall, self.window = per_key, overall, window
        self.failures: deque[tuple[float, str]] = deque()
        self.lock = threading.Lock()

    def fail(self, key: str) -> bool:
        """Note a failure; gives whether too many stand in the window."""
        moment, short = time.monotonic(), token_hash(key)[:16]
        with self.lock:
            while self.failures and moment - self.failures[0][0] > self.window:
                self.failures.popleft()
            self.failures.append((moment, short))
            if len(self.failures) > 4 * self.overall:
                self.failures.popleft()
            return len(self.failures) > self.overall or sum(1 for _, k in self.failures if k == short) > self.per_key
