"""Who sees what when: a plan made from images, rules and a seed, the same on any machine; pure.

A row is what one observer will see: training, then sittings of blocks in the order of a Williams square, each block in a random
order of its own with a least distance between versions of one content, gold and repeats spread through it, stabilising items
first. Sources: ITU-T P.910 (sessions, replications, order), Williams 1949 (squares).
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from annotate_app.design_blocks import partition
from annotate_app.design_order import insert_spread, is_clear, possible_distance, spaced
from annotate_app.design_squares import generator, row_order, square_rows
from workspace.errors import StudyFault

DESIGN_VERSION = "1"
RATED = ("test", "reference", "anchor")
SITTING = 200
Ints = NDArray[np.int64]


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


@dataclass(frozen=True)
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
        digest.update("".join(plan.lines()).encode())
    return digest.hexdigest()


def fitting_rules(images: int, **said: object) -> Rules:
    """Rules for so many rated images: sittings of at most 200, or four blocks within one sitting; what is `said` goes first."""
    sittings = max(1, math.ceil(images / SITTING))
    short = 4 if images >= 40 else 2 if images >= 10 else 1
    blocks = int(str(said.get("blocks") or (sittings if sittings > 1 else short)))
    take = int(str(said.get("take") or blocks))
    per_sitting = int(str(said.get("per_sitting") or max(1, round(take / sittings))))
    per_block = images / blocks * per_sitting
    base: dict[str, object] = {"repeats": round(per_block * 0.05)}
    known = {k: v for k, v in said.items() if v is not None}
    return Rules(**{**base, **known, "blocks": blocks, "take": take, "per_sitting": per_sitting})  # type: ignore[arg-type]


def check_rules(images: Sequence[Image], rules: Rules) -> None:
    """Raise StudyFault where no plan can keep the rules."""
    rated = [image for image in images if image.role in RATED]
    if not rated:
        raise StudyFault("no image is left to rate: reserve fewer contents or bring in more photos")
    if not 1 <= rules.take <= rules.blocks or rules.blocks > len(rated):
        raise StudyFault(
            f"{rules.take} of {rules.blocks} blocks with {len(rated)} images: 1 to as many blocks as there are images was expected"
        )
    hidden = any(image.role == "reference" for image in rated)
    if rules.take < rules.blocks and hidden and not (rules.together or rules.references_everywhere):
        raise StudyFault(
            f"{rules.take} of {rules.blocks} blocks parts images from their reference, so DMOS would lose its pairs: "
            "keep whole contents together, show the references in every block, or leave the hidden reference out (method ACR)"
        )


def make_plan(images: Sequence[Image], rules: Rules, rows: int, seed: int, panel: str = "lay", first: int = 0) -> Plan:
    """The rows `first` .. `first + rows - 1` of a panel; a row depends on the seed and its own number alone."""
    check_rules(images, rules)
    maker = _Maker(tuple(images), rules, seed, panel)
    made = [maker.row(number) for number in range(first, first + rows)]
    return Plan(tuple(images), rules, seed, panel, tuple(r for r, _ in made), tuple(d for _, d in made), tuple(maker.notes()))


class _Maker:
    """What all rows of a panel share: contents as numbers, pools by role, and the partition of each square."""

    def __init__(self, images: tuple[Image, ...], rules: Rules, seed: int, panel: str) -> None:
        names = {name: k for k, name in enumerate(sorted({image.content for image in images}))}
        variants = {name: k for k, name in enumerate(sorted({image.variant for image in images}))}
        self.images, self.rules, self.seed, self.panel = images, rules, seed, panel
        self.content = [names[image.content] for image in images]
        self.variant = [variants[image.variant] for image in images]
        self.rated = [k for k, image in enumerate(images) if image.role in RATED]
        self.training = [k for k, image in enumerate(images) if image.role == "training"]
        self.gold = [k for k, image in enumerate(images) if image.role == "gold"]
        spare = [k for k, image in enumerate(images) if image.role == "stabilising"] or self.training
        self.pool = spare if len({self.content[k] for k in spare}) > 1 else []
        self.parts: dict[int, list[list[int]]] = {}

    def notes(self) -> Iterator[str]:
        """What this study gives up, in words."""
        if not self.training:
            yield "no training: no content is left out of the test"
        if self.rules.gold and not self.gold:
            yield "no gold: no content is left out of the test"
        if not self.pool and any(self.rules.stabilising):
            yield "stabilising items are test images, since fewer than two contents are left out of the test"
        if len({self.content[k] for k in self.rated}) == 1:
            yield "one content alone: it follows itself at every place"

    def blocks(self, square: int) -> list[list[int]]:
        """The images of each block in a square; references stand in every block where the rules say so."""
        if square not in self.parts:
            rng = generator(self.seed, self.panel, "blocks", square)
            everywhere = [k for k in self.rated if self.rules.references_everywhere and self.images[k].role == "reference"]
            dealt = [k for k in self.rated if k not in set(everywhere)]
            given = partition([self.content[k] for k in dealt], [self.variant[k] for k in dealt],
                              self.rules.blocks, self.rules.together, rng)  # fmt: skip
            self.parts[square] = [
                [k for k, block in zip(dealt, given, strict=True) if block == which] + everywhere
                for which in range(self.rules.blocks)
            ]
        return self.parts[square]

    def row(self, number: int) -> tuple[tuple[Shown, ...], tuple[int, ...]]:
        """One row and the least distance that each of its sittings reached."""
        square, order = row_order(self.seed, self.panel, self.rules.blocks, number, self.rules.take)
        rng = generator(self.seed, self.panel, "row", number)
        parts = self.blocks(square)
        shown = [Shown(0, self.training[k], "training") for k in rng.permutation(len(self.training))]
        seen: list[int] = []
        repeated: set[int] = set()
        reached: list[int] = []
        for sitting in range(1, self.rules.sittings + 1):
            chunk = order[(sitting - 1) * self.rules.per_sitting : sitting * self.rules.per_sitting]
            made, distance = _Sitting(self, sitting, [parts[b] for b in chunk], seen, repeated, rng).make()
            shown += made
            reached.append(distance)
        return tuple(shown), tuple(reached)


class _Sitting:
    """One sitting of a row; `seen` and `repeated` go through the whole row and are added to."""

    def __init__(self, maker: _Maker, number: int, blocks: list[list[int]], seen: list[int], repeated: set[int],
                 rng: np.random.Generator) -> None:  # fmt: skip
        self.maker, self.number, self.blocks, self.rng = maker, number, blocks, rng
        self.seen, self.repeated = seen, repeated
        self.sequence: list[int] = []
        self.roles: list[str] = []
        self.distance = maker.rules.distance

    def make(self) -> tuple[list[Shown], int]:
        """The sitting's places in order and the distance reached."""
        rules, before = self.maker.rules, list(self.seen)
        warm = self._stabilising(rules.stabilising[0 if self.number == 1 else 1])
        self.sequence, self.roles = list(warm), ["stabilising"] * len(warm)
        for block in self.blocks:
            self._add_block(block)
        start = len(warm)
        across = rules.repeats // 2 if before else 0
        self._insert(start, rules.gold if self.maker.gold else 0, "gold", self._gold())
        self._insert(start, across, "repeat", before)
        self._insert(start + self._apart(), rules.repeats - across, "repeat", None)
        return [Shown(self.number, k, role) for k, role in zip(self.sequence, self.roles, strict=True)], self.distance

    def _add_block(self, block: list[int]) -> None:
        contents = [self.maker.content[k] for k in block]
        wanted = possible_distance(contents, self.maker.rules.distance)
        tail = [self.maker.content[k] for k in self.sequence]
        order, reached = spaced(contents, wanted, self.rng, tail)
        self.distance = min(self.distance, reached)
        known = set(self.seen)
        for place in order:
            image = block[place]
            self.sequence.append(image)
            self.roles.append("repeat" if image in known else self.maker.images[image].role)
            self.seen.append(image)

    def _stabilising(self, count: int) -> list[int]:
        """Images of left-out contents, or of the test outside this sitting where there are none; contents parted if possible."""
        here = {k for block in self.blocks for k in block}
        pool = self.maker.pool or [k for k in self.maker.rated if k not in here] or self.maker.rated
        drawn = [pool[int(k)] for k in self.rng.permutation(len(pool))]
        turn: Counter[int] = Counter()
        turns = []
        for k in drawn:
            turns.append(turn[self.maker.content[k]])
            turn[self.maker.content[k]] += 1
        picked = [drawn[k] for k in sorted(range(len(drawn)), key=turns.__getitem__)[:count]]
        contents = [self.maker.content[k] for k in picked]
        return [picked[k] for k in spaced(contents, possible_distance(contents, self.maker.rules.distance), self.rng)[0]]

    def _apart(self) -> int:
        """Places between an image and its repeat: as the rules say, at most a quarter of the sitting."""
        return min(self.maker.rules.repeat_distance, len(self.sequence) // 4)

    def _gold(self) -> list[int]:
        pool = self.maker.gold
        rounds = -(-self.maker.rules.gold // max(1, len(pool)))
        return [pool[int(k)] for _ in range(rounds) for k in self.rng.permutation(len(pool))]

    def _insert(self, start: int, count: int, role: str, pool: list[int] | None) -> None:
        """Put in `count` items of `pool` (None: images of this sitting, well before), keeping the distance."""
        content, apart = self.maker.content, self._apart()

        def choose(place: int) -> int | None:
            if pool is None:
                last = max(0, place - apart + 1)
                candidates = [k for k, said in zip(self.sequence[:last], self.roles[:last], strict=True) if said in RATED]
            else:
                candidates = pool
            near = [content[k] for k in self.sequence]
            draws = range(len(candidates)) if role == "gold" else self.rng.permutation(len(candidates))[:60]
            for k in (candidates[int(d)] for d in draws):
                free = k not in self.repeated or role == "gold"
                if free and is_clear(near, place, content[k], max(2, self.distance)):
                    if role == "gold":
                        candidates.remove(k)
                    else:
                        self.repeated.add(k)
                    self.roles.insert(place, role)
                    return k
            return None

        insert_spread(self.sequence, start, count, choose, self.rng)


def rows_in_whole_squares(rules: Rules, rows: int) -> tuple[int, int]:
    """How many rows stand in whole squares, and how many are left over."""
    whole = rows - rows % square_rows(rules.blocks)
    return whole, rows - whole
