"""Yes/no and choice questions ("could you judge the skin in this picture?"): shares, agreement, and P(fit | MOS).

Wilson 1927; Gwet's AC1 (Gwet 2008, British Journal of Mathematical and Statistical Psychology 61); Fleiss' kappa (1971),
both for any number of votes per image, with bootstrap intervals over images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from mos.conditions import cell_means, content_codes, crossed_mean, group_names
from mos.estimate import Estimate, finite
from mos.votes import Votes
from workspace.errors import UsageFault

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Z = 1.959963984540054
GROUPINGS = ("axis", "skin_tone")
COLUMNS = (
    "panel", "question", "grouping", "name", "answer", "images", "observers", "votes", "votes_simulated", "share", "wilson_low",
    "wilson_high", "crossed_low", "crossed_high", "ac1", "ac1_low", "ac1_high", "kappa", "kappa_low", "kappa_high", "intercept",
    "slope", "cost_unfit", "cost_retake", "p_needed", "cutoff_mos", "cutoff_low", "cutoff_high", "reason",
)  # fmt: skip


def wilson(yes: int, n: int) -> Estimate:
    """A share with Wilson's 95 % interval; votes count as independent (see `crossed_low` of the table for one that does not)."""
    if n == 0:
        return Estimate.none("no votes")
    share = yes / n
    centre, half = share + Z**2 / (2 * n), Z * (share * (1 - share) / n + Z**2 / (4 * n**2)) ** 0.5
    scale = 1 + Z**2 / n
    return Estimate.of(share, max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale))


def agreement(counts: Floats, *, draws: int = 1000, seed: int = 0) -> tuple[Estimate, Estimate]:
    """Gwet's AC1 and Fleiss' kappa of images x answers `(U, Q)` (how many chose each), bootstrap over images.

    Images with one vote count for the answers' shares only. Undefined: fewer than two answers or no image with two votes.
    """
    counts = counts[counts.sum(1) > 0]
    if counts.shape[1] < 2 or not (counts.sum(1) > 1).any():
        missing = Estimate.none("no image has two votes" if counts.shape[1] >= 2 else "one possible answer only")
        return missing, missing
    whole = _coefficients(np.ones((1, len(counts))), counts)
    rng = np.random.default_rng(seed)
    picks = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=draws).astype(float)
    spread = _coefficients(picks, counts)
    return tuple(_with_interval(float(v[0]), s) for v, s in zip(whole, spread, strict=True))  # type: ignore[return-value]


def _with_interval(value: float, spread: Floats) -> Estimate:
    known = spread[np.isfinite(spread)]
    if not np.isfinite(value):
        return Estimate.none("everyone gave the same answer: chance agreement is complete")
    if len(known) < len(spread) / 2:
        return Estimate.of(value, reason="undefined in most resamples: no interval")
    low, high = np.quantile(known, [0.025, 0.975])
    return Estimate.of(value, float(low), float(high))


