"""The SOS hypothesis: the variance of votes is a parabola of the mean with one parameter for the study.

Source: Hossfeld, Schatz, Egger, "SOS: The MOS is not enough!", QoMEX 2011, equation 5, for any scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mos.counts import means, spreads, totals
from mos.votes import Floats, Votes

USUAL_LIMIT = 0.25


@dataclass(frozen=True)
class Sos:
    """`a` with its 95 % interval (stimuli as the sample), None where no stimulus has two differing votes."""

    a: float | None
    ci95_low: float | None
    ci95_high: float | None
    stimuli: int
    unusual: bool


def parabola(mos: Floats, low: float, high: float) -> Floats:
    """(x - L)(H - x): the variance that a = 1 would give at mean x."""
    return np.asarray((mos - low) * (high - mos), float)


def sos_fit(mos: Floats, variance: Floats, low: float, high: float) -> Sos:
    """Least squares of `variance` (ddof 0, so a <= 1) `(J,)` on the parabola of `mos` `(J,)`; nan rows are left out."""
    known = np.isfinite(mos) & np.isfinite(variance)
    curve, seen = parabola(mos[known], low, high), variance[known]
    weight = float(np.sum(curve**2))
    if weight == 0:
        return Sos(None, None, None, int(known.sum()), False)
    a = float(np.sum(seen * curve) / weight)
    se = float(np.sqrt(np.sum((curve * (seen - a * curve)) ** 2))) / weight
    return Sos(a, max(0.0, a - 1.96 * se), min(1.0, a + 1.96 * se), int(known.sum()), a > USUAL_LIMIT)


def sos(votes: Votes) -> Sos:
    """SOS parameter of a study's first presentations; stimuli with two votes or more."""
    first, size = votes.first(), len(votes.stimuli)
    mos = means(first.stimulus, size, first.score)
    variance = spreads(first.stimulus, size, first.score, ddof=0) ** 2
    variance[totals(first.stimulus, size) < 2] = np.nan
    return sos_fit(mos, variance, votes.low, votes.high)
