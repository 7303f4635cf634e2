"""How many observers, contents and votes a study needs, before the first vote.

Defaults in points on 1..10: observers' biases .78 (four public vote sets scaled to 1..10 stand at .51 to .93), one vote's
own noise 1.3, a variant's own content effect .6. Give the figures of a pilot instead where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from workspace.errors import UsageFault

OBSERVER_SD = 0.78
NOISE_SD = 1.3
CONTENT_SD = 0.6
SECONDS_PER_VOTE = 6.0
MOST = 10_000


def welch_df(variances: list[float], freedoms: list[float]) -> float:
    """Welch and Satterthwaite's degrees of freedom of a sum of variances of means."""
    total = sum(variances)
    parts = sum(v**2 / f for v, f in zip(variances, freedoms, strict=True) if f > 0)
    return total**2 / parts if parts > 0 else float(min(freedoms))


def reachable_margin(se: float, df: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest margin that two one-sided tests reach with this power when there is no true difference.

    se (t(1 - alpha) + t((1 + power) / 2)), Student t with `df`.
    """
    return se * float(stats.t.ppf(1 - alpha, df) + stats.t.ppf((1 + power) / 2, df))


def equivalence_power(margin: float, se: float, df: float, alpha: float = 0.05) -> float:
    """Power of two one-sided tests at a true difference of 0, 0..1."""
    if se <= 0:
        return 1.0
    return max(0.0, 2 * float(stats.t.cdf(margin / se - stats.t.ppf(1 - alpha, df), df)) - 1)


@dataclass(frozen=True)
class PanelPlan:
    """What two panels can tell: the smallest margin at 80 % power, power at the asked margin, minutes per observer.

    `enough` is None without a margin; `reason` is the line that freezing asks to be answered where it is False.
    """

    first: int
    second: int
    images: int
    se: float
    df: float
    smallest_margin: float
    minutes: float
    margin: float | None = None
    power: float | None = None
    enough: bool | None = None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


def panels(
    first: int, second: int, images: int, *, margin: float | None = None, observer_sd: float = OBSERVER_SD,
    noise_sd: float = NOISE_SD, seconds: float = SECONDS_PER_VOTE,
) -> PanelPlan:  # fmt: skip
    """Two panels of `first` and `second` observers on the same `images`, difference of their means tested for equivalence.

    Variance of an observer's mean: observer_sd^2 + noise_sd^2 / images. Raises UsageFault for fewer than two observers or
    no image, or a margin that is not positive.
    """
    if min(first, second) < 2 or images < 1:
        raise UsageFault(f"panels of {first} and {second} on {images} images: two observers in each and one image are needed")
    if margin is not None and margin <= 0:
        raise UsageFault(f"margin {margin:g}: a positive number of points is expected")
    variance = observer_sd**2 + noise_sd**2 / images
    parts = [variance / first, variance / second]
    se, df = sum(parts) ** 0.5, welch_df(parts, [first - 1, second - 1])
    smallest = reachable_margin(se, df)
    minutes = images * seconds / 60
    if margin is None:
        return PanelPlan(first, second, images, se, df, smallest, minutes)
    power = equivalence_power(margin, se, df)
    enough = margin >= smallest
    reason = "" if enough else (
        f"a margin of {margin:g} is out of reach: {first} against {second} observers on {images} images reach {smallest:.2f} "
        f"with 80 % power; write down why the study is made all the same, or enlarge the smaller panel"
    )  # fmt: skip
    return PanelPlan(first, second, images, se, df, smallest, minutes, margin, power, enough, reason)


def paired_power(difference: float, sd: float, n: int, alpha: float) -> float:
    """Power of a two-sided paired t test, noncentral t: true `difference`, SD of the differences `sd`, n pairs."""
    if n < 2:
        return 0.0
    shift, critical = abs(difference) / sd * n**0.5, float(stats.t.ppf(1 - alpha / 2, n - 1))
    return float(stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift))


def observers_needed(
    difference: float = 0.5, *, noise_sd: float = NOISE_SD, comparisons: int = 1, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Observers for telling two images apart by a paired test, alpha divided by `comparisons` (171 pairs of 19 images).

    SD of a difference: sqrt(2) noise_sd. Raises UsageFault when more than 10,000 would be needed.
    """
    sd = 2**0.5 * noise_sd
    return _least(lambda n: paired_power(difference, sd, n, alpha / comparisons), power, "observers")


def contents_needed(
    difference: float = 0.5, *, observers: int = 40, noise_sd: float = NOISE_SD, content_sd: float = CONTENT_SD, comparisons: int = 1,
    power: float = 0.8, alpha: float = 0.05,
) -> int:  # fmt: skip
    """Contents for telling two variants apart: a content's difference varies by sqrt(2 (content_sd^2 + noise_sd^2 / observers))."""
    sd = (2 * (content_sd**2 + noise_sd**2 / observers)) ** 0.5
    return _least(lambda n: paired_power(difference, sd, n, alpha / comparisons), power, "contents")


def _least(power_at: Any, power: float, what: str) -> int:
    low, high = 1, 2
    while power_at(high) < power:
        low, high = high, high * 2
        if high > MOST:
            raise UsageFault(f"more than {MOST} {what} would be needed: ask for a larger difference")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle) >= power else (middle, high)
    return high


def half_width(sd: float, n: int) -> float:
    """Half width of a 95 % Student interval of a mean of n votes with standard deviation `sd`."""
    return float(stats.t.ppf(0.975, n - 1)) * sd / n**0.5 if n > 1 else float(np.nan)
