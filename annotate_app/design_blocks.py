"""Partitions of the images into blocks: a content's versions spread evenly, each variant equally often in each block."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def partition(contents: Sequence[int], variants: Sequence[int], blocks: int, together: bool, rng: np.random.Generator) -> Ints:
    """The block 0..blocks-1 of each image `(N,)`, from its content and variant number.

    Spread (the default): blocks differ by at most one image, and a content's versions by at most one between blocks; where
    every content has the same variants, each variant also stands in the blocks equally often within one.
    `together`: whole contents stay in one block, the blocks' sizes as equal as whole contents allow.
    """
    content, variant = np.asarray(contents, np.int64), np.asarray(variants, np.int64)
    if together:
        return _whole(content, blocks, rng)
    rows, columns = np.unique(content), np.unique(variant)
    cells = len({(c, v) for c, v in zip(contents, variants, strict=True)})
    if len(columns) > 1 and cells == len(content) == len(rows) * len(columns):
        grid = _rectangle(len(rows), len(columns), blocks, rng)
        return np.asarray(grid[np.searchsorted(rows, content), np.searchsorted(columns, variant)], np.int64)
    return _ragged(content, variant, blocks, rng)


def _rectangle(rows: int, columns: int, blocks: int, rng: np.random.Generator) -> Ints:
    """Blocks of a full table (rows, columns): pieces of at most (blocks, blocks), each a piece of a Latin square."""
    grid = np.empty((rows, columns), np.int64)
    contents, shift = rng.permutation(rows), int(rng.integers(blocks))
    for top in range(0, rows, blocks):
        group, order = contents[top : top + blocks], rng.permutation(columns)
        for left in range(0, columns, blocks):
            chunk = order[left : left + blocks]
            grid[np.ix_(group, chunk)] = _piece(len(group), len(chunk), blocks, rng, shift)
    return grid


def _piece(rows: int, columns: int, blocks: int, rng: np.random.Generator, shift: int) -> Ints:
    """(rows, columns) of blocks, none twice in a row or a column, all equally often within one.

    Row i starts where row i-1 ended; when that comes round (every blocks / gcd rows), everything moves on by one.
    """
    period = blocks // gcd(columns, blocks)
    i, j = np.arange(rows)[:, None], np.arange(columns)[None, :]
    plain = (i * columns + j + i // period + shift) % blocks
    names = rng.permutation(blocks)
    return np.asarray(names[plain], np.int64)


def _ragged(content: Ints, variant: Ints, blocks: int, rng: np.random.Generator) -> Ints:
    """Contents with unlike numbers of versions: dealt round the blocks, each variant where it stood least so far."""
    from scipy.optimize import linear_sum_assignment

    columns = np.unique(variant)
    code = np.searchsorted(columns, variant)
    seen = np.zeros((len(columns), blocks))
    given = np.empty(len(content), np.int64)
    at, names = 0, rng.permutation(blocks)
    groups = np.split(np.argsort(content, kind="stable"), np.cumsum(np.unique(content, return_counts=True)[1])[:-1])
    for which in rng.permutation(len(groups)):
        images = rng.permutation(groups[which])
        places = names[(at + np.arange(len(images))) % blocks]
        at += len(images)
        if len(columns) > 1:
            cost = seen[np.ix_(code[images], places)] + 1e-6 * rng.random((len(images), len(images)))
            images, places = images[(pair := linear_sum_assignment(cost))[0]], places[pair[1]]
        given[images] = places
        np.add.at(seen, (code[images], places), 1)
    return given


def _whole(content: Ints, blocks: int, rng: np.random.Generator) -> Ints:
    """Whole contents, largest first, each into the block that is emptiest so far."""
    names, counts = np.unique(content, return_counts=True)
    sizes, where = np.zeros(blocks), np.empty(len(names), np.int64)
    for which in sorted(rng.permutation(len(names)).tolist(), key=lambda k: -int(counts[k])):
        emptiest = np.flatnonzero(sizes == sizes.min())
        where[which] = rng.choice(emptiest)
        sizes[where[which]] += counts[which]
    return np.asarray(where[np.searchsorted(names, content)], np.int64)
