"""Models that remove bias or scale of each observer: z-scores, P.913 12.4, least squares, LIVE's DMOS, ZREC."""

from __future__ import annotations

import numpy as np
from scipy import special

from mos.additive import additive_fit
from mos.bounded import student_half
from mos.counts import divide, means, spreads, totals
from mos.dmos import dmos_table
from mos.fits import Fit, simple_fit
from mos.votes import Floats, Votes


def mos(votes: Votes) -> Fit:
    """Plain mean with Student's interval."""
    size = len(votes.stimuli)
    n = totals(votes.stimulus, size)
    sd = spreads(votes.stimulus, size, votes.score)
    se = divide(sd, np.sqrt(n))
    return simple_fit("MOS", votes, means(votes.stimulus, size, votes.score), se, student_half(se, n), extra={"sd": sd})


def zs_mos(votes: Votes) -> Fit:
    """Mean of each observer's z-scores (ddof 1), in standard deviations; observers without spread are left out."""
    z, kept, notes = _z_scores(votes, votes.score)
    size, part = len(votes.stimuli), votes.select(kept)
    n = totals(part.stimulus, size)
    se = divide(spreads(part.stimulus, size, z), np.sqrt(n))
    return simple_fit("ZS_MOS", part, means(part.stimulus, size, z), se, student_half(se, n), notes=notes)


def br_mos_p913(votes: Votes) -> Fit:
    """P.913 12.4: bias removed from every vote, then MOS; the additive fit takes the place of one pass when votes miss.

    `ci95` speaks for these observers, `population_ci95` for the population they come from (SE^2 + var(bias) / I).
    """
    size, people = len(votes.stimuli), len(votes.observers)
    score, bias = additive_fit(votes)
    clean = votes.score - bias[votes.observer]
    n = totals(votes.stimulus, size)
    se = divide(spreads(votes.stimulus, size, clean), np.sqrt(n))
    own = totals(votes.observer, people)
    bias_se = divide(spreads(votes.observer, people, clean - score[votes.stimulus]), np.sqrt(own))
    extra = population_columns(score, se, np.maximum(n - 1, 0), bias)
    return simple_fit(
        "BR_MOS_P913", votes, score, se, student_half(se, n), extra=extra, observers={"bias": bias, "bias_se": bias_se}
    )


def population_columns(score: Floats, se: Floats, df: Floats, bias: Floats) -> dict[str, Floats]:
    """The interval for the observer population: SE^2 (with `df` degrees of freedom) + var(bias) / I, by Student's t.

    The degrees of freedom of the sum are Welch and Satterthwaite's.
    """
    present = bias[np.isfinite(bias)]
    if len(present) < 2:
        blank = np.full(len(score), np.nan)
        return {"population_ci95_low": blank, "population_ci95_high": blank}
    spread = float(np.var(present, ddof=1)) / len(present)
    both = se**2 + spread
    joined = divide(both**2, np.nan_to_num(divide(se**4, df)) + spread**2 / (len(present) - 1))
    half = special.stdtrit(joined, 0.975) * np.sqrt(both)
    return {"population_ci95_low": score - half, "population_ci95_high": score + half}


def least_squares(votes: Votes) -> Fit:
    """Two-way additive least squares; SE from the residual variance and the votes of the stimulus."""
    size = len(votes.stimuli)
    score, bias = additive_fit(votes)
    residual = votes.score - score[votes.stimulus] - bias[votes.observer]
    n = totals(votes.stimulus, size)
    free = len(votes) - int((n > 0).sum()) - int(np.isfinite(bias).sum()) + 1
    sigma = float(np.sqrt(np.sum(residual**2) / free)) if free > 0 else np.nan
    se = divide(sigma, np.sqrt(n))
    half = student_half(se, np.full(size, free + 1.0))
    return simple_fit("LS", votes, score, se, half, observers={"bias": bias})


def dmos(votes: Votes) -> Fit:
    """Paired DMOS with the interval of its own differences."""
    table = dmos_table(votes)
    return Fit("DMOS", table.n.astype(np.int64), table.dmos, table.se, table.ci95_low, table.ci95_high)


def live_dmos(votes: Votes) -> Fit:
    """LIVE's DMOS on 0..100: votes less the reference's mean, z per observer, (z + 3) 100 / 6 (Seshadrinathan 2010)."""
    size = len(votes.stimuli)
    reference = votes.references()
    centre = means(votes.stimulus, size, votes.score)
    against = np.where(reference >= 0, centre[np.maximum(reference, 0)], np.nan)[votes.stimulus]
    part = votes.select(np.isfinite(against))
    value = part.score + votes.high - against[np.isfinite(against)]
    z, kept, notes = _z_scores(part, value)
    part = part.select(kept)
    scaled = (z + 3) * 100 / 6
    n = totals(part.stimulus, size)
    se = divide(spreads(part.stimulus, size, scaled), np.sqrt(n))
    score = means(part.stimulus, size, scaled)
    return simple_fit("LIVE_DMOS", part, score, se, student_half(se, n), notes=notes)


def zrec(votes: Votes) -> Fit:
    """ZREC: bias and inconsistency from z-scores per stimulus, weights 1 / v^2 (source: Zhu et al., ZREC, 2023).

    Stimuli without spread (unanimous, one vote) tell nothing about an observer and keep their plain mean; an observer
    who rated only such stimuli gets bias 0 and the typical inconsistency. The interval is 1.96 weighted SD / sqrt(n).
    """
    size, people = len(votes.stimuli), len(votes.observers)
    mean, spread = means(votes.stimulus, size, votes.score), spreads(votes.stimulus, size, votes.score, ddof=0)
    s = spread[votes.stimulus]
    telling = s > 0
    z = (votes.score[telling] - mean[votes.stimulus[telling]]) / s[telling]
    who = votes.observer[telling]
    bias, v = means(who, people, z), spreads(who, people, z, ddof=0)
    good = v[np.isfinite(v) & (v > 0)]
    typical = float(np.median(good)) if len(good) else 1.0
    clean = votes.score - np.nan_to_num(bias)[votes.observer] * s
    weight = (1.0 / np.where(np.isfinite(v) & (v > 0), v, typical) ** 2)[votes.observer]
    total = totals(votes.stimulus, size, weight)
    score = divide(totals(votes.stimulus, size, weight * clean), total)
    inner = totals(votes.stimulus, size, weight * (clean - score[votes.stimulus]) ** 2)
    n = totals(votes.stimulus, size)
    se = np.where((n > 1) & (spread > 0), divide(np.sqrt(divide(inner, total)), np.sqrt(n)), np.nan)
    observers = {"bias": bias, "inconsistency": v}
    return simple_fit("ZREC", votes, score, se, 1.96 * se, extra={"ambiguity": spread}, observers=observers)


def _z_scores(votes: Votes, value: Floats) -> tuple[Floats, np.ndarray, tuple[str, ...]]:
    """Each observer's z-scores of the kept votes, which votes are kept, and a note on the observers left out."""
    people = len(votes.observers)
    centre, spread = means(votes.observer, people, value), spreads(votes.observer, people, value)
    scale = spread[votes.observer]
    kept = scale > 0
    present = totals(votes.observer, people) > 0
    out = int(np.sum(present & ~(spread > 0)))
    notes = (f"{out} observers without spread left out",) if out else ()
    return (value[kept] - centre[votes.observer[kept]]) / scale[kept], kept, notes
