"""Screening of observers: every rule's statistic, threshold and verdict. Screening proposes; nothing is removed here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mos.conduct import conduct_columns, drift_rule, gold_rule, repeats_rule, speed_rule, straight_rule
from mos.correlations import Agreement, agreement_with_others, r_of_groups
from mos.counts import divide, means, spreads, totals
from mos.models_p910 import alternate
from mos.verdicts import Verdict
from mos.votes import Floats, Votes
from workspace.errors import UsageFault, nearest

BT500_SHARE, BT500_BALANCE = 0.05, 0.3
VQEG_R = 0.75
VQEG_GROUPS_R = 0.8
SAMVIQ_R = 0.7
INCONSISTENCY_RATIO = 2.0


@dataclass(frozen=True)
class Outliers:
    """BT.500's counts `(I,)`: votes above (`p`) and below (`q`) the limits, all votes `n`, and who is rejected."""

    p: Floats
    q: Floats
    n: Floats
    rejected: np.ndarray

    @property
    def share(self) -> Floats:
        """(P + Q) / N."""
        return divide(self.p + self.q, self.n)

    @property
    def balance(self) -> Floats:
        """|P - Q| / (P + Q), nan where an observer has no outlying vote."""
        return divide(np.abs(self.p - self.q), self.p + self.q)


def bt500(votes: Votes) -> Outliers:
    """BT.500-14 A1-2.3.1, strictly: S with n - 1, unanimous presentations skipped, shares of the observer's own votes.

    A presentation is a stimulus and repetition. Limits are 2 S where the kurtosis is 2..4, else sqrt(20) S; an observer
    without outlying votes is kept. Meant to be applied once, and with few observers.
    """
    people = len(votes.observers)
    code, size = _presentations(votes)
    centre, s = means(code, size, votes.score), spreads(code, size, votes.score)
    deviation = votes.score - centre[code]
    m2, m4 = means(code, size, deviation**2), means(code, size, deviation**4)
    kurtosis = divide(m4, np.nan_to_num(m2) ** 2)
    width = np.where((kurtosis >= 2) & (kurtosis <= 4), 2.0, np.sqrt(20.0)) * s
    usable = (s > 0)[code]
    limit = np.where(usable, width[code], np.inf)
    p = totals(votes.observer, people, (deviation >= limit - 1e-12).astype(float))
    q = totals(votes.observer, people, (deviation <= -limit + 1e-12).astype(float))
    n = totals(votes.observer, people)
    outlying = np.maximum(p + q, 1)
    rejected = ((p + q) > BT500_SHARE * n) & (np.abs(p - q) < BT500_BALANCE * outlying) & (p + q > 0)
    return Outliers(p, q, n, rejected)


def _presentations(votes: Votes) -> tuple[np.ndarray, int]:
    if votes.rep is None:
        return votes.stimulus, len(votes.stimuli)
    several = int(votes.rep.max()) + 1 if len(votes) else 1
    return votes.stimulus * several + votes.rep, len(votes.stimuli) * several


def _bt500_rule(votes: Votes, _: Agreement) -> Verdict:
    found = bt500(votes)
    share, balance = found.share, found.balance
    more = {"bt500_p": found.p, "bt500_q": found.q, "bt500_balance": balance}
    return Verdict("bt500", share, BT500_SHARE, found.rejected, found.n > 0, more)


def _vqeg_rule(_: Votes, agreement: Agreement) -> Verdict:
    r = agreement.pearson
    return Verdict("vqeg", r, VQEG_R, r < VQEG_R, np.isfinite(r))


def _vqeg_mm_rule(votes: Votes, agreement: Agreement) -> Verdict:
    """Rejected where r < .75 and the r of the means per variant < .8."""
    r, groups = agreement.pearson, r_of_groups(votes, "variant")
    both = np.isfinite(r) & np.isfinite(groups)
    rejected = (r < VQEG_R) & (groups < VQEG_GROUPS_R)
    return Verdict("vqeg_mm", groups, VQEG_GROUPS_R, rejected, both)


