"""Bias and inconsistency of observers by maximum likelihood: P.910 annex E, as published and corrected.

Model: u = psi_j + Delta_i + v_i X with X ~ N(0, 1) and mean Delta = 0 (Li et al., "A simple model for subject
behavior in subjective experiments", HVEI 2020). The published likelihood has no upper bound: with few observers or
votes the fit gives one observer all the weight. The corrected fit counts the degrees of freedom that each observer
really has and draws v_i^2 towards the common value with the weight of five votes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from mos.counts import divide, means, totals
from mos.fits import Z95, Fit, inconsistency_columns, simple_fit
from mos.models_bias import population_columns
from mos.votes import Floats, Votes

LONGEST = 1000
CLOSE = 1e-8
FLOOR = 1e-8
PRIOR_VOTES = 5.0
PRIOR_RESIDUALS = 10.0


@dataclass(frozen=True)
class Solution:
    """psi `(J,)`, bias and inconsistency `(I,)`, the rounds it took and whether it settled."""

    psi: Floats
    bias: Floats
    v: Floats
    rounds: int
    settled: bool
    pooled: float = np.nan


def alternate(votes: Votes, *, corrected: bool) -> Solution:
    """Alternate psi, Delta and v until psi moves by less than 1e-8; `corrected` adds the bounded update of v."""
    size, people, code, who, u = len(votes.stimuli), len(votes.observers), votes.stimulus, votes.observer, votes.score
    per_stimulus, per_observer = totals(code, size), totals(who, people)
    psi = divide(totals(code, size, u), per_stimulus)
    bias = divide(totals(who, people, u - psi[code]), per_observer)
    v2, pooled, rounds = np.ones(people), np.nan, 0
    while rounds < LONGEST:
        before = psi
        residual = u - psi[code] - bias[who]
        mean = divide(totals(who, people, residual), per_observer)
        squares = totals(who, people, residual * residual) - np.nan_to_num(per_observer * mean**2)
        squares = np.maximum(squares, 0.0)
        if corrected:
            v2, pooled = _bounded(votes, squares, v2, per_observer)
            weight = 1.0 / v2
        else:
            v2 = divide(squares, per_observer)
            weight = 1.0 / (np.where(per_observer > 0, v2, 1.0) + FLOOR)
        spread = weight[who]
        psi = divide(totals(code, size, spread * (u - bias[who])), totals(code, size, spread))
        bias = divide(totals(who, people, u - psi[code]), per_observer)
        if corrected:
            shift = float(np.nanmean(bias))
            bias, psi = bias - shift, psi + shift
        rounds += 1
        if np.sqrt(np.nansum((psi - before) ** 2)) < CLOSE:
            break
    shift = float(np.nanmean(bias))
    v = np.where(per_observer > 0, np.sqrt(v2), np.nan)
    return Solution(psi + shift, bias - shift, v, rounds, rounds < LONGEST, pooled)


def _bounded(votes: Votes, squares: Floats, v2: Floats, per_observer: Floats) -> tuple[Floats, float]:
    """v_i^2 = (SS_i + nu0 s0^2) / (D_i + nu0), where D_i counts what psi and Delta leave of observer i's votes."""
    size, people = len(votes.stimuli), len(votes.observers)
    weight = 1.0 / v2
    share = divide(1.0, totals(votes.stimulus, size, weight[votes.observer]))
    taken = weight * totals(votes.observer, people, share[votes.stimulus])
    free = np.maximum(divide(per_observer - 1, np.maximum(per_observer, 1)), 0.0) * np.maximum(per_observer - taken, 0.0)
    whole = float(free.sum())
    pooled = float(squares.sum()) / whole if whole > 1e-9 else 0.0
    if pooled <= 0:
        return np.ones(people), 0.0
    return (squares + PRIOR_VOTES * pooled) / (free + PRIOR_VOTES), pooled


def mle_co_ap(votes: Votes) -> Fit:
    """The published alternation; SE = 1 / sqrt(sum v^-2), interval 1.96 SE (equation 6)."""
    solution = alternate(votes, corrected=False)
    return _published("MLE_CO_AP", votes, solution, _weights_se(votes, solution))


