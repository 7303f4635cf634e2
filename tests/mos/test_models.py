from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mos.fits import Fit
from mos.models import MODELS, fit
from mos.models_full import State, _Solver
from mos.models_p910 import alternate, p910
from mos.votes import Votes, from_matrix
from tests.mos.golden import SETS, golden_table, golden_votes
from workspace.errors import UsageFault

EXACT, NEWTON = 1e-9, 1e-6
COMPARED = {
    "MOS": (EXACT, ("score", "se", "sd")),
    "DMOS": (EXACT, ("score",)),
    "LIVE_DMOS": (EXACT, ("score",)),
    "ZS_MOS": (EXACT, ("score",)),
    "LS": (EXACT, ("score",)),
    "BR_MOS_P913": (EXACT, ("score",)),
    "MLE_CO_AP": (EXACT, ("score", "se", "ci95")),
    "P910_AP2": (EXACT, ("score", "se", "ci95")),
    "MLE_CO_NR": (NEWTON, ("score", "se", "ci95")),
    "MLE_FULL": (NEWTON, ("score", "se", "ci95")),
    "SR_MOS_BT500": (EXACT, ("score", "se")),
    "ZS_SR_MOS": (EXACT, ("score", "se")),
    "BR_SR_MOS_P913_BT500": (EXACT, ("score", "se")),
    "SR_MOS_PCC": (EXACT, ("score", "se")),
    "SR_MOS_SRCC": (EXACT, ("score", "se")),
}


def _column(made: Fit, name: str) -> np.ndarray:
    if name == "sd":
        return made.extra["sd"]
    return made.ci95_high - made.score if name == "ci95" else np.asarray(getattr(made, name))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("model", COMPARED)
def test_a_model_agrees_with_sureal_on_public_votes(shared: Path, name: str, model: str) -> None:
    """Scores, errors and intervals equal sureal's to the last digits that it printed."""
    votes = golden_votes(shared, name)
    expected = golden_table(shared, name, f"{model}.csv", votes)
    if expected is None:
        assert model == "LS"
        return
    made = fit(model, votes)
    tolerance, columns = COMPARED[model]
    assert made.notes == ()
    for column in columns:
        wanted = expected["ci95_plus" if column == "ci95" else column].to_numpy(float)
        np.testing.assert_allclose(_column(made, column), wanted, rtol=0, atol=tolerance, err_msg=column)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("model", ["BR_MOS_P913", "LS", "MLE_CO_AP", "P910_AP2", "MLE_CO_NR", "MLE_FULL"])
