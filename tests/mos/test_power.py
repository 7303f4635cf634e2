from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mos import power
from workspace.errors import UsageFault


def test_the_papers_panels_reach_about_085() -> None:
    """40 lay and 10 expert observers on 380 images reach a margin of about .85 points with 80 % power; 38 minutes each."""
    plan = power.panels(40, 10, 380)
    assert plan.smallest_margin == pytest.approx(0.86, abs=0.02)
    assert plan.minutes == 38
    assert plan.enough is None


def test_the_reachable_margin_has_80_percent_power_in_simulation() -> None:
    """At the printed margin, simulated panels without a true difference pass both one-sided tests in 80 +- 3 %."""
    rng = np.random.default_rng(1)
    plan = power.panels(40, 10, 100)
    sd = (power.OBSERVER_SD**2 + power.NOISE_SD**2 / 100) ** 0.5
    passed = 0
    for _ in range(3000):
        a, b = rng.normal(0, sd, 40), rng.normal(0, sd, 10)
        parts = [a.var(ddof=1) / 40, b.var(ddof=1) / 10]
        half = stats.t.ppf(0.95, power.welch_df(parts, [39, 9])) * sum(parts) ** 0.5
        passed += abs(a.mean() - b.mean()) + half < plan.smallest_margin
    assert passed / 3000 == pytest.approx(0.8, abs=0.03)


def test_a_margin_out_of_reach_asks_for_a_reason() -> None:
    """A margin of .5 is said to be out of reach, with what can be reached and what to do."""
    plan = power.panels(40, 10, 380, margin=0.5)
    assert plan.enough is False
    assert "a margin of 0.5 is out of reach" in plan.reason
    assert "write down why" in plan.reason
    assert power.panels(40, 10, 380, margin=1.0).enough is True


def test_observers_for_two_images_equal_the_textbook() -> None:
    """n of a paired t test by noncentral t: power .8 is reached at n and not at n - 1."""
    n = power.observers_needed(0.5, noise_sd=1.3)
    sd = 2**0.5 * 1.3
    assert power.paired_power(0.5, sd, n, 0.05) >= 0.8 > power.paired_power(0.5, sd, n - 1, 0.05)
    assert power.observers_needed(0.5, noise_sd=1.3, comparisons=171) > 2.5 * n
    assert power.paired_power(0.5, 1.0, 34, 0.05) == pytest.approx(0.808, abs=0.002)


def test_contents_for_two_variants_grow_with_their_spread() -> None:
    """More spread over contents needs more contents; more observers need fewer."""
    base = power.contents_needed(0.5)
    assert power.contents_needed(0.5, content_sd=1.2) > base > power.contents_needed(0.5, content_sd=0.3)
    assert power.contents_needed(0.5, observers=10) > base


def test_bad_calls_are_one_line() -> None:
    """One observer, a margin of 0 and a tiny difference are refused with what was expected."""
    with pytest.raises(UsageFault, match="two observers in each"):
        power.panels(40, 1, 380)
    with pytest.raises(UsageFault, match="a positive number"):
        power.panels(40, 10, 380, margin=0)
    with pytest.raises(UsageFault, match="more than 10000 observers"):
        power.observers_needed(0.001)


def test_half_width_is_students() -> None:
    """24 votes with SD 1.5 give .63, 40 votes .48."""
    assert power.half_width(1.5, 24) == pytest.approx(0.63, abs=0.005)
    assert power.half_width(1.5, 40) == pytest.approx(0.48, abs=0.005)
