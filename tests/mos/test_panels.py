from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mos import panels
from mos.exchange import exchange_rate
from mos.panels import CONFOUNDED, DIFFERENT, EQUIVALENT, UNDECIDED, Shift, decide
from mos.votes import Votes
from tests.mos.made import known_votes
from workspace.errors import StudyFault, UsageFault


def two_panels(
    rng: np.random.Generator, *, first: int = 20, second: int = 8, shift: float = 0.0, bias: float = 0.6, missing: float = 0.0
) -> tuple[Votes, Votes]:
    """Two panels on the same 40 images (8 contents): the second votes `shift` lower and with half of the noise."""
    base = known_votes(rng, contents=8, variants=5, observers=first + second, sd={"observer": bias, "pair": 0.0})
    quiet = base.score - np.where(base.observer >= first, shift, 0.0)
    if missing:
        kept = rng.random(len(base)) >= missing
        base, quiet = base.select(kept), quiet[kept]
    votes = replace(base, score=quiet)
    return votes.select(votes.observer < first), votes.select(votes.observer >= first)


def test_the_bias_interval_covers_for_these_images() -> None:
    """Over 200 simulated pairs of panels, 30 % of the votes missing, the interval holds the true shift in .91 to .985."""
    hits = 0
    for seed in range(200):
        a, b = two_panels(np.random.default_rng(seed), shift=0.5, missing=0.3)
        left, right, info, _ = panels.aligned(a, b)
        found = panels.shift(left, right, np.arange(len(info)) // 5)
        hits += found.low <= 0.5 <= found.high
    assert 0.91 <= hits / 200 <= 0.985


def test_equivalence_is_wrong_in_at_most_five_percent() -> None:
    """With a true difference of exactly the margin, panels are called equivalent in at most 5 (+ 3) % of 200 studies."""
    wrong = 0
    for seed in range(200):
        a, b = two_panels(np.random.default_rng(seed), first=40, second=30, shift=0.8, bias=0.5)
        left, right, info, _ = panels.aligned(a, b)
        found = panels.shift(left, right, np.arange(len(info)) // 5)
        wrong += decide(found, 0.8, 0.5)[0] == EQUIVALENT
    assert wrong / 200 <= 0.08


def test_a_margin_out_of_reach_is_never_equivalent() -> None:
    """The same difference of 0 is undecided at a margin that could not be reached and equivalent at one that could."""
    lucky = Shift(0.0, 0.01, 20, -0.02, 0.02, -0.02, 0.02, 1.0)
    assert decide(lucky, 0.5, 0.86)[0] == UNDECIDED
    assert "out of reach" in decide(lucky, 0.5, 0.86)[1]
    assert decide(lucky, 0.5, 0.4)[0] == EQUIVALENT
    assert decide(Shift(1.0, 0.05, 20, 0.9, 1.1, 0.9, 1.1, 0.0), 0.5, 0.86)[0] == DIFFERENT
    assert decide(Shift(0.5, 0.2, 20, 0.1, 0.9, 0.1, 0.9, 0.0), 0.6, 0.5)[0] == UNDECIDED
    assert "no margin was stated" in decide(lucky, None, 0.4)[1]


def test_the_whole_comparison_finds_what_was_put_in() -> None:
    """A shift of 1.5 and one variant that the experts mind more are found; everything is JSON without nan."""
    a, b = two_panels(np.random.default_rng(3), shift=1.5)
    minded = (b.info["variant"] == "v02").to_numpy()[b.stimulus]
    b = replace(b, score=b.score - 2.0 * minded)
    found = panels.compare(a, b, margin=1.0, draws=20)
    assert found.common == 40
    assert found.bias.value == pytest.approx(1.9, abs=0.8)
    groups = found.groups.loc[found.groups["grouping"] == "variant"].set_index("name")
    assert groups["beyond_bias"].idxmax() == "v02"
    assert groups.loc["v02", "p_holm"] < 0.01
    assert len(found.images) == 40
    assert "verdict" in json.dumps(found.as_dict(), allow_nan=False)


def test_only_common_images_count() -> None:
    """Experts who rated a subset are compared on it; the rest is counted."""
    a, b = two_panels(np.random.default_rng(4))
    b = b.select(b.stimulus < 15)
    found = panels.compare(a, b, draws=5)
    assert (found.common, found.only) == (15, (25, 0))


def test_different_tasks_are_named() -> None:
    """Panels with other questions or tasks are marked as confounded, in the verdict's reason too."""
    a, b = two_panels(np.random.default_rng(5))
    other = replace(b, question=np.full(len(b), "usefulness", dtype=object))
    same = replace(a, question=np.full(len(a), "quality", dtype=object))
    found = panels.compare(same, other, margin=2.0, draws=5)
    assert found.confounded == ("questions quality and usefulness",)
    assert CONFOUNDED in found.reason
    assert panels.compare(a, b, tasks=("rate", "diagnose"), draws=5).confounded


def test_demings_slope_is_not_attenuated() -> None:
    """With errors in both panels the slope of .7 comes out, where least squares falls short."""
    rng = np.random.default_rng(6)
    truth = rng.normal(5, 1, 400)
    a = truth[:, None] + rng.normal(0, 3, (400, 6))
    b = (0.7 * truth + 1)[:, None] + rng.normal(0, 3, (400, 6))
    found = panels.deming(a, b, np.arange(400) // 10)
    least = np.polyfit(a.mean(1), b.mean(1), 1)[0]
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.7 < found.high
    assert least < 0.4


def test_one_expert_is_worth_many_noisy_votes() -> None:
    """Experts with a third of the noise are worth several lay votes; identical observers are worth about one."""
    rng = np.random.default_rng(7)
    truth = rng.normal(5, 1, 200)
    experts = truth[:, None] + rng.normal(0, 0.5, (200, 8))
    lay = truth[:, None] + rng.normal(0, 1.5, (200, 40))
    alike = truth[:, None] + rng.normal(0, 0.5, (200, 20))
    many, few = exchange_rate(lay, experts, draws=40), exchange_rate(alike, experts, draws=40)
    assert many.votes == pytest.approx(9, abs=2.5)
    assert few.votes == pytest.approx(1, abs=0.5)
    assert exchange_rate(rng.normal(size=(200, 10)), experts, draws=5).reason.startswith("even 10 lay votes")
    assert exchange_rate(lay, experts[:, :2]).reason == "needs three experts and five common images"


def test_what_can_not_be_compared_is_refused() -> None:
    """Other scales and too few common images are one line."""
    a, b = two_panels(np.random.default_rng(8))
    with pytest.raises(UsageFault, match="different scales"):
        panels.compare(a, replace(b, high=100.0))
    with pytest.raises(StudyFault, match="0 common images"):
        panels.compare(a.select(a.stimulus < 10), b.select(b.stimulus >= 10))
