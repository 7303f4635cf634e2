"""The one-cycle learning rate (Smith and Topin 2019), as a pure function of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math
from dataclasses import dataclass

START_DIVISOR = 25.0
END_DIVISOR = 1e4
HIGH_BETA, LOW_BETA = 0.95, 0.85


@dataclass(frozen=True)
class Point:
    """The learning rate and Adam's first beta at one step."""

    lr: float
    beta1: float


def one_cycle(step: int, total: int, peak: float, warm_share: float = 0.3, anneal: str = "cos") -> Point:
    """The cycle at `step` of `total` (counted from 0): up from peak/25 over `warm_share`, down to peak/250,000.

    Adam's first beta runs the other way, .95 -> .85 -> .95. Equal to torch's OneCycleLR with its defaults.
    """
    start, end = peak / START_DIVISOR, peak / START_DIVISOR / END_DIVISOR
    top = warm_share * total - 1.0
    last = total - 1.0
    if top > 0 and step <= top:
        share = step / top
        return Point(_between(start, peak, share, anneal), _between(HIGH_BETA, LOW_BETA, share, anneal))
    share = 1.0 if last <= top else (step - max(top, 0.0)) / (last - max(top, 0.0))
    return Point(_between(peak, end, share, anneal), _between(LOW_BETA, HIGH_BETA, share, anneal))


def _between(start: float, end: float, share: float, anneal: str) -> float:
    if anneal == "linear":
        return start + (end - start) * share
    return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * share))
