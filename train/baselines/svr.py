"""Support vector regression with a Gaussian kernel, by coordinate descent on the dual; small and exact enough for a baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SWEEPS, TOLERANCE = 400, 2e-3


@dataclass(frozen=True)
class Svr:
    """A fitted regression: support rows `(S, F)`, their coefficients `(S,)`, the kernel's width and the offset."""

    rows: Floats
    coefficients: Floats
    width: float
    offset: float

    def predict(self, x: Floats) -> Floats:
        """Outputs `(N,)` for rows `(N, F)`."""
        return np.asarray(_kernel(x, self.rows, self.width) @ self.coefficients + self.offset, float)


def _kernel(a: Floats, b: Floats, width: float) -> Floats:
    """exp(-width |a - b|^2) + 1: the 1 stands for a penalised bias, which frees the dual of its equality constraint."""
    distance = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * a @ b.T
    return np.asarray(np.exp(-width * np.maximum(distance, 0.0)) + 1.0, float)


def fit(x: Floats, y: Floats, *, cost: float = 10.0, width: float = 0.02, epsilon: float = 0.2) -> Svr:
    """Minimise 1/2 b'Kb - y'b + epsilon |b| with |b_i| <= cost, one coordinate at a time (`x` `(N, F)`, `y` `(N,)`).

    Each step is the exact minimum over its coordinate: a soft threshold, then a clip. Stops when no coordinate moves more
    than .002 points.
    """
    offset = float(y.mean())
    kernel = _kernel(x, x, width)
    wanted, beta = y - offset, np.zeros(len(y))
    fitted = np.zeros(len(y))
    rng = np.random.default_rng(0)
    for _ in range(SWEEPS):
        largest = 0.0
        for i in rng.permutation(len(y)):
            diagonal = kernel[i, i]
            free = beta[i] + (wanted[i] - fitted[i]) / diagonal
            shrunk = np.sign(free) * max(abs(free) - epsilon / diagonal, 0.0)
            moved = float(np.clip(shrunk, -cost, cost)) - beta[i]
            if moved:
                fitted += moved * kernel[:, i]
                beta[i] += moved
                largest = max(largest, abs(moved))
        if largest < TOLERANCE:
            break
    support = beta != 0
    return Svr(x[support], beta[support], width, offset)
