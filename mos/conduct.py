"""How observers went about it: runs of one vote, gold images, repeats, response times, drift."""

from __future__ import annotations

import numpy as np

from mos.additive import additive_fit
from mos.correlations import grouped_pearson
from mos.counts import divide, means, quantiles, totals
from mos.verdicts import Verdict
from mos.votes import Floats, Ints, Votes

RUN_CHANCE = 0.001
ONE_VOTE_SHARE = 0.9
GOLD_SHARE = 0.7
REPEAT_SPAN = 0.2
FAST_MS = 400.0
FAST_SHARE = 0.1
DRIFT_SPAN = 0.1
DRIFT_T = 3.0


def conduct_columns(votes: Votes) -> dict[str, Floats | Ints]:
    """Per observer `(I,)`: longest run and commonest vote, gold, repeats, response times, drift in points."""
    people = len(votes.observers)
    run, share = longest_runs(votes), commonest_share(votes)
    gold, gold_n = gold_hits(votes)
    difference, pairs = repeat_differences(votes)
    slope, _ = drift(votes.first())
    columns: dict[str, Floats | Ints] = {
        "longest_run": run,
        "commonest_vote_share": share,
        "gold_n": gold_n.astype(np.int64),
        "gold_share": gold,
        "repeats_n": pairs.astype(np.int64),
        "repeats_within_sd": difference,
        "response_ms_median": np.full(people, np.nan),
        "response_ms_q25": np.full(people, np.nan),
        "response_ms_q75": np.full(people, np.nan),
        "response_fast_share": np.full(people, np.nan),
        "response_slow_share": np.full(people, np.nan),
        "drift": slope,
    }
    if votes.response_ms is not None:
        known = np.isfinite(votes.response_ms) & (votes.response_ms > 0)
        who, ms = votes.observer[known], votes.response_ms[known]
        middle, q25, q75 = quantiles(who, people, ms, (0.5, 0.25, 0.75))
        columns |= {"response_ms_median": middle, "response_ms_q25": q25, "response_ms_q75": q75}
        columns["response_fast_share"] = means(who, people, (ms < FAST_MS).astype(float))
        columns["response_slow_share"] = means(who, people, _slow(who, people, ms).astype(float))
    return columns


def _slow(who: Ints, people: int, ms: Floats) -> np.ndarray:
    """Times beyond 3 x 1.4826 median absolute deviations of the observer's own log times."""
    log = np.log(ms)
    (middle,) = quantiles(who, people, log, (0.5,))
    away = log - middle[who]
    (mad,) = quantiles(who, people, np.abs(away), (0.5,))
    return np.asarray(away > 3 * 1.4826 * np.maximum(mad[who], 1e-9), bool)


def in_order(votes: Votes) -> Ints:
    """The votes' order within each observer: by session, position, time, then rows."""
    keys: list[np.ndarray] = [np.arange(len(votes))]
    for array in (votes.time, votes.position, votes.session):
        if array is not None:
            keys.append(np.unique(array, return_inverse=True)[1] if array.dtype == object else array)
    return np.lexsort((*keys, votes.observer))


def longest_runs(votes: Votes) -> Floats:
    """The longest run of one vote of each observer `(I,)`, in the order of presentation; nan where no order is known."""
    people = len(votes.observers)
    if votes.position is None and votes.time is None:
        return np.full(people, np.nan)
    order = in_order(votes)
    who, score = votes.observer[order], votes.score[order]
    new = np.ones(len(who), bool)
    new[1:] = (who[1:] != who[:-1]) | (score[1:] != score[:-1])
    start = np.flatnonzero(new)
    length = np.diff(np.append(start, len(who)))
    longest = np.zeros(people)
    np.maximum.at(longest, who[start], length)
    return np.where(totals(votes.observer, people) > 0, longest, np.nan)


def commonest_share(votes: Votes) -> Floats:
    """The share of each observer's commonest vote `(I,)`."""
    people = len(votes.observers)
    values, step = np.unique(votes.score, return_inverse=True)
    table = np.bincount(votes.observer * len(values) + step, minlength=people * len(values)).reshape(people, len(values))
    best = table.max(1) if table.size else np.zeros(people)
    return divide(best.astype(float), totals(votes.observer, people))


def straight_rule(votes: Votes) -> Verdict:
    """Straight-lining: a run that chance gives once in 1,000 sessions, or 90 % of all votes being one.

    Chance: a step repeats the vote with q = sum of squared shares of the panel's votes; a run of L then starts about
    n (1 - q) q^(L-1) times in n votes. The threshold is the L at which that is .001, 10 at the least.
    """
    people, n = len(votes.observers), totals(votes.observer, len(votes.observers))
    run, share = longest_runs(votes), commonest_share(votes)
    _, counted = np.unique(votes.score, return_counts=True)
    q = min(0.99, float(np.sum((counted / max(1, len(votes))) ** 2)))
    typical = float(np.median(n[n > 0])) if (n > 0).any() else 1.0
    limit = max(10.0, 1 + np.ceil(np.log(RUN_CHANCE / (typical * (1 - q))) / np.log(q))) if q > 0 else 10.0
    over = (np.nan_to_num(run) >= limit) | (np.nan_to_num(share) >= ONE_VOTE_SHARE)
    statistic = run if np.isfinite(run).any() else share
    threshold = float(limit) if np.isfinite(run).any() else ONE_VOTE_SHARE
    return Verdict("straight", statistic, threshold, over & (n >= 10), (n >= 10) & np.ones(people, bool))


