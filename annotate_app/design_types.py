"""The values that a plan consists of: images in roles, rules, places, rows; and the hash over all of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

DESIGN_VERSION = "1"
RATED = ("test", "reference", "anchor")


@dataclass(frozen=True)
class Image:
    """One image of a study: `role` test, reference, anchor, gold, training or stabilising (its pool); variant "" is the pristine."""

    name: str
    content: str
    variant: str
    role: str


@dataclass(frozen=True)
class Rules:
    """How rows are made. `blocks` in all, `take` of them per observer, `per_sitting` in one sitting; `distance` in places.

    `gold` and `repeats` per sitting; `stabilising` in the first and in later sittings; `together` keeps whole contents in a
    block; `references_everywhere` shows each reference in every block; `seconds` per presentation, for the hours.
    """

    blocks: int = 1
    take: int = 1
    per_sitting: int = 1
    distance: int = 8
    gold: int = 0
    repeats: int = 0
    repeat_distance: int = 20
    stabilising: tuple[int, int] = (5, 3)
    together: bool = False
    references_everywhere: bool = False
    seconds: float = 6.0

    @property
    def sittings(self) -> int:
        """Sittings of one observer."""
        return math.ceil(self.take / self.per_sitting)


@dataclass(frozen=True, slots=True)
class Shown:
    """A place of a row: sitting (0: training), the image's number, and the role that it plays there."""

    sitting: int
    image: int
    role: str


@dataclass(frozen=True)
class Plan:
    """All rows of one panel; `distances` (rows, sittings) is the least distance between equal contents that orders reached."""

    images: tuple[Image, ...]
    rules: Rules
    seed: int
    panel: str
    rows: tuple[tuple[Shown, ...], ...]
    distances: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = field(default=())

    def lines(self) -> Iterator[str]:
        """The plan as text: row, position, sitting, role, image; what the hash covers."""
        for number, row in enumerate(self.rows):
            for position, shown in enumerate(row):
                yield f"{self.panel},{number},{position},{shown.sitting},{shown.role},{self.images[shown.image].name}\n"


def plan_sha256(plans: Sequence[Plan]) -> str:
    """SHA-256 over the lines of all panels' plans."""
    digest = hashlib.sha256()
    for plan in plans:
        for line in plan.lines():
            digest.update(line.encode())
    return digest.hexdigest()
