from __future__ import annotations

import numpy as np
import pytest

from mos.conditions import BOTH, OBSERVERS, condition_table, crossed_mean
from tests.mos.made import known_votes


def test_the_crossed_interval_by_hand() -> None:
    """se^2 is var_contents / C + var_observers / I - var_residual / (C I), t with min(C, I) - 1."""
    table = np.random.default_rng(1).normal(0, 1, (6, 4)) + np.arange(6)[:, None] + np.arange(4)
    found = crossed_mean(table)
    rest = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    residual = (rest**2).sum() / 15
    squared = table.mean(1).var(ddof=1) / 6 + table.mean(0).var(ddof=1) / 4 - residual / 24
    assert found.se == pytest.approx(squared**0.5)
    assert found.df == 3
    assert found.high - found.mean == pytest.approx(3.182446305 * found.se)  # type: ignore[operator]
    assert found.speaks_for == BOTH


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_crossed_interval_covers(missing: float) -> None:
    """Over 400 simulated studies the interval holds the true mean in .92 to .98."""
    hits = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        table = rng.normal(0, 0.5, (30, 1)) + rng.normal(0, 0.7, 20) + rng.normal(0, 1.3, (30, 20))
        table[rng.random(table.shape) < missing] = np.nan
        found = crossed_mean(table)
        hits += found.low <= 0 <= found.high  # type: ignore[operator]
    assert 0.92 <= hits / 400 <= 0.98


def test_the_table_names_its_population() -> None:
    """A variant speaks for observers and contents; a content for observers alone; counts are right."""
    table = condition_table(known_votes(np.random.default_rng(1), whole=True)).set_index(["grouping", "name"])
    assert table.loc[("variant", "v01"), "speaks_for"] == BOTH
    assert table.loc[("content", "c03"), "speaks_for"] == OBSERVERS
    assert table.loc[("variant", "reference"), "images"] == 12
    assert ("variant", "v00") not in table.index
    assert table.loc[("all", "all"), "votes"] == 12 * 7 * 10
    row = table.loc[("axis", "a1")]
    assert (row["images"], row["contents"], row["observers"]) == (24, 12, 10)


def test_undefined_intervals_have_reasons() -> None:
    """One vote has no interval; equal votes have one that says it is not to be trusted."""
    assert crossed_mean(np.array([[5.0]])).reason == "one vote: no interval"
    assert crossed_mean(np.full((1, 3), np.nan)).reason == "no votes"
    assert "not to be trusted" in crossed_mean(np.full((4, 3), 5.0)).reason


def test_rows_and_names_change_nothing() -> None:
    """Shuffled observers give the same conditions."""
    votes = known_votes(np.random.default_rng(2), missing=0.2)
    order = np.random.default_rng(3).permutation(len(votes))
    a, b = condition_table(votes), condition_table(votes.select(order))
    assert a["mean"].to_numpy() == pytest.approx(b["mean"].to_numpy())
    assert a["se"].to_numpy(float) == pytest.approx(b["se"].to_numpy(float))
