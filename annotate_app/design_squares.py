"""Williams squares: orders of blocks in which each stands equally often in every place and after every other.

E. J. Williams, Experimental designs balanced for the estimation of residual effects of treatments, 1949.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def generator(seed: int, *words: str | int) -> np.random.Generator:
    """A random generator of its own for each purpose: the same seed and words give the same numbers on any machine."""
    text = "\x1f".join(map(str, (seed, *words)))
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")))


def square_rows(blocks: int) -> int:
    """How many rows a full square has: the number of blocks if it is even, twice as many if it is odd (1 for one block)."""
    return 1 if blocks == 1 else blocks * (1 + blocks % 2)


def williams_row(blocks: int, row: int) -> Ints:
    """Row 0..square_rows(blocks)-1 of a square: block numbers 0..blocks-1, balanced over all rows for places and followers."""
    first = np.array([(k + 1) // 2 if k % 2 else (blocks - k // 2) % blocks for k in range(blocks)], np.int64)
    shifted = (first + row) % blocks
    return shifted[::-1] if row >= blocks else shifted


def williams_square(blocks: int) -> Ints:
    """A square (square_rows(blocks), blocks) of block numbers 0..blocks-1, balanced for places and for what comes before."""
    return np.stack([williams_row(blocks, row) for row in range(square_rows(blocks))])


def row_order(seed: int, panel: str, blocks: int, number: int, take: int) -> tuple[int, list[int]]:
    """The square that the row `number` (0 on) belongs to, and its first `take` blocks in order.

    Each square's rows go out in a random order of their own and its blocks are named anew, so that no row repeats.
    """
    rows = square_rows(blocks)
    which, place = divmod(number, rows)
    rng = generator(seed, panel, "square", which)
    order, names = rng.permutation(rows), rng.permutation(blocks)
    return which, [int(block) for block in names[williams_row(blocks, int(order[place]))[:take]]]
