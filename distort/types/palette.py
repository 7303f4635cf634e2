"""Fewer colours: the palette whose boxes have the least variance, and Otsu's many thresholds, both exact and repeatable."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distort.types.arrays import Pixels

Float64 = NDArray[np.float64]
Box = tuple[int, int, int, int, int, int]

CELLS = 32


def _moments(rgb: Pixels) -> Float64:
    """`(5, 33, 33, 33)` cumulated over cells of 8 grey levels: count, sums of R, G, B, sum of squares."""
    flat = rgb.reshape(-1, 3).astype(np.int64)
    cell = flat >> 3
    index = (cell[:, 0] * CELLS + cell[:, 1]) * CELLS + cell[:, 2]
    weights = [None, flat[:, 0], flat[:, 1], flat[:, 2], (flat**2).sum(axis=1)]
    table = np.zeros((5, CELLS + 1, CELLS + 1, CELLS + 1))
    for k, weight in enumerate(weights):
        counted = np.bincount(index, weights=weight, minlength=CELLS**3).reshape(CELLS, CELLS, CELLS)
        table[k, 1:, 1:, 1:] = counted.cumsum(0).cumsum(1).cumsum(2)
    return table


def _volume(table: Float64, box: Box) -> Float64:
    r0, r1, g0, g1, b0, b1 = box
    part = table[:, [r0, r1]][:, :, [g0, g1]][:, :, :, [b0, b1]]
    return np.asarray(np.diff(np.diff(np.diff(part, axis=1), axis=2), axis=3)[:, 0, 0, 0])


def _strength(sums: Float64) -> Float64:
    """Squared length of the sums over the count; more of it means less variance."""
    count = sums[0]
    return np.where(count > 0, (sums[1:4] ** 2).sum(axis=0) / np.maximum(count, 1), 0.0)


def _best_cut(table: Float64, box: Box) -> tuple[float, int, int]:
    """The gain, axis and place of the cut of a box that lowers its variance most; gain 0 when it can't be cut."""
    whole = _volume(table, box)
    best = (0.0, 0, 0)
    for axis in range(3):
        low, high = box[2 * axis], box[2 * axis + 1]
        if high - low < 2:
            continue
        others = [slice(None) if k == axis else [box[2 * k], box[2 * k + 1]] for k in range(3)]
        part = table
        for k, chosen in enumerate(others):
            part = part[(slice(None),) * (k + 1) + (chosen,)]
        for k in range(3):
            if k != axis:
                part = np.diff(part, axis=k + 1)
        line = part.reshape(5, -1)
        lower = line[:, low + 1 : high] - line[:, low : low + 1]
        upper = whole[:, None] - lower
        gain = _strength(lower) + _strength(upper) - _strength(whole[:, None])
        gain = np.where((lower[0] > 0) & (upper[0] > 0), gain, 0.0)
        at = int(gain.argmax())
        if gain[at] > best[0]:
            best = (float(gain[at]), axis, low + 1 + at)
    return best


def least_variance_palette(rgb: Pixels, colours: int) -> Pixels:
    """At most `colours` colours, `(n, 3)` uint8: the colour cube cut again and again where that lowers variance most.

    Source: Wu, Color quantization by dynamic programming and principal analysis, ACM TOG 1992, the greedy form; cells of 8.
    """
    table = _moments(rgb)
    boxes: list[Box] = [(0, CELLS, 0, CELLS, 0, CELLS)]
    cuts = [_best_cut(table, boxes[0])]
    while len(boxes) < colours:
        chosen = max(range(len(boxes)), key=lambda i: cuts[i][0])
        gain, axis, place = cuts[chosen]
        if gain <= 0:
            break
        box = boxes[chosen]
        lower, upper = list(box), list(box)
        lower[2 * axis + 1] = upper[2 * axis] = place
        boxes[chosen : chosen + 1] = [_box(lower), _box(upper)]
        cuts[chosen : chosen + 1] = [_best_cut(table, _box(lower)), _best_cut(table, _box(upper))]
    sums = [_volume(table, box) for box in boxes]
    return np.array([np.floor(s[1:4] / s[0] + 0.5) for s in sums], dtype=np.uint8)


def _box(numbers: list[int]) -> Box:
    r0, r1, g0, g1, b0, b1 = numbers
    return r0, r1, g0, g1, b0, b1


def otsu_thresholds(counts: Float64, thresholds: int) -> list[int]:
    """The `thresholds` grey levels that cut a histogram of 256 into classes of the greatest variance between them.

    A sample belongs to the class below a threshold when it is not greater. Fewer thresholds when there are fewer levels in
    use. Source: Otsu, IEEE Trans. SMC 1979; exact by dynamic programming over the levels in use.
    """
    levels = np.flatnonzero(counts)
    count = np.concatenate([[0.0], counts[levels].cumsum()])
    total = np.concatenate([[0.0], (counts[levels] * levels).cumsum()])
    size = len(levels)
    classes = min(thresholds + 1, size)
    weight = count[None, :] - count[:, None]
    value = np.where(weight > 0, (total[None, :] - total[:, None]) ** 2 / np.where(weight > 0, weight, 1), -np.inf)
    best, choices = value[0], []
    for _ in range(classes - 1):
        step = best[:, None] + value
        choices.append(step.argmax(axis=0))
        best = step.max(axis=0)
    ends, end = [], size
    for choice in reversed(choices):
        end = int(choice[end])
        ends.append(int(levels[end - 1]))
    return ends[::-1]
