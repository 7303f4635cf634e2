"""The range test's suggestion: near the fall of the loss, whatever the first noisy steps do; and what is not a range test."""

from __future__ import annotations

import numpy as np
import pytest

from train.lr_find import Tried, suggest
from workspace.errors import DatasetFault


def curve(steps: int = 100, noise: float = 0.0) -> list[Tried]:
    """Rates 1e-7 to 1: the loss is 4, falls to 1 around 1e-3, is lowest at 1e-2 and blows up beyond; the first steps are noisy."""
    rng, out = np.random.default_rng(0), []
    for step, lr in enumerate(np.geomspace(1e-7, 1.0, steps)):
        loss = 4.0 - 3.0 / (1 + (1e-3 / lr) ** 2) + (lr / 2e-2) ** 2 + (noise * rng.normal() if step < steps // 10 else 0.0)
        out.append(Tried(step, float(lr), loss, loss))
    return out


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_the_suggestion_lies_in_the_fall_of_the_loss(noise: float) -> None:
    """The steepest fall is at 1e-3 within a third of a decade, the suggestion within half a decade, also after noisy first steps."""
    found = suggest(curve(noise=noise))
    assert abs(np.log10(found["steepest"]) + 3) < 0.34
    assert abs(np.log10(found["suggested"]) + 3) < 0.5
    assert found["lowest"] < 1e-2


def test_what_is_no_range_test_says_so() -> None:
    """Fewer than ten steps, and a loss that only rises, are refused with what to do."""
    with pytest.raises(DatasetFault, match="9 steps are too few for a range test"):
        suggest(curve()[:9])
    rising = [Tried(step, 10.0 ** (step / 10 - 7), 1.0 + step, 1.0 + step) for step in range(50)]
    with pytest.raises(DatasetFault, match="the loss never fell: start from a lower rate"):
        suggest(rising)
