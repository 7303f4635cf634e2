"""Bias, inconsistency of observers and ambiguity of contents together: u = psi_j + Delta_i + v_i X + a_c(j) Y.

Source: Li and Bampis, "Recover subjective quality scores from noisy measurements", DCC 2017. The likelihood depends on
v_i^2 + a_c^2 alone, so a constant may pass from one to the other; damped Newton steps from the residuals' spread
decide, as in sureal. Where those steps run away, expectation-maximisation with a floor takes over.
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
BEYOND = 100
"""A spread of so many scales is no spread: Newton's steps ran away."""


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
    """The votes in the sums that the likelihood needs; the K cells observer x content that hold votes share one variance each."""

    def __init__(self, votes: Votes) -> None:
        names = [c or f"\0{s}" for c, s in zip(votes.info["content"], votes.stimuli, strict=True)]
        codes, _ = pd.factorize(np.array(names, dtype=object))
        self.content: Ints = codes.astype(np.int64)
        self.size, self.people, self.contents = len(votes.stimuli), len(votes.observers), int(codes.max()) + 1
        self.u, self.code, self.who = votes.score, votes.stimulus, votes.observer
        cells, self.cell = np.unique(self.who * self.contents + self.content[self.code], return_inverse=True)
        self.cell_who, self.cell_content = cells // self.contents, cells % self.contents
        self.per_stimulus, self.per_observer = totals(self.code, self.size), totals(self.who, self.people)
        self.n = totals(self.cell, len(cells))
        self.widest = BEYOND * (votes.high - votes.low)
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
            if not np.isfinite(state.a).all() or max(state.v.max(initial=0.0), state.a.max(initial=0.0)) > self.widest:
                return None, rounds, ()
            if np.sqrt(np.nansum((before - state.psi) ** 2)) < CLOSE:
                return state, rounds, ()
        return state, LONGEST, ()

    def _step(self, s: State) -> None:
        s.bias, s.bias_information = self._bias(s)
        squares = self._squares(s)
        found, s.v_information = self._newton_root(s.v, self.cell_who, s.a[self.cell_content], squares)
        s.v = np.maximum((1 - STEP) * s.v + STEP * found, 0.0)
        found, _ = self._newton_root(s.a, self.cell_content, s.v[self.cell_who], squares)
        s.a = np.maximum((1 - STEP) * s.a + STEP * found, 0.0)
        weight = self._weight(s.v**2, s.a**2)[self.cell]
        s.psi_information = totals(self.code, self.size, weight)
        found = divide(totals(self.code, self.size, weight * (self.u - s.bias[self.who])), s.psi_information)
        s.psi = (1 - STEP) * s.psi + STEP * found

    def _weight(self, v2: Floats, a2: Floats) -> Floats:
        """One over the variance of each cell `(K,)`."""
        return np.asarray(1.0 / (v2[self.cell_who] + a2[self.cell_content]), np.float64)

    def _bias(self, s: State) -> tuple[Floats, Floats]:
        weight = self._weight(s.v**2, s.a**2)
        left = totals(self.cell, len(self.n), self.u - s.psi[self.code])
        information = totals(self.cell_who, self.people, weight * self.n)
        found = divide(totals(self.cell_who, self.people, weight * left), information)
        return (1 - STEP) * s.bias + STEP * np.nan_to_num(found), information

    def _squares(self, s: State) -> Floats:
        residual = self.u - s.psi[self.code] - s.bias[self.who]
        return totals(self.cell, len(self.n), residual * residual)

    def _newton_root(self, own: Floats, whose: Ints, other: Floats, squares: Floats) -> tuple[Floats, Floats]:
        """Newton's next value of a spread `own`, of the level `whose` `(K,)` in each cell, whose variance adds to that of `other`
        `(K,)`, and the information about it."""
        mine, theirs = own[whose] ** 2, other**2
        both = mine + theirs
        slope = own[whose] * (squares / both**2 - self.n / both)
        bend = self.n * (mine - theirs) / both**2 + squares * (theirs**2 - 3 * mine**2 - 2 * mine * theirs) / both**4
        top, bottom = totals(whose, len(own), slope), totals(whose, len(own), bend)
        moved = own - top / np.where(top == 0, 1.0, bottom)
        return np.where(top == 0, own, moved), np.maximum(-bottom, 0.0)

    def expectation(self) -> tuple[State, int]:
        """Expectation-maximisation of the two variance parts; each stays above a thousandth of the pooled variance."""
        s = State(**vars(self.flat))
        floor = FLOOR_SHARE * max(float(self._squares(s).sum()) / max(1, len(self.u)), 1e-6)
        v2, a2 = np.maximum(s.v**2 / 2, floor), np.maximum(s.a**2 / 2, floor)
        per_content = np.maximum(totals(self.cell_content, self.contents, self.n), 1)
        rounds, moved = 0, np.inf
        while rounds < LONGEST and moved > SETTLED:
            rounds, before = rounds + 1, s.psi
            weight = self._weight(v2, a2)
            spread = weight[self.cell]
            s.psi_information = totals(self.code, self.size, spread)
            s.psi = divide(totals(self.code, self.size, spread * (self.u - s.bias[self.who])), s.psi_information)
            s.bias_information = totals(self.who, self.people, spread)
            left = totals(self.who, self.people, spread * (self.u - s.psi[self.code]))
            s.bias = np.nan_to_num(divide(left, s.bias_information))
            gain = weight**2 * self._squares(s) - weight * self.n
            of_who, of_content = totals(self.cell_who, self.people, gain), totals(self.cell_content, self.contents, gain)
            v2 = np.maximum(v2 + v2**2 * of_who / np.maximum(self.per_observer, 1), floor)
            a2 = np.maximum(a2 + a2**2 * of_content / per_content, floor)
            moved = float(np.sqrt(np.nansum((s.psi - before) ** 2)))
        s.v, s.a = np.sqrt(v2), np.sqrt(a2)
        s.v_information = 2 * v2 * totals(self.cell_who, self.people, weight**2 * self.n)
        return s, rounds
