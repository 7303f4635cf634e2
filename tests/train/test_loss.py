"""Eq. 4's weights, rounding half up, the schedule: against hand-worked cases, real labels and torch's own one-cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.datasets import load
from train.loss import histogram, image_weights, level_table, levels
from train.schedule import one_cycle
from workspace.errors import DatasetFault


def test_halves_round_up() -> None:
    """4.5 and 5.5 go to 5 and 6 (np.round would send both apart), and the ends stay within 1 to 10."""
    assert levels(np.array([1.0, 1.49, 1.5, 4.5, 5.5, 9.5, 10.0])).tolist() == [1, 1, 2, 5, 6, 10, 10]


def test_weights_are_equation_4() -> None:
    """Eight images at level 2, two at level 9: weights 10 / (10 x 8) and 10 / (10 x 2); the other levels have none."""
    table = level_table(np.array([2.0] * 8 + [9.0] * 2))
    assert table[1] == pytest.approx(0.125)
    assert table[8] == pytest.approx(0.5)
    assert np.isnan(np.delete(table, [1, 8])).all()


def test_the_cap_is_off_unless_named() -> None:
    """One image among 1,000 weighs 100; a cap of 10 bounds it and leaves the common level alone."""
    scores = np.array([5.0] * 999 + [10.0])
    assert level_table(scores)[9] == pytest.approx(100)
    assert level_table(scores, cap=10)[9] == 10
    assert level_table(scores, cap=10)[4] == level_table(scores)[4]


def test_union_and_per_set_differ() -> None:
    """Over two sets together a level counts once; within each set it counts by that set's own size."""
    scores, sets = np.array([3.0, 3.0, 7.0, 3.0]), np.array([0, 0, 1, 1])
    assert image_weights(scores, sets).tolist() == pytest.approx([4 / 30, 4 / 30, 4 / 10, 4 / 30])
    assert image_weights(scores, sets, mode="per_set").tolist() == pytest.approx([0.1, 0.1, 0.2, 0.2])


@pytest.mark.parametrize(
    ("name", "least", "most"), [("spaq", 370, 372), ("biq2021", 239, 241), ("kadid10k", 19, 20), ("gfiqa20k", 20, 25)]
)
def test_largest_weights_of_real_sets(shared: Path, name: str, least: float, most: float) -> None:
    """The largest weight on real labels: 371 (SPAQ, three images at level 10), 240 (BIQ2021), 19.5 (KADID-10k), 20 to 25 (GFIQA-20k)."""
    table = load(name, shared / "labels" / name, images="none").table
    assert least <= np.nanmax(level_table(table["score10"].to_numpy())) <= most


def test_a_missing_score_is_refused() -> None:
    """A score that is no number is an error, not a level."""
    with pytest.raises(DatasetFault, match="a score is not a number"):
        levels(np.array([1.0, np.nan]))


def test_vote_shares_have_the_mean_and_sum_to_one() -> None:
    """The shares of ten levels sum to 1, and away from the ends their mean is the score."""
    shares = histogram(np.array([5.5, 4.2]), np.array([1.0, np.nan]))
    assert shares.sum(1) == pytest.approx([1, 1], abs=1e-6)
    assert shares @ np.arange(1, 11) == pytest.approx([5.5, 4.2], abs=0.05)


@pytest.mark.parametrize(("total", "anneal"), [(40, "cos"), (40, "linear"), (7, "cos"), (2580, "cos")])
def test_one_cycle_is_torchs(total: int, anneal: str) -> None:
    """Rate and first beta of every step equal torch's OneCycleLR with its defaults."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-4, total_steps=total, anneal_strategy=anneal)
    for step in range(total):
        point = one_cycle(step, total, 2e-4, anneal=anneal)
        group = optimizer.param_groups[0]
        assert point.lr == pytest.approx(group["lr"], rel=1e-9, abs=1e-15)
        assert point.beta1 == pytest.approx(group["betas"][0], rel=1e-9)
        optimizer.step()
        if step < total - 1:
            schedule.step()


def test_weighted_loss_by_hand() -> None:
    """Squared errors times weights; the earth mover's form is 0 for the right distribution and grows with distance."""
    torch = pytest.importorskip("torch")
    from train.loss import weighted_losses

    class Plain(torch.nn.Module):
        def score(self, raw: object) -> object:
            return raw.squeeze(1)  # type: ignore[attr-defined]

    raw, target, weight = torch.tensor([[3.0], [8.0]]), torch.tensor([5.0, 7.0]), torch.tensor([0.5, 2.0])
    assert weighted_losses(Plain(), raw, target, weight).tolist() == [2.0, 2.0]
    shares = torch.zeros(3, 10)
    shares[:, 4] = 1.0
    logits = torch.full((3, 10), -60.0)
    logits[0, 4] = logits[1, 5] = logits[2, 8] = 60.0
    near = weighted_losses(Plain(), logits, torch.zeros(3), torch.ones(3), shares).tolist()
    assert near == pytest.approx([0.0, 0.1, 0.4])
