"""Scores from the generalised score distribution, and the G-test of whether votes behave like one opinion per image.

Source of the test: Nawala, Janowski, Cmiel, Rusek, "Describing subjective experiment consistency by p-value P-P plot",
ACM Multimedia 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mos.fits import Fit, counts, simple_fit
from mos.gsd_law import ROWS, g_statistic, gsd_fit, gsd_probabilities
from mos.votes import Floats, Ints, Votes
from workspace.errors import UsageFault

DRAWS = 200
DRAW_ZOOMS = 4
AT_ONCE = 5000
ROWS_AT_ONCE = 100 * ROWS


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
        se[tested], low[tested], high[tested], p[tested] = _bootstrap(table[tested], law, g[tested], draws, seed)
    shift = votes.low - 1
    extra = {"rho": np.where(tested, rho, np.nan), "g": g, "g_p": p}
    made = simple_fit("GSD", votes, psi + shift, se, extra=extra)
    return Fit("GSD", counts(votes), made.score, se, low + shift, high + shift, extra=extra)


def _bootstrap(table: Floats, law: Floats, g: Floats, draws: int, seed: int) -> Floats:
    """SE and interval of psi, and the p value of `g`, from `draws` samples of each stimulus' own law, refitted: `(4, J)`."""
    rng = np.random.default_rng(seed)
    law = law / law.sum(1, keepdims=True)
    base = int(table.sum(1).max()) + 1
    made = np.empty((4, len(table)))
    for start in range(0, len(table), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        psi, again = _refitted(rng, table[part].sum(1).astype(np.int64), law[part], draws, base)
        made[0, part] = psi.std(axis=1, ddof=1)
        made[1:3, part] = np.quantile(psi, [0.025, 0.975], axis=1)
        made[3, part] = (1 + (again >= g[part][:, None] - 1e-9).sum(1)) / (draws + 1)
    return made


def _refitted(rng: np.random.Generator, n: Ints, law: Floats, draws: int, base: int) -> tuple[Floats, Floats]:
    """psi and G of the samples `(J, draws)` each. Equal histograms are fitted once: one number each tells them apart, with a
    digit (to `base`) per category."""
    steps = law.shape[1]
    digits = np.array([base**power for power in range(steps - 1, -1, -1)], dtype=np.int64 if base**steps < 2**63 else object)
    samples = rng.multinomial(n[:, None], law[:, None, :], size=(len(n), draws)).reshape(-1, steps)
    unique, back = np.unique(samples @ digits, return_inverse=True)
    del samples
    psi, g = np.empty(len(unique)), np.empty(len(unique))
    for start in range(0, len(unique), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        table = (unique[part, None] // digits % base).astype(float)
        psi[part], rho = gsd_fit(table, zooms=DRAW_ZOOMS)
        g[part] = g_statistic(table, gsd_probabilities(psi[part], rho, steps))
    back = back.reshape(len(n), draws)
    return psi[back], g[back]


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
