"""A report's parts, apart from how they are printed: sections of texts, lists, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """One paragraph; `strong` for what must not be overlooked."""

    text: str
    strong: bool = False
    kind: str = "text"


@dataclass(frozen=True)
class Bullets:
    """A list of short lines."""

    items: Sequence[str]
    kind: str = "bullets"


@dataclass(frozen=True)
class Table:
    """Heads and rows of texts; `numbers[i]` puts column i to the right; `long` tables may be folded away on screen."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    long: bool = False
    kind: str = "table"

    @property
    def numbers(self) -> list[bool]:
        """Which columns hold numbers only (blanks and dashes aside)."""
        columns = zip(*self.rows, strict=True) if self.rows else [() for _ in self.heads]
        return [any(c not in ("", "-") for c in column) and all(_numeric(c) for c in column) for column in columns]


@dataclass(frozen=True)
class Figure:
    """An SVG with its alternative text and a caption."""

    svg: str
    alt: str
    caption: str = ""
    kind: str = "figure"


Block = Text | Bullets | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading with its blocks."""

    title: str
    blocks: list[Block]


@dataclass(frozen=True)
class Document:
    """A report: title, a badge over every page ("" for none), facts of the first page, sections."""

    title: str
    badge: str
    facts: list[tuple[str, str]]
    sections: list[Section] = field(default_factory=list)


def _numeric(cell: str) -> bool:
    text = cell.replace("±", "").replace("%", "").replace(",", "").replace("[", "").replace("]", "").replace("to", "")
    try:
        _ = [float(part) for part in text.split()]
    except ValueError:
        return cell in ("", "-")
    return True


def number(value: Any, digits: int = 2) -> str:
    """A number with so many digits after the point; a dash for None and nan."""
    if value is None or value != value:
        return "-"
    return f"{float(value):.{digits}f}"


def interval(value: Any, low: Any, high: Any, digits: int = 2) -> str:
    """`6.42 [6.11, 6.73]`, only the value where the interval is undefined, a dash where the value is."""
    if low is None or high is None or low != low or high != high:
        return number(value, digits)
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def plus_minus(value: Any, low: Any, high: Any, digits: int = 2) -> str:
    """`6.42 ± 0.31` from the ends of a symmetric interval."""
    if low is None or high is None or low != low or high != high:
        return number(value, digits)
    return f"{number(value, digits)} ± {number((high - low) / 2, digits)}"
