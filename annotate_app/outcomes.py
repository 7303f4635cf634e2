"""What a form of the observer's way is checked with, and what it came to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotate_app.steps import Way

Form = Mapping[str, Sequence[str]]


@dataclass
class Outcome:
    """What a form came to: `faults` keep the page open; `again` shows the step's next card; `ending` closes the visit."""

    values: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    ending: str | None = None
    again: bool = False


@dataclass(frozen=True)
class Asked:
    """What a check needs to know: the way, who answers (seed), earlier answers, the browser's name, and how to say things."""

    way: Way
    seed: int
    before: Mapping[str, Any]
    agent: str
    say: Callable[[str], str]
    texts: Mapping[str, str]


def one(form: Form, name: str) -> str:
    """The first value of a field, stripped; an empty text where it is missing."""
    return (form.get(name) or [""])[0].strip()


def number(text: str) -> float | None:
    """A typed number with point or comma, None where it is none."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
