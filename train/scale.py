"""Scores of any set on the common axis [1, 10]: by nominal range (the paper), by min-max, or by a given map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from workspace.errors import DatasetFault, UsageFault

Floats = npt.NDArray[np.float64]
TOP, BOTTOM = 10.0, 1.0


def to_ten(scores: Floats, low: float, high: float, scale: str = "nominal", *, better: str = "higher") -> Floats:
    """Scores on [1, 10], higher is better.

    `scale`: "nominal" maps [low, high] linearly (the paper, section 3.3); "minmax" maps the scores' own extremes;
    "affine:A,B" gives A x + B of the nominal value x; "map:FILE" interpolates a CSV `score,score10` whose both columns rise.
    Raises UsageFault for an unknown scale, DatasetFault when a mapped score leaves [1, 10].
    """
    kind, _, rest = scale.partition(":")
    nominal = linear(scores, low, high)
    if kind == "nominal":
        mapped = nominal
    elif kind == "minmax":
        mapped = min_max(scores)
    elif kind == "affine":
        slope, offset = _affine(rest)
        mapped = slope * nominal + offset
    elif kind == "map":
        mapped = interpolate(scores, Path(rest))
    else:
        raise UsageFault(f"scale {scale!r}: expected nominal, minmax, affine:A,B or map:FILE")
    if better == "lower":
        mapped = TOP + BOTTOM - mapped
    return _inside(mapped, scale)


def linear(scores: Floats, low: float, high: float) -> Floats:
    """[low, high] onto [1, 10], linearly."""
    if not low < high:
        raise UsageFault(f"a scale from {low:g} to {high:g}: the lower end must be below the upper end")
    return BOTTOM + (TOP - BOTTOM) * (np.asarray(scores, np.float64) - low) / (high - low)


def min_max(scores: Floats) -> Floats:
    """The scores' own minimum onto 1 and maximum onto 10. Raises DatasetFault when all are equal."""
    low, high = float(np.min(scores)), float(np.max(scores))
    if low == high:
        raise DatasetFault(f"all scores are {low:g}: min-max scaling needs two different ones")
    return linear(scores, low, high)


def interpolate(scores: Floats, path: Path) -> Floats:
    """Scores through the piecewise linear map of a CSV `score,score10` (own scale -> [1, 10]); both columns must rise."""
    try:
        knots = np.genfromtxt(path, delimiter=",", names=True, dtype=np.float64)
    except (OSError, ValueError) as fault:
        raise DatasetFault(f"the map {path} can't be read: {str(fault).splitlines()[0]}") from None
    if knots.dtype.names is None or not {"score", "score10"} <= set(knots.dtype.names) or knots.size < 2:
        raise DatasetFault(f"the map {path} needs the columns score,score10 and two rows or more")
    own, ten = (np.asarray(knots[name], np.float64) for name in ("score", "score10"))  # type: ignore[call-overload]
    if not (np.all(np.diff(own) > 0) and np.all(np.diff(ten) > 0)):
        raise DatasetFault(f"the map {path} must rise from row to row in both columns")
    if np.min(scores) < own[0] or np.max(scores) > own[-1]:
        raise DatasetFault(
            f"the map {path} covers {own[0]:g} to {own[-1]:g}, the scores reach from {np.min(scores):g} to {np.max(scores):g}"
        )
    return np.asarray(np.interp(scores, own, ten), np.float64)


def _affine(text: str) -> tuple[float, float]:
    try:
        slope, offset = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageFault(f"scale affine:{text}: expected two numbers, for example affine:0.694,0.71") from None
    if slope <= 0:
        raise UsageFault(f"scale affine:{text}: the slope must be above 0 (a set where lower is better says so itself)")
    return slope, offset


def _inside(mapped: Floats, scale: str) -> Floats:
    """The values, with rounding noise of 1e-9 taken off."""
    if np.any(mapped < BOTTOM - 1e-9) or np.any(mapped > TOP + 1e-9):
        raise DatasetFault(f"scale {scale!r} gives scores from {np.min(mapped):.3f} to {np.max(mapped):.3f}, outside [1, 10]")
    return np.clip(mapped, BOTTOM, TOP)
