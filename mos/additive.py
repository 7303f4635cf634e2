"""The two-way additive fit score + bias, solved exactly for any pattern of missing votes, and the graph it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import cg

from mos.counts import divide, means, totals
from mos.votes import Floats, Ints, Votes

DENSE_OBSERVERS = 1500


def pieces(votes: Votes) -> tuple[int, Ints, Ints]:
    """How many unconnected pieces the observer-stimulus graph has, and the piece of each stimulus and observer.

    Two observers without a chain of common images can't be compared: biases across pieces mean nothing.
    Stimuli and observers without a vote belong to piece -1 and are not counted.
    """
    stimuli, observers = len(votes.stimuli), len(votes.observers)
    size = stimuli + observers
    edges = (np.ones(len(votes)), (votes.stimulus, votes.observer + stimuli))
    _, label = csgraph.connected_components(sparse.coo_matrix(edges, shape=(size, size)), directed=False)
    used = np.zeros(size, bool)
    used[votes.stimulus] = True
    used[votes.observer + stimuli] = True
    number = np.full(size, -1, np.int64)
    found, number[used] = np.unique(label[used], return_inverse=True)
    return len(found), number[:stimuli], number[stimuli:]


def additive_fit(votes: Votes) -> tuple[Floats, Floats]:
    """Least squares u = score_j + bias_i with mean bias 0: scores `(J,)`, biases `(I,)`; nan without votes.

    Stimuli are eliminated from the normal equations, so the system has one row per observer.
    """
    size, people = len(votes.stimuli), len(votes.observers)
    per_stimulus, per_observer = totals(votes.stimulus, size), totals(votes.observer, people)
    centred = votes.score - means(votes.stimulus, size, votes.score)[votes.stimulus]
    right = totals(votes.observer, people, centred)
    table = sparse.csr_matrix((np.ones(len(votes)), (votes.observer, votes.stimulus)), shape=(people, size))
    shared = table @ sparse.diags(1.0 / np.maximum(per_stimulus, 1)) @ table.T
    system = sparse.diags(per_observer) - shared
    bias = _solve(system, right, per_observer)
    present = per_observer > 0
    bias = np.where(present, bias - bias[present].mean(), np.nan) if present.any() else np.full(people, np.nan)
    score = means(votes.stimulus, size, votes.score - bias[votes.observer])
    return score, bias


def _solve(system: Any, right: Floats, weight: Floats) -> Floats:
    """The least-norm solution: dense where the observers are few, conjugate gradients else."""
    if len(right) <= DENSE_OBSERVERS:
        return np.asarray(np.linalg.lstsq(system.toarray(), right, rcond=1e-10)[0], float)
    scale = sparse.diags(divide(1.0, np.maximum(weight, 1)))
    return np.asarray(cg(system, right, rtol=1e-12, atol=0.0, maxiter=5000, M=scale)[0], float)
