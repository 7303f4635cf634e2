"""Effects of the order of a session: drift, fatigue, carry-over from the image before, quickening."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

from mos.conduct import in_order, residuals_in_order
from mos.correlations import mean_of_others
from mos.counts import divide, means, totals
from mos.estimate import Estimate
from mos.votes import Floats, Ints, Votes

FEWEST_VOTES = 10


def order_effects(votes: Votes) -> dict[str, Any]:
    """For one panel and question: each effect as the mean over observers with Student's interval over observers.

    drift: change of residuals from the first to the last vote, in points. fatigue: mean absolute residual of the second
    half less the first, in points. carry_over: change of a vote per point of the image before it (negative = contrast).
    quickening: last response time over the first (1 = as fast at the end). Null with a reason where no order is known.
    """
    names = ("drift", "fatigue", "carry_over", "quickening")
    if (votes.position is None and votes.time is None) or not len(votes):
        return {name: Estimate.none("no order known: neither position nor time").as_dict() for name in names}
    residual, place = residuals_in_order(votes)
    n = totals(votes.observer, len(votes.observers))
    who = votes.observer
    found = {
        "drift": _over_observers(_slopes(who, n, place, residual)),
        "fatigue": _over_observers(_halves(who, n, place, np.abs(residual))),
        "carry_over": _over_observers(_carried(votes, residual, n)),
        "quickening": _quickening(votes, place, n),
    }
    return {name: estimate.as_dict() for name, estimate in found.items()}


def _slopes(who: Ints, n: Floats, x: Floats, y: Floats) -> Floats:
    """Each observer's slope of y on x `(I,)`; nan with fewer than ten votes."""
    away = x - means(who, len(n), x)[who]
    slope = divide(totals(who, len(n), away * y), totals(who, len(n), away * away))
    return np.where(n >= FEWEST_VOTES, slope, np.nan)


def _halves(who: Ints, n: Floats, place: Floats, y: Floats) -> Floats:
    late = place > 0.5
    change = means(who[late], len(n), y[late]) - means(who[~late], len(n), y[~late])
    return np.where(n >= FEWEST_VOTES, change, np.nan)


def _carried(votes: Votes, residual: Floats, n: Floats) -> Floats:
    """Each observer's slope of residuals on the others' mean of the image shown before."""
    order = in_order(votes)
    who, quality = votes.observer[order], mean_of_others(votes)[order]
    follows = np.zeros(len(order), bool)
    follows[1:] = (who[1:] == who[:-1]) & np.isfinite(quality[:-1])
    rows = np.flatnonzero(follows)
    return _slopes(who[rows], n, quality[rows - 1], residual[order][rows])


def _quickening(votes: Votes, place: Floats, n: Floats) -> Estimate:
    if votes.response_ms is None:
        return Estimate.none("no response times")
    known = np.isfinite(votes.response_ms) & (votes.response_ms > 0)
    slopes = _slopes(votes.observer[known], n, place[known], np.log(votes.response_ms[known]))
    found = _over_observers(slopes)
    if found.value is None or found.low is None or found.high is None:
        return found
    return Estimate.of(math.exp(found.value), math.exp(found.low), math.exp(found.high))


def _over_observers(values: Floats) -> Estimate:
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return Estimate.none("fewer than two observers with ten votes in a known order")
    mean, se = float(known.mean()), float(known.std(ddof=1) / np.sqrt(len(known)))
    half = float(stats.t.ppf(0.975, len(known) - 1)) * se
    return Estimate.of(mean, mean - half, mean + half)
