"""Orders: random, with a least distance between versions of one content; gold and repeats put in at spread places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

TRIES = 40


def possible_distance(contents: Sequence[int], wanted: int) -> int:
    """The least distance between equal contents to aim at: `wanted`, or what leaves room for chance (1 = none is possible)."""
    counts = Counter(contents)
    most = max(counts.values(), default=1)
    if most == 1:
        return wanted
    limit = (len(contents) - sum(1 for n in counts.values() if n == most)) // (most - 1)
    return max(1, min(wanted, max(limit // 2, min(2, limit))))


def spaced(contents: Sequence[int], distance: int, rng: np.random.Generator, before: Sequence[int] = ()) -> tuple[list[int], int]:
    """A random order of 0..n-1 whose equal contents stand at least `distance` places apart, also from those `before`.

    Gives the order and the distance that was reached: it is lowered by one only after many draws failed.
    """
    while distance > 1:
        for _ in range(TRIES):
            order = _draw(contents, distance, rng, before)
            if order is not None:
                return order, distance
        distance -= 1
    return [int(k) for k in rng.permutation(len(contents))], 1


def _draw(contents: Sequence[int], distance: int, rng: np.random.Generator, before: Sequence[int]) -> list[int] | None:
    """One draw: the next of a shuffled queue that is allowed; the most frequent contents first when the room gets tight."""
    queue = rng.permutation(len(contents)).tolist()
    left = Counter(contents)
    sizes = Counter(left.values())
    recent = list(before[-(distance - 1) :])
    order: list[int] = []
    most = max(sizes, default=0)
    while queue:
        while not sizes[most]:
            most -= 1
        tight = (most - 1) * distance + sizes[most] >= len(queue)
        place = next((k for k, item in enumerate(queue)
                      if contents[item] not in recent and (not tight or left[contents[item]] == most)), None)  # fmt: skip
        if place is None:
            return None
        item = queue.pop(place)
        content = contents[item]
        sizes[left[content]] -= 1
        left[content] -= 1
        sizes[left[content]] += 1
        order.append(item)
        recent.append(content)
        if len(recent) >= distance:
            del recent[0]
    return order


def insert_spread(
    sequence: list[int], start: int, count: int, choose: Callable[[int], int | None], rng: np.random.Generator
) -> list[int]:
    """Put `count` more items into `sequence` (changed in place) at random places, one in each of `count` equal parts after `start`.

    `choose(place)` gives an item that may stand before the present item at `place`, or None. Gives the places of what was put
    in (in the final sequence); where no item fits in a part, that one is left out.
    """
    placed: list[int] = []
    first = len(sequence) - start
    for part in range(count):
        low = start + len(placed) + part * first // count
        high = max(low + 1, start + len(placed) + (part + 1) * first // count)
        for place in low + rng.permutation(high - low):
            item = choose(int(place))
            if item is not None:
                sequence.insert(int(place), item)
                placed.append(int(place))
                break
    return placed
