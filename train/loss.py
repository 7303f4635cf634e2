"""The paper's loss: squared errors weighted so that rare quality levels count as much as common ones (eq. 1 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workspace.errors import DatasetFault

if TYPE_CHECKING:
    import torch

LEVELS = 10


def levels(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The quality level 1..10 of scores on [1, 10]: halves round up, floor(x + .5), so 4.5 -> 5 and 5.5 -> 6."""
    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        raise DatasetFault("a score is not a number: every training image needs one")
    return np.clip(np.floor(values + 0.5), 1, LEVELS).astype(np.int64)


def level_table(scores: NDArray[np.float64], cap: float | None = None) -> NDArray[np.float64]:
    """Eq. 4: the weight of each level 1..10, |D| / (10 |{i: l_i = l}|); nan for a level without images.

    `cap` bounds a weight from above (None: the paper's, without a bound; on whole public sets weights reach 371).
    """
    counts = np.bincount(levels(scores), minlength=LEVELS + 1)[1:]
    with np.errstate(divide="ignore"):
        table = np.where(counts > 0, len(scores) / (LEVELS * np.maximum(counts, 1)), np.nan)
    return table if cap is None else np.minimum(table, cap)


def image_weights(
    scores: NDArray[np.float64], sets: NDArray[np.int64], *, mode: str = "union", cap: float | None = None
) -> NDArray[np.float64]:
    """The weight of each training image, `(N,)`.

    `union` counts levels over all sets together (the paper's |D| is the training set, whatever it was joined from);
    `per_set` counts them within each set (`sets` holds a set's number per image).
    """
    if mode == "union":
        return level_table(scores, cap)[levels(scores) - 1]
    weights = np.empty(len(scores))
    for number in np.unique(sets):
        part = sets == number
        weights[part] = level_table(scores[part], cap)[levels(scores[part]) - 1]
    return weights


def weighted_losses(
    model: torch.nn.Module, raw: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, shares: torch.Tensor | None = None
) -> torch.Tensor:
    """The weighted loss of each image, `(B,)`: squared error of the score, or with vote `shares` (B, 10) the squared
    earth mover's distance of a distribution head (Talebi and Milanfar 2018, eq. 1 with r = 2, per level)."""
    if shares is not None:
        distance = raw.float().softmax(1).cumsum(1) - shares.cumsum(1)
        return weights * distance.square().mean(1)
    scores: torch.Tensor = model.score(raw)  # type: ignore[operator]
    return weights * (scores - targets).square()


def histogram(scores: NDArray[np.float64], sds: NDArray[np.float64] | None) -> NDArray[np.float32]:
    """Vote shares of the ten levels, `(N, 10)`: a normal of this mean and SD over the levels (SD 1.5 where unknown)."""
    from scipy.stats import norm

    spread = np.full(len(scores), 1.5) if sds is None else np.where(np.isfinite(sds) & (sds > 0.3), sds, 1.5)
    edges = np.arange(1, LEVELS) + 0.5
    cumulative = norm.cdf((edges[None, :] - np.asarray(scores)[:, None]) / spread[:, None])
    full = np.concatenate([np.zeros((len(scores), 1)), cumulative, np.ones((len(scores), 1))], axis=1)
    shares: NDArray[np.float32] = np.diff(full, axis=1).astype(np.float32)
    return shares
