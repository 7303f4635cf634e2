"""How each observer's votes go along with the mean of all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from mos.counts import divide, means, totals
from mos.votes import Floats, Ints, Votes

FEWEST = 3
SAME = 9


@dataclass(frozen=True)
class Agreement:
    """Leave-one-out correlations `(I,)`, nan = not assessable, and how many stimuli they rest on."""

    pearson: Floats
    spearman: Floats
    n: Floats


def mean_of_others(votes: Votes) -> Floats:
    """For each vote `(V,)` the mean of all other observers' votes on its stimulus; nan where there is none."""
    size = len(votes.stimuli)
    total, n = totals(votes.stimulus, size, votes.score), totals(votes.stimulus, size)
    return divide((total[votes.stimulus] - votes.score), n[votes.stimulus] - 1)


def agreement_with_others(votes: Votes) -> Agreement:
    """Pearson and Spearman of each observer with the mean of the others; needs three stimuli and some spread.

    Means are rounded to 1e-9 before ranking, so equal means tie whatever their last bit.
    """
    people = len(votes.observers)
    others = np.round(mean_of_others(votes), SAME)
    known = np.isfinite(others)
    who, own, other = votes.observer[known], votes.score[known], others[known]
    n = totals(who, people)
    pearson = grouped_pearson(who, people, own, other)
    spearman = grouped_pearson(who, people, _ranks(who, people, own), _ranks(who, people, other))
    few = n < FEWEST
    return Agreement(np.where(few, np.nan, pearson), np.where(few, np.nan, spearman), n)


def grouped_pearson(code: Ints, size: int, a: Floats, b: Floats) -> Floats:
    """Pearson's r of a and b within each code `(size,)`; nan where one of them is constant."""
    da, db = a - means(code, size, a)[code], b - means(code, size, b)[code]
    va, vb = totals(code, size, da * da), totals(code, size, db * db)
    va, vb = np.where(va < 1e-18, 0.0, va), np.where(vb < 1e-18, 0.0, vb)
    return np.clip(divide(totals(code, size, da * db), np.sqrt(va * vb)), -1.0, 1.0)


def r_of_groups(votes: Votes, label: str) -> Floats:
    """Pearson of each observer's means per value of a label with the others' means; nan without that label."""
    people = len(votes.observers)
    if label not in votes.info or not len(votes):
        return np.full(people, np.nan)
    values, names = pd.factorize(votes.info[label].astype(str).to_numpy(dtype=object))
    group = values[votes.stimulus]
    others = mean_of_others(votes)
    known = np.isfinite(others)
    cell = votes.observer[known] * len(names) + group[known]
    own = means(cell, people * len(names), votes.score[known])
    other = means(cell, people * len(names), others[known])
    filled = np.flatnonzero(np.isfinite(own))
    code = filled // len(names)
    r = grouped_pearson(code, people, own[filled], np.round(other[filled], SAME))
    return np.where(totals(code, people) < FEWEST, np.nan, r)


def _ranks(code: Ints, size: int, values: Floats) -> Floats:
    """Average ranks of values within each code."""
    ranks = np.empty(len(values))
    order = np.argsort(code, kind="stable")
    counts = np.bincount(code, minlength=size)
    ends = np.cumsum(counts)
    for start, end in zip(ends - counts, ends, strict=True):
        if end > start:
            rows = order[start:end]
            ranks[rows] = rankdata(values[rows])
    return ranks
