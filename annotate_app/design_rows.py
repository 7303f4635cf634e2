"""The rows of a plan: blocks of each square, and each sitting's order with gold, repeats and stabilising items put in.

A row costs what it shows, not what the study holds, so that 100,000 images plan as fast per presentation as 1,000.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from annotate_app.design_blocks import partition
from annotate_app.design_order import insert_spread, possible_distance, spaced
from annotate_app.design_squares import generator, row_order
from annotate_app.design_types import RATED, Image, Rules, Shown

Ints = NDArray[np.int64]


class Maker:
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
        self.square: tuple[int, list[list[int]]] = (-1, [])
        self.rated_array, self.pool_array = np.array(self.rated, np.int64), np.array(self.pool, np.int64)
        self.outside = np.ones(len(images), bool)

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
        """The images of each block in a square; references stand in every block where the rules say so. The last square is kept."""
        if self.square[0] != square:
            rng = generator(self.seed, self.panel, "blocks", square)
            everywhere = [k for k in self.rated if self.rules.references_everywhere and self.images[k].role == "reference"]
            left = set(everywhere)
            dealt = [k for k in self.rated if k not in left]
            given = partition([self.content[k] for k in dealt], [self.variant[k] for k in dealt],
                              self.rules.blocks, self.rules.together, rng)  # fmt: skip
            ends = np.cumsum(np.bincount(given, minlength=self.rules.blocks))
            sorted_ = [dealt[k] for k in np.argsort(given, kind="stable").tolist()]
            starts = [0, *ends.tolist()]
            self.square = square, [sorted_[a:b] + everywhere for a, b in itertools.pairwise(starts)]
        return self.square[1]

    def others(self, here: list[int]) -> Ints:
        """The rated images without those `here`, in their order."""
        self.outside[here] = False
        left = self.rated_array[self.outside[self.rated_array]]
        self.outside[here] = True
        return left

    def row(self, number: int) -> tuple[tuple[Shown, ...], tuple[int, ...]]:
        """One row and the least distance that each of its sittings reached."""
        square, order = row_order(self.seed, self.panel, self.rules.blocks, number, self.rules.take)
        rng = generator(self.seed, self.panel, "row", number)
        parts = self.blocks(square)
        shown = [Shown(0, self.training[k], "training") for k in rng.permutation(len(self.training))]
        past = _Past()
        reached: list[int] = []
        for sitting in range(1, self.rules.sittings + 1):
            chunk = order[(sitting - 1) * self.rules.per_sitting : sitting * self.rules.per_sitting]
            made, distance = Sitting(self, sitting, [parts[b] for b in chunk], past, rng).make()
            shown += made
            reached.append(distance)
        return tuple(shown), tuple(reached)


@dataclass
class _Past:
    """What a row has shown so far, in order and as a set, and which images it has repeated."""

    seen: list[int] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    repeated: set[int] = field(default_factory=set)


class Sitting:
    """One sitting of a row; `past` goes through the whole row and is added to."""

    def __init__(self, maker: Maker, number: int, blocks: list[list[int]], past: _Past, rng: np.random.Generator) -> None:
        self.maker, self.number, self.blocks, self.past, self.rng = maker, number, blocks, past, rng
        self.sequence: list[int] = []
        self.roles: list[str] = []
        self.distance = maker.rules.distance

    def make(self) -> tuple[list[Shown], int]:
        """The sitting's places in order and the distance reached."""
        rules, before = self.maker.rules, list(self.past.seen)
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
        roles = ["repeat" if image in self.past.known else self.maker.images[image].role for image in block]
        self.sequence += [block[place] for place in order]
        self.roles += [roles[place] for place in order]
        self.past.seen += [block[place] for place in order]
        self.past.known.update(block)

    def _stabilising(self, count: int) -> list[int]:
        """Images of left-out contents, or of the test outside this sitting where there are none; contents parted if possible."""
        pool, rules = self.maker.pool_array, self.maker.rules
        if not len(pool):
            pool = self.maker.others([k for block in self.blocks for k in block])
            pool = pool if len(pool) else self.maker.rated_array
        drawn = pool[self.rng.permutation(len(pool))]
        picked = first_of_each(map(int, drawn), self.maker.content, count)
        contents = [self.maker.content[k] for k in picked]
        return [picked[k] for k in spaced(contents, possible_distance(contents, rules.distance), self.rng)[0]]

    def _apart(self) -> int:
        """Places between an image and its repeat: as the rules say, at most a quarter of the sitting."""
        return min(self.maker.rules.repeat_distance, len(self.sequence) // 4)

    def _gold(self) -> list[int]:
        pool = self.maker.gold
        rounds = -(-self.maker.rules.gold // max(1, len(pool)))
        return [pool[int(k)] for _ in range(rounds) for k in self.rng.permutation(len(pool))]

    def _insert(self, start: int, count: int, role: str, pool: list[int] | None) -> None:
        """Put in `count` items of `pool` (None: images of this sitting, well before), keeping the distance."""
        content, apart, reach = self.maker.content, self._apart(), max(2, self.distance)

        def choose(place: int) -> int | None:
            if pool is None:
                last = max(0, place - apart + 1)
                candidates = [k for k, said in zip(self.sequence[:last], self.roles[:last], strict=True) if said in RATED]
            else:
                candidates = pool
            near = {content[k] for k in self.sequence[max(0, place - reach + 1) : place + reach - 1]}
            draws = range(len(candidates)) if role == "gold" else self.rng.permutation(len(candidates))[:60]
            for k in (candidates[int(d)] for d in draws):
                free = k not in self.past.repeated or role == "gold"
                if free and content[k] not in near:
                    if role == "gold":
                        candidates.remove(k)
                    else:
                        self.past.repeated.add(k)
                    self.roles.insert(place, role)
                    return k
            return None

        insert_spread(self.sequence, start, count, choose, self.rng)


def first_of_each(drawn: Iterable[int], content: Sequence[int], count: int) -> list[int]:
    """The first `count` of `drawn`, those first whose content did not come before, then the second of each content, and so on."""
    turn: Counter[int] = Counter()
    first, later = [], []
    for k in drawn if count else ():
        before = turn[content[k]]
        turn[content[k]] += 1
        if before:
            later.append((before, k))
            continue
        first.append(k)
        if len(first) == count:
            return first
    return [*first, *(k for _, k in sorted(later, key=lambda pair: pair[0]))][:count]
