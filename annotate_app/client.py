"""A small HTTP/1.1 client for many observers at once: one kept connection each, no more work than a request needs.

It speaks to this application's server (plain or TLS): answers with a length or in chunks, nothing compressed, no redirects.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from workspace.errors import UsageFault

LARGEST_HEAD = 64 * 1024


class ConnectionLost(Exception):
    """The server is not there, or went away before it had answered."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, the headers that were sent (names in small letters), and the body."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.body)

    def cookie(self, name: str) -> str | None:
        """The value of a cookie that this answer sets."""
        for line in self.headers.get("set-cookie", []):
            key, _, value = line.split(";", 1)[0].partition("=")
            if key.strip() == name:
                return value
        return None


class Client:
    """One connection to the server at `url`, opened when needed and again when it was lost; not for use by two tasks at once."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageFault(f"{url!r} is no address of a server: http://HOST:PORT was expected")
        self.url, self.host, self.timeout = url.rstrip("/"), parts.hostname, timeout
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.port = parts.port or (443 if self.tls else 80)
        self.base = parts.path.rstrip("/")
        self.headers = {"Host": parts.netloc.rpartition("@")[2], **(headers or {})}
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: Any = None) -> Reply:
        """Send one request (a `body` as JSON) and read its answer. Raises ConnectionLost; the next request connects again."""
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        lines = [f"{method} {self.base}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers.items())]
        if data:
            lines.append("Content-Type: application/json")
        if data or method not in ("GET", "HEAD"):
            lines.append(f"Content-Length: {len(data)}")
        message = "\r\n".join(lines).encode() + b"\r\n\r\n" + data
        try:
            async with asyncio.timeout(self.timeout):
                return await self._exchange(message, method)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError) as fault:
            self.close()
            raise ConnectionLost(f"{self.url} does not answer ({type(fault).__name__})") from None

    async def _exchange(self, message: bytes, method: str) -> Reply:
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, self.port, ssl=self.tls, limit=LARGEST_HEAD)
        reader, writer = self.streams
        writer.write(message)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers: dict[str, list[str]] = {}
        for line in head[1:-2]:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        bare = method == "HEAD" or status in (204, 304)
        body = b"" if bare else await self._body(reader, headers)
        if headers.get("connection", [""])[0].lower() == "close":
            self.close()
        return Reply(status, headers, body)

    async def _body(self, reader: asyncio.StreamReader, headers: dict[str, list[str]]) -> bytes:
        if headers.get("transfer-encoding", [""])[0].lower() != "chunked":
            return await reader.readexactly(int(headers.get("content-length", ["0"])[0]))
        parts = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return b"".join(parts)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None
