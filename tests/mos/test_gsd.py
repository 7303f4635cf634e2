from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mos.effects import order_effects
from mos.gsd import consistency, gsd, histogram
from mos.gsd_law import g_statistic, gsd_fit, gsd_probabilities
from mos.votes import Votes, from_matrix
from workspace.errors import UsageFault


@pytest.mark.parametrize("m", [5, 7, 10])
def test_mean_and_variance_are_exact(m: int) -> None:
    """Probabilities sum to 1, their mean is psi and their variance rho Vmin + (1 - rho) Vmax, for any scale."""
    rng = np.random.default_rng(m)
    psi, rho = rng.uniform(1, m, 500), rng.uniform(0, 1, 500)
    p, k = gsd_probabilities(psi, rho, m), np.arange(1, m + 1)
    low, high = (np.ceil(psi) - psi) * (psi - np.floor(psi)), (psi - 1) * (m - psi)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-13)
    np.testing.assert_allclose(p @ k, psi, atol=1e-12)
    np.testing.assert_allclose(p @ k**2 - (p @ k) ** 2, rho * low + (1 - rho) * high, atol=1e-11)
    assert p.min() >= 0


def test_the_binomial_lies_at_the_border() -> None:
    """At rho = C the distribution is the binomial with mean psi."""
    psi, m = np.array([3.3]), 5
    low, high = (4 - 3.3) * (3.3 - 3), 2.3 * 1.7
    rho = np.array([(m - 2) / (m - 1) * high / (high - low)])
    np.testing.assert_allclose(gsd_probabilities(psi, rho, m)[0], stats.binom.pmf(np.arange(5), 4, 2.3 / 4), atol=1e-12)


def test_the_fit_finds_the_law_that_made_the_votes() -> None:
    """With 4,000 votes psi comes back within .1 and rho within .03."""
    rng = np.random.default_rng(0)
    psi, rho = rng.uniform(1.5, 9.5, 40), rng.uniform(0.4, 0.95, 40)
    law = gsd_probabilities(psi, rho, 10)
    found_psi, found_rho = gsd_fit(rng.multinomial(4000, law / law.sum(1, keepdims=True)).astype(float))
    np.testing.assert_allclose(found_psi, psi, atol=0.15)
    np.testing.assert_allclose(found_rho, rho, atol=0.03)


def test_the_fit_is_a_maximum() -> None:
    """No point of a fine grid is more likely than the fit by more than .01."""
    counts = np.array([[0, 3, 9, 6, 2.0], [10, 5, 0, 0, 1], [0, 0, 1, 12, 7], [4, 4, 4, 4, 4]])
    psi, rho = gsd_fit(counts)
    own = np.log(np.maximum(gsd_probabilities(psi, rho, 5), 1e-300))
    grid = np.meshgrid(np.linspace(1, 5, 201), np.linspace(0.01, 1, 100))
    every = np.log(np.maximum(gsd_probabilities(grid[0].ravel(), grid[1].ravel(), 5), 1e-300))
    assert ((counts @ every.T).max(1) - (counts * own).sum(1) < 0.01).all()


def test_the_g_statistic_by_hand() -> None:
    """G = 2 sum n ln(n / (N p)), empty categories count nothing."""
    found = g_statistic(np.array([6.0, 4, 0]), np.array([0.5, 0.25, 0.25]))
    assert found == pytest.approx(2 * (6 * np.log(6 / 5) + 4 * np.log(4 / 2.5)))


def _drawn(images: int = 60, people: int = 24) -> Votes:
    rng = np.random.default_rng(1)
    law = gsd_probabilities(rng.uniform(2, 4, images), np.full(images, 0.8), 5)
    return from_matrix(np.array([rng.choice(5, people, p=p / p.sum()) + 1.0 for p in law]), 1, 5)