def test_observers_agree_with_sureal(shared: Path, name: str, model: str) -> None:
    """Bias and inconsistency of every observer equal sureal's, with their errors and intervals."""
    votes = golden_votes(shared, name)
    expected = golden_table(shared, name, f"{model}.observers.csv", votes)
    if expected is None:
        assert model == "LS"
        return
    made = fit(model, votes).observers
    tolerance = NEWTON if model in ("MLE_CO_NR", "MLE_FULL") else EXACT
    for column in {"bias", "inconsistency", "inconsistency_se"} & set(expected) & set(made):
        wanted = expected[column].to_numpy(float)
        known = np.isfinite(wanted)
        np.testing.assert_allclose(made[column][known], wanted[known], rtol=0, atol=tolerance, err_msg=column)
        assert not np.isinf(made[column]).any()
    if "inconsistency" in expected:
        above = made["inconsistency_ci95_high"] - made["inconsistency"]
        np.testing.assert_allclose(above, expected["inconsistency_ci95_plus"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", SETS)
def test_zrec_agrees_with_its_authors(shared: Path, name: str) -> None:
    """ZREC's scores, intervals and ambiguity are the published program's; its two observer columns carry swapped heads."""
    votes = golden_votes(shared, name)
    expected = golden_table(shared, name, f"{name}.zrec.csv", votes)
    people = golden_table(shared, name, f"{name}.zrec.observers.csv", votes)
    assert expected is not None
    assert people is not None
    made = fit("ZREC", votes)
    np.testing.assert_allclose(made.score, expected["score"], rtol=0, atol=EXACT)
    known = np.isfinite(made.ci95_high)
    np.testing.assert_allclose((made.ci95_high - made.score)[known], expected["ci95"][known], rtol=0, atol=EXACT)
    np.testing.assert_allclose(made.extra["ambiguity"], expected["ambiguity"], rtol=0, atol=EXACT)
    np.testing.assert_allclose(made.observers["bias"], people["inconsistency"], rtol=0, atol=EXACT)
    np.testing.assert_allclose(made.observers["inconsistency"], people["bias"], rtol=0, atol=EXACT)


def _study(people: int, images: int = 100, seed: int = 0, missing: float = 0.0) -> tuple[Votes, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth, v = rng.uniform(2, 9, images), rng.uniform(0.6, 1.6, people)
    grid = truth[:, None] + rng.normal(0, 0.5, people) + v * rng.normal(size=(images, people))
    grid[rng.random(grid.shape) < missing] = np.nan
    return from_matrix(grid, -20, 30), truth


def test_the_corrected_fit_moves_healthy_scores_little(shared: Path) -> None:
    """On 30 real observers the corrected scores differ from the published fit's by less than .02."""
    votes = golden_votes(shared, "nflx_public_4outliers")
    assert np.max(np.abs(fit("P910", votes).score - fit("MLE_CO_AP", votes).score)) < 0.0185


def test_the_published_fit_collapses_and_says_so() -> None:
    """With five observers the published likelihood gives one of them all the weight; the corrected one does not."""
    votes, _ = _study(5)
    assert "collapsed onto one observer" in fit("MLE_CO_AP", votes).notes[0]
    assert alternate(votes, corrected=True).v.min() > 0.3
    assert fit("P910", votes).notes == ()


def test_bias_stays_centred_when_votes_miss() -> None:
    """With a third of the votes missing the mean bias is 0 in every model with bias."""
    votes, _ = _study(12, missing=0.3)
    for model in ("BR_MOS_P913", "LS", "P910", "MLE_CO_AP", "MLE_FULL"):
        assert abs(np.nanmean(fit(model, votes).observers["bias"])) < 1e-9, model


def test_bias_removal_with_missing_votes_solves_the_additive_model() -> None:
    """Exact scores and biases come back from votes without noise, whatever is missing; one pass would be off."""
    rng = np.random.default_rng(3)
    truth, bias = rng.uniform(3, 8, 40), rng.normal(0, 1, 10)
    bias -= bias.mean()
    grid = truth[:, None] + bias
    grid[rng.random(grid.shape) < 0.5] = np.nan
    made = fit("BR_MOS_P913", from_matrix(grid, -10, 20))
    np.testing.assert_allclose(made.score, truth, atol=1e-9)
    np.testing.assert_allclose(made.observers["bias"], bias, atol=1e-9)


def test_unconnected_groups_are_named() -> None:
    """Two groups of observers without a common image get a note instead of a silent comparison."""
    grid = np.full((6, 4), np.nan)
    grid[:3, :2], grid[3:, 2:] = [[1, 2], [3, 4], [5, 5]], [[2, 1], [4, 4], [5, 3]]
    assert "2 groups without a common image" in fit("P910", from_matrix(grid, 1, 5)).notes[-1]


def test_the_full_model_is_finite_where_newton_fails() -> None:
    """Votes without any residual leave Newton's steps; the other solver then gives finite scores and says so."""
    grid = np.tile(np.arange(1.0, 6.0)[:, None], (1, 4))
    made = fit("MLE_FULL", from_matrix(grid, 1, 5, content=tuple("aabbc")))
    assert np.isfinite(made.score).all()
    np.testing.assert_allclose(made.score, grid[:, 0], atol=1e-6)
    assert "expectation-maximisation" in made.notes[0]


def _likelihood(solver: _Solver, state: State) -> float:
    variance = (state.v[:, None] ** 2 + state.a[None, :] ** 2).ravel()[solver.cell]
    residual = solver.u - state.psi[solver.code] - state.bias[solver.who]
    return float(np.sum(-0.5 * np.log(variance) - 0.5 * residual**2 / variance))


def test_expectation_maximisation_is_no_worse_than_newton() -> None:
    """The fallback solver reaches at least the likelihood of the damped steps, which can stick at an inconsistency of 0."""
    votes, _ = _study(20, images=60, seed=5)
    solver = _Solver(from_matrix(votes.matrix(), -20, 30, content=tuple(f"c{j % 6}" for j in range(60))))
    newton, _, _ = solver.newton()
    other, _ = solver.expectation()
    assert newton is not None
    assert newton.v.min() < 1e-6
    assert _likelihood(solver, other) > _likelihood(solver, newton)
    np.testing.assert_allclose(other.psi + other.bias.mean(), newton.psi + newton.bias.mean(), atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("people", [5, 8, 15, 40])
def test_the_corrected_fit_beats_plain_means(people: int) -> None:
    """On simulated observers of unequal care the corrected scores lie closer to the truth and its interval covers 93 to 97 %."""
    better, inside = [], []
    for seed in range(12):
        votes, truth = _study(people, images=100, seed=seed, missing=0.3)
        made = p910(votes)
        shift = np.nanmean(made.score - truth)
        plain = fit("MOS", votes).score
        better.append(
            (np.nanmean((plain - np.nanmean(plain - truth) - truth) ** 2), np.nanmean((made.score - shift - truth) ** 2))
        )
        known = np.isfinite(made.se)
        inside += list(((made.ci95_low - shift <= truth) & (truth <= made.ci95_high - shift))[known])
    mean_plain, mean_corrected = np.mean(better, axis=0)
    assert mean_corrected < mean_plain
    assert 0.93 < np.mean(inside) < 0.97


@pytest.mark.parametrize("model", MODELS)
def test_every_model_survives_odd_studies(model: str) -> None:
    """One vote, one observer, unanimous votes: no warning, no infinite number, and scores on the images that were rated."""
    for grid in ([[3.0]], [[1.0], [2.0], [5.0]], [[3.0, 3.0], [3.0, 3.0]], [[1.0, np.nan], [np.nan, 4.0]], [[1.0, 2.0, 2.0]] * 4):
        made = fit(model, from_matrix(np.array(grid), 1, 5, content=("a",) * len(grid)))
        for column in (made.score, made.se, made.ci95_low, *made.extra.values(), *made.observers.values()):
            assert not np.isinf(column).any()
        if model not in ("ZS_MOS", "DMOS", "LIVE_DMOS"):
            assert np.isfinite(made.score).all()


def test_an_unknown_model_is_named_with_the_nearest() -> None:
    """A misspelt model is refused with a hint."""
    with pytest.raises(UsageFault, match=r"'P91O' is not known \(did you mean 'P910'\?\)"):
        fit("P91O", from_matrix(np.ones((2, 2)), 1, 5))


def test_the_full_model_does_not_run_away() -> None:
    """On a small table with gaps where Newton's steps run off to spreads of 1e46, the other way gives scores on the scale."""
    rng = np.random.default_rng(5)
    table = rng.uniform(2, 9, 30)[:, None] + rng.normal(0, 0.5, 5) + rng.uniform(0.5, 1.6, 5) * rng.normal(size=(30, 5))
    table = np.clip(np.round(table), 1, 10)
    table[rng.random(table.shape) > 0.6] = np.nan
    made = fit("MLE_FULL", from_matrix(table, 1, 10, content=tuple(f"c{j // 3}" for j in range(30))))
    assert any("expectation-maximisation" in note for note in made.notes)
    assert np.nanmax(made.observers["inconsistency"]) < 9
    assert np.nanmin(made.score) > 0
    assert np.nanmax(made.score) < 11
