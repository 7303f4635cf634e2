"""How well a model's output follows opinion scores (ITU-T P.1401 01/2020, clauses 7.5 to 7.7), on plain arrays.

`plcc` is the raw correlation; `plcc_mapped` the one after a mapping: say which one is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mos.estimate import Estimate
from mos.mapping import fit
from workspace.errors import UsageFault

Floats = NDArray[np.float64]
Statistic = Callable[[Floats, Floats], float]


def plcc(x: Floats, y: Floats) -> float:
    """Pearson's linear correlation of `(N,)` arrays; nan when one is constant or N < 3 (the paper's eq. 2, as it is meant)."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    a, b = x - x.mean(), y - y.mean()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def srocc(x: Floats, y: Floats) -> float:
    """Spearman's rank correlation: Pearson on average ranks, values rounded to 1e-9 first so that equal means tie."""
    return plcc(stats.rankdata(np.round(x, 9)), stats.rankdata(np.round(y, 9)))


def krcc(x: Floats, y: Floats) -> float:
    """Kendall's tau-b; nan when one is constant."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(stats.kendalltau(np.round(x, 9), np.round(y, 9)).statistic)


def rmse(prediction: Floats, mos: Floats) -> float:
    """Root of the squared errors' sum over N - 1, in points of the scale; nan for N < 2."""
    error = np.asarray(prediction, float) - mos
    return float(np.sqrt(error @ error / (len(error) - 1))) if len(error) > 1 else float("nan")


def rmse_star(prediction: Floats, mos: Floats, ci95: Floats, parameters: int = 1) -> float:
    """rmse*: only the part of an error beyond the score's own half interval `ci95` counts; over N - `parameters`."""
    beyond = np.maximum(np.abs(np.asarray(prediction, float) - mos) - ci95, 0)
    free = len(beyond) - parameters
    return float(np.sqrt(beyond @ beyond / free)) if free > 0 else float("nan")


def outlier_ratio(prediction: Floats, mos: Floats, ci95: Floats) -> float:
    """Share of images whose error is larger than the score's half interval `ci95`."""
    return float(np.mean(np.abs(np.asarray(prediction, float) - mos) > ci95)) if len(mos) else float("nan")


def fisher_interval(r: float, n: int) -> tuple[float, float]:
    """95 % interval of a correlation of n independent pairs (P.1401 7.7): sigma_z = 1 / sqrt(n - 3). Images of one subject
    are not independent: use `group_interval` for them."""
    if n <= 3 or not abs(r) < 1:
        return float("nan"), float("nan")
    half = 1.959963984540054 / (n - 3) ** 0.5
    return float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def resample_groups(groups: Sequence[Any] | NDArray[Any], draws: int, seed: int) -> list[NDArray[np.int64]]:
    """`draws` index arrays, each of whole groups drawn with replacement (a subject, a reference, an observer)."""
    names, code = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    order = np.argsort(code, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(code[order])) + 1)
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(names), size=(draws, len(names)))
    return [np.concatenate([members[g] for g in pick]) for pick in picks]


def group_interval(
    statistic: Statistic, x: Floats, y: Floats, groups: Sequence[Any] | NDArray[Any], *, draws: int = 1000, seed: int = 0,
    correlation: bool = True,
) -> Estimate:  # fmt: skip
    """A statistic of `(N,)` arrays with a 95 % interval by resampling whole groups.

    Value +- t(G - 1) x SD of the draws, on Fisher's z for correlations: with few groups it covers better than percentiles.
    Fewer than 3 groups: no interval.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    value = statistic(x, y)
    count = len(np.unique(np.asarray(groups).astype(str)))
    if not np.isfinite(value):
        return Estimate.none("undefined: fewer than three images, or constant values")
    if count < 3:
        return Estimate.of(value, reason=f"{count} groups: no interval")
    spread = np.array([statistic(x[i], y[i]) for i in resample_groups(groups, draws, seed)])
    spread = spread[np.isfinite(spread)]
    if len(spread) < draws / 2:
        return Estimate.of(value, reason="undefined in most resamples: no interval")
    half_t = float(stats.t.ppf(0.975, count - 1))
    if not correlation:
        half = half_t * float(spread.std(ddof=1))
        return Estimate.of(value, value - half, value + half)
    edge = 1 - 1e-12
    centre, half = np.arctanh(np.clip(value, -edge, edge)), half_t * float(np.arctanh(np.clip(spread, -edge, edge)).std(ddof=1))
    return Estimate.of(value, float(np.tanh(centre - half)), float(np.tanh(centre + half)))


@dataclass(frozen=True)
class Evaluation:
    """P.1401's figures of one model on N images; `parameters` is d of the mapping."""

    images: int
    groups: int
    mapping: str
    parameters: int
    figures: dict[str, Estimate]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        head: dict[str, Any] = {"images": self.images, "groups": self.groups, "mapping": self.mapping}
        return head | {name: figure.as_dict() for name, figure in self.figures.items()}


def evaluate(
    prediction: Floats, mos: Floats, *, ci95: Floats | None = None, groups: Sequence[Any] | NDArray[Any] | None = None,
    mapping: str = "cubic", draws: int = 1000, seed: int = 0,
) -> Evaluation:  # fmt: skip
    """All figures of a model's output `(N,)` against scores `(N,)`: plcc (raw), plcc_mapped, srocc, krcc, rmse, rmse_star,
    outlier_ratio; intervals resample `groups` (each image by itself when None).

    `ci95` `(N,)` is the half width of each score's interval; without it rmse_star and outlier_ratio are None.
    Raises UsageFault when the lengths differ or a value is not finite.
    """
    x, y = np.asarray(prediction, float), np.asarray(mos, float)
    if x.shape != y.shape or x.ndim != 1:
        raise UsageFault(f"{len(x)} predictions for {len(y)} scores: one of each per image is expected")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise UsageFault("a prediction or a score is not a finite number: leave that image out")
    names = np.arange(len(x)) if groups is None else np.asarray(groups)
    curve = fit(x, y, mapping) if len(x) > 5 else fit(x, y, "none")
    mapped = curve.apply(x)
    how: dict[str, Any] = {"draws": draws, "seed": seed}
    figures = {
        "plcc": group_interval(plcc, x, y, names, **how),
        "plcc_mapped": group_interval(plcc, mapped, y, names, **how),
        "srocc": group_interval(srocc, x, y, names, **how),
        "krcc": group_interval(krcc, x, y, names, draws=min(draws, 200), seed=seed),
        "rmse": group_interval(rmse, mapped, y, names, **how, correlation=False),
        "rmse_star": Estimate.none("needs the scores' intervals"),
        "outlier_ratio": Estimate.none("needs the scores' intervals"),
    }
    if ci95 is not None:
        figures["rmse_star"] = Estimate.of(rmse_star(mapped, y, ci95, curve.parameters), reason="no interval in P.1401")
        figures["outlier_ratio"] = _share(outlier_ratio(mapped, y, ci95), len(y))
    return Evaluation(len(x), len(np.unique(names.astype(str))), curve.kind, curve.parameters, figures)


def _share(ratio: float, n: int) -> Estimate:
    half = 1.959963984540054 * (ratio * (1 - ratio) / n) ** 0.5 if n else float("nan")
    return Estimate.of(ratio, max(0.0, ratio - half), min(1.0, ratio + half))
