"""Where a score comes from: a heat map by occlusion, drawn on the network's input."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from train.networks import Network
from train.pixels import Pixels

CELLS = 8
BATCH = 16


@dataclass(frozen=True)
class HeatMap:
    """`change` `(8, 8)`: score as it is minus the score with that cell blurred away; positive where detail there raises it."""

    score: float
    change: NDArray[np.float64]


def occlusion(network: Network, pixels: Pixels) -> HeatMap:
    """The effect of each of 8 x 8 cells of an input `(S, S, 3)` uint8: the cell is replaced by its heavily blurred self.

    65 passes through the network. Source: Zeiler and Fergus, ECCV 2014, section 4.2, with blur in place of grey, which would be an
    exposure fault of its own.
    """
    side = pixels.shape[0]
    blurred = np.asarray(cv2.GaussianBlur(pixels, (0, 0), side / 24), dtype=np.uint8)
    edges = np.linspace(0, side, CELLS + 1).round().astype(int)
    tried = [pixels]
    for top, bottom in pairwise(edges):
        for left, right in pairwise(edges):
            hidden = pixels.copy()
            hidden[top:bottom, left:right] = blurred[top:bottom, left:right]
            tried.append(hidden)
    scores = np.concatenate([network(np.stack(tried[i : i + BATCH]))[0] for i in range(0, len(tried), BATCH)])
    return HeatMap(float(scores[0]), scores[0] - scores[1:].reshape(CELLS, CELLS))


def drawn(heat: HeatMap, pixels: Pixels, side: int = 448) -> Pixels:
    """The input with the map over it, `(side, side, 3)`: red where detail raises the score, blue where it lowers it."""
    base = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    top = max(float(np.abs(heat.change).max()), 0.05)
    weight = cv2.resize(heat.change / top, (side, side), interpolation=cv2.INTER_CUBIC)[..., None].clip(-1, 1)
    colour = np.where(weight > 0, np.array([214.0, 40.0, 40.0]), np.array([30.0, 90.0, 214.0]))
    strength = 0.6 * np.abs(weight)
    return np.asarray(base * (1 - strength) + colour * strength, dtype=np.float64).round().clip(0, 255).astype(np.uint8)