def _samviq_rule(_: Votes, agreement: Agreement) -> Verdict:
    """min(Pearson, Spearman) below .7, or below mean - SD of all observers where that lies under .7."""
    r = np.fmin(agreement.pearson, agreement.spearman)
    known = r[np.isfinite(r)]
    threshold = SAMVIQ_R
    if len(known) > 1:
        threshold = min(SAMVIQ_R, float(known.mean() - known.std(ddof=1)))
    return Verdict("samviq", r, threshold, r < threshold, np.isfinite(r))


def _inconsistency_rule(votes: Votes, _: Agreement) -> Verdict:
    """Inconsistency of the corrected fit against the panel's median."""
    v = alternate(votes, corrected=True).v if len(votes) else np.full(len(votes.observers), np.nan)
    known = v[np.isfinite(v)]
    ratio = v / np.median(known) if len(known) else v
    enough = np.isfinite(ratio) & (totals(votes.observer, len(votes.observers)) >= 3)
    return Verdict("inconsistency", ratio, INCONSISTENCY_RATIO, ratio > INCONSISTENCY_RATIO, enough)


Rule = Callable[[Votes, Agreement], Verdict]
RULES: dict[str, Rule] = {
    "bt500": _bt500_rule,
    "vqeg": _vqeg_rule,
    "vqeg_mm": _vqeg_mm_rule,
    "samviq": _samviq_rule,
    "inconsistency": _inconsistency_rule,
    "straight": lambda votes, _: straight_rule(votes),
    "gold": lambda votes, _: gold_rule(votes),
    "repeats": lambda votes, _: repeats_rule(votes),
    "speed": lambda votes, _: speed_rule(votes),
    "drift": lambda votes, _: drift_rule(votes),
}
ALL_VOTES = frozenset({"repeats", "straight", "speed"})


def check_rules(names: Sequence[str]) -> tuple[str, ...]:
    """The rule set as named. Raises UsageFault for an unknown rule, naming the nearest."""
    for name in names:
        if name not in RULES:
            raise UsageFault(f"screening rule {name!r} is not known{nearest(name, list(RULES))}: choose {', '.join(RULES)}")
    return tuple(names)


def verdicts(votes: Votes, names: Sequence[str] | None = None) -> list[Verdict]:
    """Each rule's verdict on each observer of one panel and question; repetitions, runs and times use all votes."""
    first = votes.first()
    agreement = agreement_with_others(first)
    wanted = check_rules(list(RULES) if names is None else names)
    return [RULES[name](votes if name in ALL_VOTES else first, agreement) for name in wanted]


def observer_table(votes: Votes) -> pd.DataFrame:
    """One row per observer of one panel and question who voted: what they did, and every rule's verdict.

    Columns: observer, n, mean, sd, r_pearson, r_spearman (against the mean of the others), the conduct columns, and for
    each rule RULE_statistic, RULE_threshold, RULE_verdict (keep, reject, not assessable).
    """
    first, people = votes.first(), len(votes.observers)
    n = totals(first.observer, people)
    agreement = agreement_with_others(first)
    columns: dict[str, object] = {
        "observer": np.array(votes.observers, dtype=object),
        "n": n.astype(np.int64),
        "mean": means(first.observer, people, first.score),
        "sd": spreads(first.observer, people, first.score),
        "r_pearson": agreement.pearson,
        "r_spearman": agreement.spearman,
    }
    columns |= conduct_columns(votes)
    for name in RULES:
        columns |= RULES[name](votes if name in ALL_VOTES else first, agreement).columns()
    return pd.DataFrame(columns)[n > 0].reset_index(drop=True)


def rejected_by(votes: Votes, names: Sequence[str]) -> dict[str, list[str]]:
    """Observer -> the rules of the set that reject them, for one panel and question."""
    found: dict[str, list[str]] = {}
    for verdict in verdicts(votes, names):
        for code in np.flatnonzero(verdict.rejects):
            found.setdefault(votes.observers[code], []).append(verdict.rule)
    return found
