"""Work that needs a thread without an event loop: a browser's driver keeps one running in the tests' own thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


def run_apart(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What `work` gives (or raises), done in a thread of its own: `run_apart(asyncio.run, coroutine)`."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *given, **named).result()