def mle_co_nr(votes: Votes) -> Fit:
    """The same maximum as sureal's damped Newton solver finds: both solve the same three likelihood equations."""
    solution = alternate(votes, corrected=False)
    return _published("MLE_CO_NR", votes, solution, _weights_se(votes, solution))


def p910_ap2(votes: Votes) -> Fit:
    """The published alternation with SE = SD of the stimulus' residuals (ddof 0) / sqrt(n), interval 1.96 SE."""
    solution = alternate(votes, corrected=False)
    size, code = len(votes.stimuli), votes.stimulus
    n = totals(code, size)
    residual = votes.score - solution.psi[code] - solution.bias[votes.observer]
    centred = residual - means(code, size, residual)[code]
    return _published("P910_AP2", votes, solution, divide(np.sqrt(divide(totals(code, size, centred**2), n)), np.sqrt(n)))


def p910(votes: Votes, interval: str = "residual") -> Fit:
    """The corrected fit, for any pattern of missing votes and repetitions.

    `interval` "residual" (default) scales the model's SE by the stimulus' own weighted residuals, drawn towards 1
    with the weight of ten votes and read from Student's t with those degrees of freedom; "weights" is
    1.96 / sqrt(sum v^-2), right when all stimuli are equally hard to judge.
    `ci95` speaks for these observers, `population_ci95` for the population they come from (SE^2 + var(Delta) / I).
    """
    solution = alternate(votes, corrected=True)
    size, n = len(votes.stimuli), totals(votes.stimulus, len(votes.stimuli))
    se = _weights_se(votes, solution)
    if solution.pooled == 0:
        reason = "no residual is left to estimate inconsistency from: every image has one vote or all votes agree"
        blank = np.full(size, np.nan)
        return simple_fit("P910", votes, solution.psi, blank, observers={"bias": solution.bias}, notes=(reason,), reason=reason)
    half, df = Z95 * se, np.maximum(n - 1, 0.0)
    if interval == "residual":
        factor, df = _own_residuals(votes, solution, n)
        se = se * np.sqrt(factor)
        half = special.stdtrit(df, 0.975) * se
    extra = population_columns(solution.psi, se, df, solution.bias)
    own = totals(votes.observer, len(votes.observers))
    columns = {"bias": solution.bias, "bias_se": divide(solution.v, np.sqrt(own))}
    return simple_fit(
        "P910",
        votes,
        solution.psi,
        se,
        half,
        extra=extra,
        observers=columns | inconsistency_columns(solution.v, own),
        notes=_notes(solution),
    )


def _own_residuals(votes: Votes, solution: Solution, n: Floats) -> tuple[Floats, Floats]:
    """Per stimulus the ratio of its residual variance to the model's, moderated, and the degrees of freedom."""
    size, code = len(votes.stimuli), votes.stimulus
    residual = votes.score - solution.psi[code] - solution.bias[votes.observer]
    standard = totals(code, size, (residual / solution.v[votes.observer]) ** 2)
    free = np.maximum(n - 1, 0.0)
    return (standard + PRIOR_RESIDUALS) / (free + PRIOR_RESIDUALS), free + PRIOR_RESIDUALS


def _weights_se(votes: Votes, solution: Solution) -> Floats:
    precision = divide(1.0, solution.v**2)
    total = totals(votes.stimulus, len(votes.stimuli), precision[votes.observer])
    return divide(1.0, np.sqrt(total))


def _published(name: str, votes: Votes, solution: Solution, se: Floats) -> Fit:
    own = totals(votes.observer, len(votes.observers))
    observers = {"bias": solution.bias, "bias_se": divide(solution.v, np.sqrt(own))}
    observers |= inconsistency_columns(solution.v, own)
    return simple_fit(name, votes, solution.psi, se, observers=observers, notes=_notes(solution))


def _notes(solution: Solution) -> tuple[str, ...]:
    notes = [] if solution.settled else [f"did not settle within {LONGEST} rounds"]
    v = solution.v[np.isfinite(solution.v)]
    if len(v) and v.min() < 1e-3 * np.median(v):
        notes.append("collapsed onto one observer, whose inconsistency went to 0: use the corrected fit P910")
    return tuple(notes)