def _coefficients(weights: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """AC1 and kappa for each row of image weights `(B, U)`."""
    sizes = counts.sum(1)
    several = sizes > 1
    pairs = np.where(several, (counts * (counts - 1)).sum(1) / np.maximum(sizes * (sizes - 1), 1), 0.0)
    used = weights @ several.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (weights @ pairs) / used
        by_image = weights @ (counts / sizes[:, None]) / weights.sum(1, keepdims=True)
        pooled = weights @ counts
        pooled = pooled / pooled.sum(1, keepdims=True)
        chance_ac1 = np.sum(by_image * (1 - by_image), axis=1) / (counts.shape[1] - 1)
        chance_kappa = np.sum(pooled**2, axis=1)
        kappa = np.where(chance_kappa < 1, (observed - chance_kappa) / (1 - chance_kappa), np.nan)
        return (observed - chance_ac1) / (1 - chance_ac1), kappa


@dataclass(frozen=True)
class FitCurve:
    """P(yes | MOS) = logistic(intercept + slope x MOS) with the covariance `(2, 2)` of both by sandwich over contents."""

    intercept: float
    slope: float
    covariance: Floats
    df: int
    low: float
    high: float
    reason: str = ""

    def at(self, mos: Floats) -> tuple[Floats, Floats, Floats]:
        """Probability at scores `(n,)` with the ends of its 95 % band, Student t with contents - 2 degrees of freedom."""
        x = np.column_stack([np.ones(len(mos)), mos])
        line = x @ np.array([self.intercept, self.slope])
        half = self.quantile * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", x, self.covariance, x), 0))
        return special.expit(line), special.expit(line - half), special.expit(line + half)

    @property
    def quantile(self) -> float:
        """The t quantile of the band."""
        return float(stats.t.ppf(0.975, max(self.df, 1)))

    def cutoff(self, probability: float) -> Estimate:
        """The MOS at which the probability is reached, Fieller's interval; None outside the scale or without a slope."""
        if not np.isfinite(self.slope) or self.slope <= 0:
            return Estimate.none(self.reason or "the share of yes does not rise with MOS: no cut-off")
        target = float(special.logit(probability)) - self.intercept
        value = target / self.slope
        if not self.low <= value <= self.high:
            side = "all of the scale is" if value < self.low else "none of the scale is"
            return Estimate.none(f"{side} above the needed probability {probability:.2f}")
        low, high = self._fieller(target)
        return Estimate.of(
            value, max(low, self.low), min(high, self.high), "" if np.isfinite(low) else "the slope is too uncertain"
        )

    def _fieller(self, target: float) -> tuple[float, float]:
        q, (c00, c01, c11) = self.quantile**2, (self.covariance[0, 0], self.covariance[0, 1], self.covariance[1, 1])
        a, b, c = self.slope**2 - q * c11, -(target * self.slope + q * c01), target**2 - q * c00
        if a <= 0 or b * b < a * c:
            return float("nan"), float("nan")
        root = float(np.sqrt(b * b - a * c))
        return (-b - root) / a, (-b + root) / a


def fit_curve(mos: Floats, yes: Floats, n: Floats, content: Ints, low: float, high: float) -> FitCurve:
    """Logistic regression of `yes` of `n` votes on the images' `mos` `(J,)`, spread by whole contents `(J,)`.

    With complete separation or no spread the slope is nan, with the reason.
    """
    contents = len(np.unique(content))
    blank = np.full((2, 2), np.nan)
    share = yes / n
    if len(mos) < 3 or contents < 3 or np.ptp(mos) == 0 or np.ptp(share) == 0:
        return FitCurve(np.nan, np.nan, blank, 0, low, high, "needs three contents whose MOS and answers differ")
    x = np.column_stack([np.ones(len(mos)), mos - mos.mean()])
    beta = np.zeros(2)
    for _ in range(100):
        p = special.expit(x @ beta)
        weight = n * p * (1 - p)
        information = x.T @ (weight[:, None] * x)
        if np.linalg.cond(information) > 1e12 or np.abs(beta[1]) > 50:
            return FitCurve(
                np.nan, np.nan, blank, 0, low, high, "yes and no part at one MOS without overlap: no curve can be fitted"
            )
        step = np.linalg.solve(information, x.T @ (yes - n * p))
        beta = beta + step
        if np.max(np.abs(step)) < 1e-10:
            break
    rest = (yes - n * special.expit(x @ beta))[:, None] * x
    groups = np.unique(content, return_inverse=True)[1]
    sums = np.stack([np.bincount(groups, rest[:, k]) for k in range(2)], axis=1)
    bread = np.linalg.inv(information)
    covariance = bread @ (sums.T @ sums) @ bread * contents / (contents - 1)
    move = np.array([[1.0, -mos.mean()], [0.0, 1.0]])
    return FitCurve(float(beta[0] - beta[1] * mos.mean()), float(beta[1]), move @ covariance @ move.T, contents - 2, low, high)


def needed_probability(cost_unfit: float, cost_retake: float) -> float:
    """The probability of being fit from which an image is better kept: cost_unfit / (cost_unfit + cost_retake).

    `cost_unfit` of keeping an unfit image, `cost_retake` of asking again for a fit one. Raises UsageFault unless positive.
    """
    if cost_unfit <= 0 or cost_retake <= 0:
        raise UsageFault(f"costs {cost_unfit:g} and {cost_retake:g}: both must be above 0")
    return cost_unfit / (cost_unfit + cost_retake)


def usefulness_table(
    answers: Votes, quality: Votes | None = None, *, costs: tuple[float, float] | None = None, draws: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """usefulness.csv: one row per answer, for all images, each axis and each skin tone (columns COLUMNS).

    `answers` of one panel and question: 0/1 (then only the share of 1 is listed) or codes of a choice. `quality`: votes on
    the images' quality, for P(yes | MOS) of a yes/no question; `costs` (unfit kept, fit refused) for the cut-off.
    """
    rows: list[dict[str, Any]] = []
    for panel, question, group in answers.groups():
        first = group.first()
        values = np.unique(first.score)
        listed = values[values == 1] if set(values.tolist()) <= {0.0, 1.0} else values
        listed = listed if len(listed) else np.array([1.0])
        for grouping in ("all", *(g for g in GROUPINGS if g in first.info)):
            names = group_names(first.info, grouping)
            for name in sorted({str(v) for v in names[np.unique(first.stimulus)] if v}):
                chosen = first.select((names == name)[first.stimulus])
                rows += [
                    {"panel": panel, "question": question, "grouping": grouping, "name": name}
                    | _row(chosen, value, values, quality, costs, draws, seed)
                    for value in listed
                ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    votes: Votes, value: float, values: Floats, quality: Votes | None, costs: tuple[float, float] | None, draws: int, seed: int
) -> dict[str, Any]:
    yes = votes.score == value
    share = wilson(int(yes.sum()), len(votes))
    crossed = crossed_mean(cell_means(content_codes(votes)[votes.stimulus], votes.observer, yes.astype(float)))
    options = np.array([0.0, 1.0]) if set(values.tolist()) <= {0.0, 1.0} else values
    code = np.searchsorted(options, votes.score)
    counts = np.bincount(votes.stimulus * len(options) + code, minlength=len(votes.stimuli) * len(options)).astype(float)
    ac1, kappa = agreement(counts.reshape(len(votes.stimuli), -1), draws=draws, seed=seed)
    simulated = 0 if votes.simulated is None else int(votes.simulated.sum())
    made: dict[str, Any] = {
        "answer": f"{value:g}", "images": len(np.unique(votes.stimulus)), "observers": len(np.unique(votes.observer)),
        "votes": len(votes), "votes_simulated": simulated, "share": share.value, "wilson_low": share.low, "wilson_high": share.high,
        "crossed_low": None if crossed.low is None else max(0.0, crossed.low),
        "crossed_high": None if crossed.high is None else min(1.0, crossed.high),
        "ac1": ac1.value, "ac1_low": ac1.low, "ac1_high": ac1.high, "kappa": kappa.value, "kappa_low": kappa.low, "kappa_high": kappa.high,
    }  # fmt: skip
    reasons = {e.reason for e in (share, ac1, kappa) if e.reason}
    if quality is not None and set(values.tolist()) <= {0.0, 1.0}:
        curve = curve_of(votes, quality)
        made |= {"intercept": finite(curve.intercept), "slope": finite(curve.slope)}
        reasons |= {curve.reason} if curve.reason else set()
        if costs is not None:
            needed = needed_probability(*costs)
            cut = curve.cutoff(needed)
            made |= {"cost_unfit": costs[0], "cost_retake": costs[1], "p_needed": needed}
            made |= {"cutoff_mos": cut.value, "cutoff_low": cut.low, "cutoff_high": cut.high}
            reasons |= {cut.reason} if cut.reason else set()
    return made | {"reason": "; ".join(sorted(reasons))}


def curve_of(answers: Votes, quality: Votes) -> FitCurve:
    """P(yes | MOS) of 0/1 answers and quality votes, joined by the images' names."""
    first = quality.first()
    counted = np.bincount(first.stimulus, minlength=len(first.stimuli))
    sums = np.bincount(first.stimulus, first.score, minlength=len(first.stimuli))
    mos = {s: sums[i] / counted[i] for i, s in enumerate(first.stimuli) if counted[i]}
    n = np.bincount(answers.stimulus, minlength=len(answers.stimuli)).astype(float)
    yes = np.bincount(answers.stimulus, answers.score, minlength=len(answers.stimuli))
    kept = np.array([n[i] > 0 and s in mos for i, s in enumerate(answers.stimuli)], dtype=bool)
    scores = np.array([mos[s] for i, s in enumerate(answers.stimuli) if kept[i]])
    return fit_curve(scores, yes[kept], n[kept], content_codes(answers)[kept], quality.low, quality.high)
