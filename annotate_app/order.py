"""The order of a table by one of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def by_value(rows: Iterable[T], value: Callable[[T], Any], down: bool) -> list[T]:
    """Rows by `value`, falling where `down`; those whose value is None come last either way, as they came."""
    held = [(value(row), row) for row in rows]
    known = sorted((pair for pair in held if pair[0] is not None), key=lambda pair: pair[0], reverse=down)
    return [row for _, row in known] + [row for found, row in held if found is None]
