"""Scores from the generalised score distribution, and the G-test of whether votes behave like one opinion per image.

Source of the test: Nawala, Janowski, Cmiel, Rusek, "Describing subjective experiment consistency by p-value P-P plot",
ACM Multimedia 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mos.fits import Fit, counts, simple_fit
from mos.gsd_law import g_statistic, gsd_fit, gsd_probabilities
from mos.votes import Floats, Votes
from workspace.errors import UsageFault

DRAWS = 200
DRAW_ZOOMS = 4


@dataclass(frozen=True)
class Consistency:
    """The study's G-test: of `stimuli` p values, `share` are below .05; `limit` is what chance reaches once in 20.

    `points` `(K, 2)`: theoretical and observed shares for the P-P plot. `consistent` is None without p values.
    """

    stimuli: int
    share: float | None
    limit: float | None
    consistent: bool | None
    points: Floats


def histogram(votes: Votes) -> Floats:
    """Counts `(J, M)` of each category. Raises UsageFault off a whole scale."""
    if not votes.whole:
        raise UsageFault("the generalised score distribution needs whole votes on a scale of at most 21 steps")
    steps = len(votes.categories)
    cell = votes.stimulus * steps + (votes.score - votes.low).astype(np.int64)
    return np.bincount(cell, minlength=len(votes.stimuli) * steps).reshape(-1, steps).astype(float)


def gsd(votes: Votes, *, draws: int = DRAWS, seed: int = 0) -> Fit:
    """psi as the score, rho (1 = as little spread as the mean allows), and the G-test's statistic and p per stimulus.

    Interval and SE of psi and the p value come from `draws` parametric bootstrap samples, each fitted again; chi-square
    is too rough for the few votes of a study. One vote or unanimous votes give no interval and no test.
    """
    table = histogram(votes)
    n = table.sum(1)
    m = table.shape[1]
    psi, rho = np.full(len(n), np.nan), np.full(len(n), np.nan)
    voted = n > 0
    psi[voted], rho[voted] = gsd_fit(table[voted])
    tested = (n > 1) & ((table > 0).sum(1) > 1)
    g, p, se, low, high = (np.full(len(n), np.nan) for _ in range(5))
    if tested.any() and draws:
        law = gsd_probabilities(psi[tested], rho[tested], m)
        g[tested] = g_statistic(table[tested], law)
        copies, again = _bootstrap(table[tested], law, draws, seed)
        p[tested] = (1 + (again >= g[tested][:, None] - 1e-9).sum(1)) / (draws + 1)
        se[tested] = copies.std(axis=1, ddof=1)
        low[tested], high[tested] = np.quantile(copies, [0.025, 0.975], axis=1)
    shift = votes.low - 1
    extra = {"rho": np.where(tested, rho, np.nan), "g": g, "g_p": p}
    made = simple_fit("GSD", votes, psi + shift, se, extra=extra)
    return Fit("GSD", counts(votes), made.score, se, low + shift, high + shift, extra=extra)


def _bootstrap(table: Floats, law: Floats, draws: int, seed: int) -> tuple[Floats, Floats]:
    """psi and G of `draws` samples from each stimulus' own law, refitted: `(J, draws)` each."""
    rng = np.random.default_rng(seed)
    n = table.sum(1).astype(np.int64)
    steps = table.shape[1]
    law = law / law.sum(1, keepdims=True)
    samples = rng.multinomial(n[:, None], law[:, None, :], size=(len(n), draws)).astype(float).reshape(-1, steps)
    unique, back = np.unique(samples, axis=0, return_inverse=True)
    psi, rho = gsd_fit(unique, zooms=DRAW_ZOOMS)
    g = g_statistic(unique, gsd_probabilities(psi, rho, steps))
    return psi[back].reshape(len(n), draws), g[back].reshape(len(n), draws)


def consistency(p: Floats, level: float = 0.05) -> Consistency:
    """Whether p values `(J,)` of the G-test (nan = not tested) lie below `level` more often than chance allows."""
    known = np.sort(p[np.isfinite(p)])
    if not len(known):
        return Consistency(0, None, None, None, np.empty((0, 2)))
    share = float(np.mean(known <= level))
    limit = float(stats.binom.ppf(0.95, len(known), level)) / len(known)
    at = np.linspace(0.01, 0.2, 20)
    points = np.column_stack([at, [np.mean(known <= x) for x in at]])
    return Consistency(len(known), share, limit, share <= limit, points)
