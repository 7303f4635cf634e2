"""Sums over votes per stimulus or observer: the sparse form that every statistic here is built from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mos.votes import Floats, Ints


def totals(codes: Ints, size: int, values: Floats | None = None) -> Floats:
    """Per code the sum of `values` (None: how many) `(size,)`."""
    counted = np.bincount(codes, weights=values, minlength=size)
    return np.array(counted, dtype=np.float64)


def divide(top: NDArray[np.float64] | float, bottom: NDArray[np.float64]) -> Floats:
    """`top / bottom`, nan where `bottom` is 0 and without a warning."""
    upper = np.broadcast_to(np.asarray(top, float), bottom.shape)
    made: Floats = np.full(bottom.shape, np.nan)
    np.divide(upper, bottom, out=made, where=bottom != 0)
    return made


def means(codes: Ints, size: int, values: Floats) -> Floats:
    """Per code the mean of `values`; nan where there is none."""
    return divide(totals(codes, size, values), totals(codes, size))


def spreads(codes: Ints, size: int, values: Floats, ddof: int = 1) -> Floats:
    """Per code the standard deviation, from deviations (no cancellation); nan with `ddof` values or fewer."""
    n = totals(codes, size)
    centre = means(codes, size, values)
    squares = totals(codes, size, (values - centre[codes]) ** 2)
    out = np.sqrt(divide(squares, np.maximum(n - ddof, 0)))
    return np.where(out < 1e-12, 0.0, out)


def quantiles(codes: Ints, size: int, values: Floats, wanted: tuple[float, ...]) -> list[Floats]:
    """Per code the quantiles, linear between order statistics (NumPy's default); nan where there is no value."""
    order = np.lexsort((values, codes))
    ranked = values[order]
    n = np.bincount(codes, minlength=size)
    start = np.concatenate([[0], np.cumsum(n)[:-1]])
    found = []
    for q in wanted:
        place = np.maximum(n - 1, 0) * q
        under = np.floor(place).astype(np.int64)
        over = np.minimum(under + 1, np.maximum(n - 1, 0))
        value = np.full(size, np.nan)
        has = n > 0
        left, right = ranked[(start + under)[has]], ranked[(start + over)[has]]
        value[has] = left + (right - left) * (place - under)[has]
        found.append(value)
    return found
