from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from mos import grid as grids
from mos import models_full, reml, stability
from mos.grid import Grid, dense
from mos.models_full import mle_full
from mos.reliability import reliability
from mos.votes import Votes
from tests.mos.made import known_votes


def gaps(seed: int = 0, stimuli: int = 60, observers: int = 12, filled: float = 0.5) -> np.ndarray:
    """Whole votes on 1 to 10, stimuli x observers; the last stimulus has none."""
    rng = np.random.default_rng(seed)
    table = rng.uniform(3, 8, (stimuli, 1)) + rng.normal(0, 0.6, observers) + rng.normal(0, 1, (stimuli, observers))
    table = np.clip(np.round(table), 1, 10)
    table[rng.random(table.shape) > filled] = np.nan
    table[-1] = np.nan
    return table


def test_a_grid_is_its_matrix() -> None:
    """The matrix comes back; counts, parts and held votes are the matrix's."""
    table = gaps()
    known, grid = ~np.isnan(table), Grid.of(table)
    assert not grid.complete
    assert Grid.of(np.ones((3, 2))).complete
    np.testing.assert_array_equal(grid.matrix(), table)
    np.testing.assert_array_equal(grid.per_row, known.sum(1))
    np.testing.assert_array_equal(grid.per_column, known.sum(0))
    kept = np.arange(len(table)) % 3 == 0
    np.testing.assert_array_equal(grid.rows(kept).columns(known[0]).matrix(), table[kept][:, known[0]])
    np.testing.assert_array_equal(dense(grid.held(grid.value)), np.nan_to_num(table))


def test_a_studys_grid_holds_first_presentations() -> None:
    """Votes' grid and votes' matrix are the same table."""
    votes = known_votes(np.random.default_rng(2), whole=True)
    expected = np.full((len(votes.stimuli), len(votes.observers)), np.nan)
    first = votes.first()
    expected[first.stimulus, first.observer] = first.score
    np.testing.assert_array_equal(votes.grid().matrix(), expected)


def test_a_cell_holds_one_vote() -> None:
    """Of an observer's votes on two questions about one image the grid holds the last, so that no cell counts twice."""
    rows = [("a", "x", 3, "q"), ("a", "x", 8, "w"), ("b", "x", 5, "q"), ("a", "y", 6, "q"), ("b", "y", 7, "q")]
    votes = Votes.from_frame(pd.DataFrame(rows, columns=["stimulus", "observer", "score", "question"]), 1, 10)
    assert len(votes.grid()) == 4
    assert votes.grid().complete
    np.testing.assert_array_equal(votes.matrix(), [[8, 6], [5, 7]])


@pytest.mark.parametrize("as_fast", [0, 10**9])
def test_both_ways_to_count_common_stimuli_agree(monkeypatch: pytest.MonkeyPatch, as_fast: int) -> None:
    """Products of observers' columns, with weights of the stimuli, by sparse and by dense arithmetic, in parts of few rows."""
    monkeypatch.setattr(grids, "AS_FAST", as_fast)
    monkeypatch.setattr(grids, "ROWS_AT_ONCE", 7)
    table = gaps(1)
    known = (~np.isnan(table)).astype(float)
    weight = np.random.default_rng(3).uniform(size=len(table))
    np.testing.assert_array_equal(dense(Grid.of(table).common()), known.T @ known)
    np.testing.assert_allclose(dense(Grid.of(table).common(weight)), known.T @ (known * weight[:, None]), atol=1e-12)


def test_the_fit_of_many_observers_is_that_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """REML gives the same variances where sums are too large to keep and are added up at each step."""
    table = gaps(4)
    kept = reml.two_way(table)
    monkeypatch.setattr(reml, "KEPT", 0)
    again = reml.two_way(table)
    assert [again.stimulus, again.observer, again.residual] == pytest.approx(
        [kept.stimulus, kept.observer, kept.residual], rel=1e-6
    )


def test_halves_and_ranks_do_not_depend_on_how_votes_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sparse votes and few draws at once give the numbers of the dense way."""
    table = gaps(5, observers=40, filled=0.1)
    before = stability.split_half(table, draws=60), stability.rank_stability(table), stability.connectedness(table)
    monkeypatch.setattr(grids, "DENSE_CELLS", 0)
    monkeypatch.setattr(stability, "NUMBERS_AT_ONCE", 600)
    after = stability.split_half(table, draws=60), stability.rank_stability(table), stability.connectedness(table)
    assert after[0].as_dict() == pytest.approx(before[0].as_dict())
    for new, old in zip(after[1], before[1], strict=True):
        assert new.as_dict() == pytest.approx(old.as_dict(), nan_ok=True)
    assert (after[2].as_dict(), after[2].groups.tolist()) == (before[2].as_dict(), before[2].groups.tolist())


def test_common_stimuli_by_hand() -> None:
    """Observers share 2, 1 and 0 stimuli: least 0, median 1."""
    table = np.array([[5, 5, np.nan], [6, 6, np.nan], [7, np.nan, 7.0]])
    found = stability.connectedness(table)
    assert (found.common_least, found.common_median, found.parts) == (0, 1.0, 1)


@pytest.mark.slow
def test_many_images_and_observers_need_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 images by 2,000 observers, 6 votes an image: less than half of one dense table (320 MB)."""
    monkeypatch.setattr(models_full, "LONGEST", 200)
    rng = np.random.default_rng(0)
    images, people, each = 20_000, 2_000, 6
    stimulus = np.repeat(np.arange(images), each)
    observer = ((stimulus // 20 * 37) % people + np.tile(np.arange(each) ** 2 * 11, images)) % people
    truth, bias = rng.uniform(2.5, 8.5, images), rng.normal(0, 0.5, people)
    score = np.clip(np.round(truth[stimulus] + bias[observer] + rng.normal(0, 1, len(stimulus))), 1, 10)
    names = tuple(f"s{j:05d}" for j in range(images))
    info = pd.DataFrame({"content": [f"c{j // 20}" for j in range(images)], "is_ref": np.arange(images) % 20 == 0}, index=names)
    info["variant"] = [f"v{j % 20}" for j in range(images)]
    votes = Votes(stimulus, observer, score, names, tuple(f"o{i:04d}" for i in range(people)), 1.0, 10.0, info=info)
    tracemalloc.start()
    found = reliability(votes, draws=20)
    made = mle_full(votes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 160e6
    assert found["icc"]["ICC(C,1)"]["value"] == pytest.approx(0.72, abs=0.06)
    assert np.corrcoef(made.score, truth)[0, 1] > 0.95
