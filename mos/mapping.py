"""Mappings of a model's output onto the opinion scale before errors are counted (ITU-T P.1401, clause 7.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from workspace.errors import UsageFault

Floats = NDArray[np.float64]

KINDS = ("none", "linear", "cubic", "logistic4", "logistic5")
PARAMETERS = {"none": 1, "linear": 2, "cubic": 4, "logistic4": 4, "logistic5": 5}


@dataclass(frozen=True)
class Mapping:
    """A fitted mapping; `parameters` d is the number that P.1401 subtracts from N (1 without a mapping)."""

    kind: str
    coefficients: tuple[float, ...]
    apply: Callable[[Floats], Floats]

    @property
    def parameters(self) -> int:
        """d of P.1401's rmse: 4 for the cubic, 2 for the line, 1 for none."""
        return PARAMETERS[self.kind]


def fit(x: Floats, y: Floats, kind: str) -> Mapping:
    """Fit output `x` `(N,)` to scores `y` `(N,)` by least squares; `kind` is one of KINDS.

    cubic: monotonic on the range of `x`, as P.1401 asks (rising or falling with the rank correlation's sign).
    logistic4: b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|)); logistic5: b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5,
    whose straight part may turn at the ends.
    Raises UsageFault for an unknown kind.
    """
    if kind == "none":
        return Mapping("none", (), lambda v: np.asarray(v, float))
    if kind == "linear":
        slope, offset = (float(v) for v in np.polyfit(x, y, 1)) if np.ptp(x) > 0 else (0.0, float(np.mean(y)))
        return Mapping("linear", (offset, slope), lambda v: offset + slope * np.asarray(v, float))
    if kind == "cubic":
        return _cubic(x, y)
    if kind in ("logistic4", "logistic5"):
        return _logistic(x, y, kind)
    raise UsageFault(f"no mapping {kind!r}; there are: {', '.join(KINDS)}")


def _cubic(x: Floats, y: Floats) -> Mapping:
    low, width = float(np.min(x)), float(np.ptp(x)) or 1.0
    t = (x - low) / width
    sign = 1.0 if float(np.corrcoef(t, y)[0, 1] if np.ptp(t) > 0 and np.ptp(y) > 0 else 0.0) >= 0 else -1.0
    coefficients = _rising_cubic(t, sign * y) * sign
    return Mapping("cubic", tuple(coefficients.tolist()), lambda v: _polynomial(coefficients, v, low, width))


def _rising_cubic(t: Floats, y: Floats) -> Floats:
    """Coefficients c0..c3 of the best cubic that never falls on [0, 1].

    If the free fit falls somewhere, the best one's derivative lies on the border of the cone of quadratics that are not
    negative on [0, 1]: a root at 0, a root at 1 or a double root inside; each case is a non-negative least squares.
    """
    free = np.polyfit(t, y, 3)[::-1]
    grid = np.linspace(0, 1, 513)
    if np.min(free[1] + 2 * free[2] * grid + 3 * free[3] * grid**2) >= 0:
        return np.asarray(free, float)
    middle, end, start = (0, 0, 1 / 2, -1 / 3), (0, 0, 0, 1 / 3), (0, 1, -1, 1 / 3)
    tried = [_cone(t, y, [middle, end]), _cone(t, y, [start, middle])]
    roots = [(_cone(t, y, [_double_root(r)]), r) for r in np.linspace(0, 1, 41)]
    best = min(roots, key=lambda found: found[0][0])[1]
    near = (max(0.0, best - 0.025), min(1.0, best + 0.025))
    inner = optimize.minimize_scalar(_root_error, args=(t, y), bounds=near, method="bounded")
    tried.append(_cone(t, y, [_double_root(float(inner.x))]))
    return min(tried, key=lambda found: found[0])[1]


def _double_root(r: float) -> tuple[float, float, float, float]:
    return (0.0, r * r, -r, 1 / 3)


def _root_error(r: float, t: Floats, y: Floats) -> float:
    return _cone(t, y, [_double_root(float(r))])[0]


def _cone(t: Floats, y: Floats, rays: list[tuple[float, ...]]) -> tuple[float, Floats]:
    """Squared error and coefficients of the best constant + non-negative mixture of the rays' polynomials."""
    basis = np.column_stack([np.polyval(ray[::-1], t) for ray in rays])
    centred = basis - basis.mean(0)
    weights, error = optimize.nnls(centred, y - y.mean())
    coefficients = np.asarray(weights @ np.array(rays), float)
    coefficients[0] += float(y.mean() - basis.mean(0) @ weights)
    return float(error) ** 2, coefficients


def _logistic(x: Floats, y: Floats, kind: str) -> Mapping:
    centre, spread = float(np.mean(x)), float(np.std(x)) or 1.0
    z = (x - centre) / spread
    sign = 1.0 if np.ptp(z) == 0 or np.corrcoef(z, y)[0, 1] >= 0 else -1.0
    curve = _curve4 if kind == "logistic4" else _curve5
    top, bottom = float(np.max(y)), float(np.min(y))
    starts4 = [(top, bottom, 0.0, 1.0), (bottom, top, 0.0, 1.0), (top, bottom, 0.0, 0.3), (bottom, top, 0.0, 0.3)]
    starts5 = [(top - bottom, sign * s, 0.0, b, float(np.mean(y))) for s in (1.0, 3.0) for b in (0.0, sign * float(np.std(y)))]
    starts: list[tuple[float, ...]] = list(starts4) if kind == "logistic4" else list(starts5)
    fits = [_least_squares(curve, z, y, start) for start in starts]
    best = min(fits, key=lambda found: found[0])[1]
    return Mapping(kind, tuple(best.tolist()), lambda v: curve((np.asarray(v, float) - centre) / spread, best))


def _polynomial(coefficients: Floats, x: Floats, low: float, width: float) -> Floats:
    return np.asarray(np.polyval(coefficients[::-1], (np.asarray(x, float) - low) / width), float)


def _residuals(b: Floats, curve: Callable[[Floats, Floats], Floats], x: Floats, y: Floats) -> Floats:
    return curve(x, b) - y


def _least_squares(
    curve: Callable[[Floats, Floats], Floats], x: Floats, y: Floats, start: tuple[float, ...]
) -> tuple[float, Floats]:
    found = optimize.least_squares(_residuals, start, args=(curve, x, y), max_nfev=2000)
    return float(found.cost), np.asarray(found.x, float)


def _curve4(x: Floats, b: Floats) -> Floats:
    return np.asarray(b[1] + (b[0] - b[1]) / (1 + np.exp(-np.clip((x - b[2]) / max(abs(b[3]), 1e-6), -500, 500))), float)


def _curve5(x: Floats, b: Floats) -> Floats:
    return np.asarray(b[0] * (0.5 - 1 / (1 + np.exp(np.clip(b[1] * (x - b[2]), -500, 500)))) + b[3] * x + b[4], float)
