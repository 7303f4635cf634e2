"""Bias, inconsistency of observers and ambiguity of contents together: u = psi_j + Delta_i + v_i X + a_c(j) Y.

Source: Li and Bampis, "Recover subjective quality scores from noisy measurements", DCC 2017. The likelihood depends on
v_i^2 + a_c^2 alone, so a constant may pass from one to the other; damped Newton steps from the residuals' spread
decide, as in sureal. Where those steps leave the finite numbers, expectation-maximisation with a floor takes over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mos.counts import divide, means, spreads, totals
from mos.fits import Fit, inconsistency_columns, simple_fit
from mos.votes import Floats, Ints, Votes

LONGEST = 10_000
CLOSE = 1e-8
STEP = 0.1
FLOOR_SHARE = 1e-3
SETTLED = 1e-9


@dataclass
class State:
    """psi `(J,)`, bias and v `(I,)`, a `(C,)`, and the information about each: what the next round starts from."""

    psi: Floats
    bias: Floats
    v: Floats
    a: Floats
    psi_information: Floats
    bias_information: Floats
    v_information: Floats


def mle_full(votes: Votes) -> Fit:
    """Scores with observers' bias and inconsistency and contents' ambiguity; SE = 1 / sqrt(sum 1 / (v^2 + a^2))."""
    solver = _Solver(votes)
    state, rounds, notes = solver.newton()
    if state is None:
        state, rounds = solver.expectation()
        notes = ("Newton's steps failed; solved by expectation-maximisation with a floor on the variances",)
    if rounds >= LONGEST:
        notes = (*notes, f"did not settle within {LONGEST} rounds")
    present = solver.per_observer > 0
    shift = float(state.bias[present].mean()) if present.any() else 0.0
    n = solver.per_observer
    bias = np.where(present, state.bias - shift, np.nan)
    observers = {"bias": bias, "bias_se": divide(1.0, np.sqrt(state.bias_information))}
    observers |= inconsistency_columns(np.where(present, state.v, np.nan), n)
    observers["inconsistency_se"] = divide(1.0, np.sqrt(state.v_information))
    ambiguity = np.where(solver.per_stimulus > 0, state.a[solver.content], np.nan)
    se = divide(1.0, np.sqrt(state.psi_information))
    return simple_fit(
        "MLE_FULL", votes, state.psi + shift, se, extra={"content_ambiguity": ambiguity}, observers=observers, notes=notes
    )


class _Solver:
    """The votes in the sums that the likelihood needs; an observer x content cell shares one variance."""

    def __init__(self, votes: Votes) -> None:
        names = [c or f"\0{s}" for c, s in zip(votes.info["content"], votes.stimuli, strict=True)]
        codes, _ = pd.factorize(np.array(names, dtype=object))
        self.content: Ints = codes.astype(np.int64)
        self.size, self.people, self.contents = len(votes.stimuli), len(votes.observers), int(codes.max()) + 1
        self.u, self.code, self.who = votes.score, votes.stimulus, votes.observer
        self.cell = self.who * self.contents + self.content[self.code]
        self.per_stimulus, self.per_observer = totals(self.code, self.size), totals(self.who, self.people)
        self.n = totals(self.cell, self.people * self.contents).reshape(self.people, self.contents)
        self.flat = self._start()

    def _start(self) -> State:
        psi = means(self.code, self.size, self.u)
        left = self.u - psi[self.code]
        v = np.nan_to_num(spreads(self.who, self.people, left, ddof=0))
        a = np.nan_to_num(spreads(self.content[self.code], self.contents, left, ddof=0))
        return State(psi, np.zeros(self.people), v, a, *(np.zeros(k) for k in (self.size, self.people, self.people)))

    def newton(self) -> tuple[State | None, int, tuple[str, ...]]:
        """sureal's damped steps; None once a number stops being finite."""
        state = State(**vars(self.flat))
        for rounds in range(1, LONGEST + 1):
            before = state.psi
            with np.errstate(all="ignore"):
                self._step(state)
            if not (np.isfinite(state.psi[self.per_stimulus > 0]).all() and np.isfinite(state.v).all()):
                return None, rounds, ()
            if not np.isfinite(state.a).all():
                return None, rounds, ()
            if np.sqrt(np.nansum((before - state.psi) ** 2)) < CLOSE:
                return state, rounds, ()
        return state, LONGEST, ()

    def _step(self, s: State) -> None:
        s.bias, s.bias_information = self._bias(s)
        squares = self._squares(s)
        found, s.v_information = _newton_root(s.v[:, None], s.a[None, :], squares, self.n, 1)
        s.v = np.maximum((1 - STEP) * s.v + STEP * found, 0.0)
        found, _ = _newton_root(s.a[None, :], s.v[:, None], squares, self.n, 0)
        s.a = np.maximum((1 - STEP) * s.a + STEP * found, 0.0)
        weight = (1.0 / (s.v[:, None] ** 2 + s.a[None, :] ** 2)).ravel()[self.cell]
        s.psi_information = totals(self.code, self.size, weight)
        found = divide(totals(self.code, self.size, weight * (self.u - s.bias[self.who])), s.psi_information)
        s.psi = (1 - STEP) * s.psi + STEP * found

    def _bias(self, s: State) -> tuple[Floats, Floats]:
        weight = 1.0 / (s.v[:, None] ** 2 + s.a[None, :] ** 2)
        left = totals(self.cell, weight.size, self.u - s.psi[self.code]).reshape(weight.shape)
        information = np.where(self.n > 0, weight * self.n, 0.0).sum(1)
        found = divide(np.where(self.n > 0, weight * left, 0.0).sum(1), information)
        return (1 - STEP) * s.bias + STEP * np.nan_to_num(found), information

    def _squares(self, s: State) -> Floats:
        residual = self.u - s.psi[self.code] - s.bias[self.who]
        return totals(self.cell, self.n.size, residual * residual).reshape(self.n.shape)

    def expectation(self) -> tuple[State, int]:
        """Expectation-maximisation of the two variance parts; each stays above a thousandth of the pooled variance."""
        s = State(**vars(self.flat))
        floor = FLOOR_SHARE * max(float(self._squares(s).sum()) / max(1, len(self.u)), 1e-6)
        v2, a2 = np.maximum(s.v**2 / 2, floor), np.maximum(s.a**2 / 2, floor)
        per_content = np.maximum(self.n.sum(0), 1)
        rounds, moved = 0, np.inf
        while rounds < LONGEST and moved > SETTLED:
            rounds, before = rounds + 1, s.psi
            weight = 1.0 / (v2[:, None] + a2[None, :])
            spread = weight.ravel()[self.cell]
            s.psi_information = totals(self.code, self.size, spread)
            s.psi = divide(totals(self.code, self.size, spread * (self.u - s.bias[self.who])), s.psi_information)
            s.bias_information = totals(self.who, self.people, spread)
            left = totals(self.who, self.people, spread * (self.u - s.psi[self.code]))
            s.bias = np.nan_to_num(divide(left, s.bias_information))
            gain = weight**2 * self._squares(s) - weight * self.n
            v2 = np.maximum(v2 + v2**2 * gain.sum(1) / np.maximum(self.per_observer, 1), floor)
            a2 = np.maximum(a2 + a2**2 * gain.sum(0) / per_content, floor)
            moved = float(np.sqrt(np.nansum((s.psi - before) ** 2)))
        s.v, s.a = np.sqrt(v2), np.sqrt(a2)
        s.v_information = 2 * v2 * (weight**2 * self.n).sum(1)
        return s, rounds


def _newton_root(own: Floats, other: Floats, squares: Floats, n: Floats, axis: int) -> tuple[Floats, Floats]:
    """Newton's next value of a spread `own` whose variance adds to `other`'s, and the information about it."""
    mine, theirs = own**2, other**2
    both = mine + theirs
    slope = own * (squares / both**2 - n / both)
    bend = n * (mine - theirs) / both**2 + squares * (theirs**2 - 3 * mine**2 - 2 * mine * theirs) / both**4
    top = np.where(n > 0, slope, 0.0).sum(axis)
    bottom = np.where(n > 0, bend, 0.0).sum(axis)
    moved = own.ravel() - top / np.where(top == 0, 1.0, bottom)
    return np.where(top == 0, own.ravel(), moved), np.maximum(-bottom, 0.0)