def test_votes_from_the_law_are_consistent_and_two_camps_are_not() -> None:
    """The G-test keeps votes that follow the distribution and refuses images on which two camps disagree."""
    votes = _drawn()
    assert consistency(gsd(votes, draws=100).extra["g_p"]).consistent is True
    grid = votes.matrix()
    grid[:, :12], grid[:, 12:] = 2, 4
    assert consistency(gsd(from_matrix(grid, 1, 5), draws=100).extra["g_p"]).consistent is False


def test_undefined_cases_have_no_interval_and_no_test() -> None:
    """Unanimous and single votes give a score, null intervals and no p; a 0..100 scale is refused."""
    made = gsd(from_matrix(np.array([[3.0, 3, 3], [2, np.nan, np.nan], [1, 2, 4]]), 1, 5), draws=50)
    assert np.isfinite(made.score).all()
    assert list(np.isfinite(made.extra["g_p"])) == [False, False, True]
    assert consistency(np.array([np.nan])).consistent is None
    with pytest.raises(UsageFault, match="whole votes"):
        histogram(from_matrix(np.array([[50.5]]), 0, 100))


def test_the_same_seed_gives_the_same_intervals() -> None:
    """Two runs agree to the last bit."""
    votes = _drawn(5)
    np.testing.assert_array_equal(gsd(votes, draws=50).ci95_low, gsd(votes, draws=50).ci95_low)


def test_order_effects_are_found_and_otherwise_reasoned() -> None:
    """A common fall of one point over the session is the drift; without an order every effect is null with a reason."""
    rng = np.random.default_rng(2)
    frames = []
    quality = rng.uniform(3, 8, 100)
    for name in range(10):
        order = rng.permutation(100)
        place = np.empty(100)
        place[order] = np.arange(100)
        score = quality + rng.normal(0, 0.5, 100) + 0.5 - place / 99
        frames.append((np.full(100, f"o{name}"), np.arange(100), score, place))
    observer, stimulus, score, position = (np.concatenate(part) for part in zip(*frames, strict=True))
    frame = pd.DataFrame({"stimulus": stimulus, "observer": observer, "score": score, "position": position})
    found = order_effects(Votes.from_frame(frame, 0, 10))
    assert found["drift"]["value"] == pytest.approx(-1, abs=0.2)
    assert found["drift"]["ci95_high"] < 0
    assert found["quickening"] == {"value": None, "ci95_low": None, "ci95_high": None, "reason": "no response times"}
    silent = order_effects(_drawn(5))
    assert all(entry["value"] is None and entry["reason"] for entry in silent.values())


def test_a_sample_of_many_votes_has_its_own_number_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """150 votes per image on 10 steps are more histograms than 64 bits tell apart; samples drawn in blocks are the same ones."""
    rng = np.random.default_rng(3)
    votes = from_matrix(np.clip(np.round(rng.uniform(2, 9, (12, 1)) + rng.normal(0, 1.3, (12, 150))), 1, 10), 1, 10)
    whole = gsd(votes, draws=20)
    monkeypatch.setattr("mos.gsd.AT_ONCE", 5)
    monkeypatch.setattr("mos.gsd.ROWS_AT_ONCE", 7)
    parts = gsd(votes, draws=20)
    assert (whole.ci95_low < whole.score).all()
    np.testing.assert_allclose(parts.se, whole.se, atol=1e-9)
    np.testing.assert_allclose(parts.extra["g_p"], whole.extra["g_p"])


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores, intervals and p values are the same where the images are taken three at once."""
    rng = np.random.default_rng(6)
    votes = from_matrix(np.clip(np.round(rng.normal(rng.uniform(2, 9, (11, 1)), 1.2, (11, 9))), 1, 10), 1, 10)
    whole = gsd(votes, draws=40)
    monkeypatch.setattr("mos.gsd.AT_ONCE", 3)
    parts = gsd(votes, draws=40)
    for name in ("score", "se", "ci95_low", "ci95_high"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_array_equal(parts.extra["g_p"], whole.extra["g_p"])