def gold_hits(votes: Votes) -> tuple[Floats, Floats]:
    """Per observer the share of gold votes within their range, and how many: from `votes.gold` where gold images stand
    apart, else from `gold_low`..`gold_high` of the stimuli's table."""
    people = len(votes.observers)
    if votes.gold:
        counted = np.array([votes.gold.get(name, (0, 0)) for name in votes.observers], float).reshape(-1, 2)
        return divide(counted[:, 0], counted[:, 1]), counted[:, 1]
    if "gold_low" not in votes.info or "gold_high" not in votes.info:
        return np.full(people, np.nan), np.zeros(people)
    low, high = (_numbers(votes, column)[votes.stimulus] for column in ("gold_low", "gold_high"))
    known = np.isfinite(low) & np.isfinite(high)
    hit = ((votes.score >= low) & (votes.score <= high))[known].astype(float)
    return means(votes.observer[known], people, hit), totals(votes.observer[known], people)


def _numbers(votes: Votes, column: str) -> Floats:
    import pandas as pd

    return pd.to_numeric(votes.info[column], errors="coerce").to_numpy(dtype=float)


def gold_rule(votes: Votes) -> Verdict:
    """Fewer than 70 % of the gold images within their expected range."""
    share, n = gold_hits(votes)
    return Verdict("gold", share, GOLD_SHARE, share < GOLD_SHARE, n > 0)


def repeat_differences(votes: Votes) -> tuple[Floats, Floats]:
    """Per observer s_w = sqrt(sum d^2 / 2n) over repeated images (first against second vote), and n."""
    people = len(votes.observers)
    order = np.lexsort((np.arange(len(votes)), votes.rep if votes.rep is not None else _place(votes), votes.cells()))
    cell = votes.cells()[order]
    later = np.zeros(len(cell), bool)
    later[1:] = cell[1:] == cell[:-1]
    second = later.copy()
    second[1:] &= ~later[:-1]
    rows = np.flatnonzero(second)
    d = votes.score[order[rows]] - votes.score[order[rows - 1]]
    who = votes.observer[order[rows]]
    n = totals(who, people)
    return np.sqrt(divide(totals(who, people, d * d), 2 * n)), n


def _place(votes: Votes) -> Floats | Ints:
    rank = np.empty(len(votes), np.int64)
    rank[in_order(votes)] = np.arange(len(votes))
    return rank


def repeats_rule(votes: Votes) -> Verdict:
    """Repeated images voted further apart than a fifth of the scale (s_w); three repeats at the least."""
    within, n = repeat_differences(votes)
    limit = REPEAT_SPAN * (votes.high - votes.low)
    return Verdict("repeats", within, limit, within > limit, n >= 3)


def speed_rule(votes: Votes) -> Verdict:
    """More than a tenth of the votes within 400 ms of the picture."""
    people = len(votes.observers)
    if votes.response_ms is None:
        blank = np.full(people, np.nan)
        return Verdict("speed", blank, FAST_SHARE, blank > 0, np.zeros(people, bool))
    known = np.isfinite(votes.response_ms)
    share = means(votes.observer[known], people, (votes.response_ms[known] < FAST_MS).astype(float))
    return Verdict("speed", share, FAST_SHARE, share > FAST_SHARE, np.isfinite(share))


def drift(votes: Votes) -> tuple[Floats, Floats]:
    """Per observer the change of residuals from first to last vote, in points, and its t; nan without an order.

    Residuals of the additive fit on the vote's rank in the observer's own order, scaled to 0..1.
    """
    people = len(votes.observers)
    blank = np.full(people, np.nan)
    if (votes.position is None and votes.time is None) or not len(votes):
        return blank, blank
    residual, place = residuals_in_order(votes)
    who, n = votes.observer, totals(votes.observer, people)
    x = place - means(who, people, place)[who]
    slope = divide(totals(who, people, x * residual), totals(who, people, x * x))
    r = grouped_pearson(who, people, x, residual)
    enough = n >= 10
    free = np.maximum(n - 2, 1)
    t = r * np.sqrt(free / np.maximum(1e-12, 1 - r**2))
    return np.where(enough, slope, np.nan), np.where(enough, t, np.nan)


def residuals_in_order(votes: Votes) -> tuple[Floats, Floats]:
    """Residuals of the additive fit `(V,)` and each vote's place 0..1 in its observer's order `(V,)`."""
    score, bias = additive_fit(votes)
    residual = votes.score - score[votes.stimulus] - bias[votes.observer]
    order = in_order(votes)
    n = np.bincount(votes.observer, minlength=len(votes.observers))
    start = np.concatenate([[0], np.cumsum(n)[:-1]])
    place = np.empty(len(votes))
    who = votes.observer[order]
    place[order] = (np.arange(len(votes)) - start[who]) / np.maximum(n[who] - 1, 1)
    return residual, place


def drift_rule(votes: Votes) -> Verdict:
    """Residuals that change by more than a tenth of the scale over the session, at |t| > 3."""
    slope, t = drift(votes)
    limit = DRIFT_SPAN * (votes.high - votes.low)
    over = (np.abs(slope) > limit) & (np.abs(t) > DRIFT_T)
    return Verdict("drift", slope, limit, over, np.isfinite(slope))
