"""Two panels on the same images: where they differ, by how much, and whether they may be called equivalent.

A difference is always first - second. "Equivalent" is said only for a margin that was stated before and that this many
observers could reach with 80 % power; otherwise the answer is "could not decide".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mos.conditions import group_names, groupings
from mos.estimate import Estimate, finite
from mos.evaluation import plcc, srocc
from mos.exchange import Exchange, exchange_rate
from mos.power import equivalence_power, reachable_margin, welch_df
from mos.significance import holm
from mos.votes import Votes
from workspace.errors import StudyFault, UsageFault

Floats = NDArray[np.float64]

EQUIVALENT, DIFFERENT, UNDECIDED = "equivalent", "different", "could not decide"
CONFOUNDED = "confounded by task"


@dataclass(frozen=True)
class Shift:
    """A difference of two panels' means: for these images (observers as samples) and for images like these as well."""

    value: float
    se: float
    df: float
    low: float
    high: float
    wide_low: float
    wide_high: float
    p: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "difference": self.value, "se": finite(self.se), "df": finite(self.df), "p": finite(self.p),
            "these_images": {"ci95_low": finite(self.low), "ci95_high": finite(self.high)},
            "images_like_these": {"ci95_low": finite(self.wide_low), "ci95_high": finite(self.wide_high)},
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Everything about two panels: tables `images` and `groups`, the overall shift, slope, agreement, verdict with reason."""

    observers: tuple[int, int]
    common: int
    only: tuple[int, int]
    bias: Shift
    slope: Estimate
    plcc: float
    srocc: float
    margin: float | None
    smallest_margin: float
    power: float | None
    verdict: str
    reason: str
    confounded: tuple[str, ...]
    exchange: Exchange
    images: pd.DataFrame
    groups: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without the tables."""
        return {
            "observers": list(self.observers), "common_images": self.common, "images_of_one_panel_only": list(self.only),
            "bias": self.bias.as_dict(), "slope": self.slope.as_dict(), "plcc": finite(self.plcc), "srocc": finite(self.srocc),
            "margin": self.margin, "smallest_margin": finite(self.smallest_margin), "power": self.power, "verdict": self.verdict,
            "reason": self.reason, "confounded": list(self.confounded), "votes_per_expert": self.exchange.as_dict(),
        }  # fmt: skip


def compare(
    first: Votes,
    second: Votes,
    *,
    margin: float | None = None,
    tasks: tuple[str, str] = ("", ""),
    draws: int = 200,
    seed: int = 0,
) -> Comparison:
    """Compare two panels' votes on one question each; only images that both rated count.

    `margin` in points, stated before the votes; `tasks` name what each was asked. Raises UsageFault for different scales or
    a bad margin, StudyFault with fewer than two common images or two observers in a panel.
    """
    if (first.low, first.high) != (second.low, second.high):
        scales = f"{first.low:g} to {first.high:g} and {second.low:g} to {second.high:g}"
        raise UsageFault(f"the panels voted on different scales ({scales}): their differences mean nothing, compare ranks")
    if margin is not None and margin <= 0:
        raise UsageFault(f"margin {margin:g}: a positive number of points is expected")
    a, b, info, only = aligned(first, second)
    people = (a.shape[1], b.shape[1])
    if len(a) < 2 or min(people) < 2:
        raise StudyFault(
            f"{len(a)} common images, {people[0]} and {people[1]} observers: two of each are needed to compare panels"
        )
    content = _contents(info)
    bias = shift(a, b, content)
    smallest = reachable_margin(bias.se, bias.df)
    power = None if margin is None else equivalence_power(margin, bias.se, bias.df)
    confounded = confounding(first, second, tasks)
    verdict, reason = decide(bias, margin, smallest, confounded)
    means = np.nanmean(a, 1), np.nanmean(b, 1)
    return Comparison(
        people, len(a), only, bias, deming(a, b, content), plcc(*means), srocc(*means), margin, smallest, power, verdict, reason,
        confounded, exchange_rate(a, b, draws=draws, seed=seed), image_table(a, b, info), group_table(a, b, info, content, bias),
    )  # fmt: skip


def aligned(first: Votes, second: Votes) -> tuple[Floats, Floats, pd.DataFrame, tuple[int, int]]:
    """Matrices of the common images `(J, I1)`, `(J, I2)`, the images' table, and how many images only one panel rated."""
    tables = []
    for votes in (first, second):
        matrix = votes.matrix()
        people = ~np.isnan(matrix).all(0)
        kept = pd.DataFrame(matrix[:, people], index=list(votes.stimuli))
        tables.append(kept.loc[~kept.isna().all(axis=1)])
    common = [s for s in tables[0].index if s in set(tables[1].index)]
    only = len(tables[0]) - len(common), len(tables[1]) - len(common)
    return tables[0].loc[common].to_numpy(float), tables[1].loc[common].to_numpy(float), first.info.loc[common], only


def _contents(info: pd.DataFrame) -> NDArray[np.int64]:
    names = [c or f"\0{s}" for c, s in zip(info["content"], info.index, strict=True)]
    return pd.factorize(np.array(names, dtype=object))[0].astype(np.int64)


def panel_variance(matrix: Floats) -> tuple[float, float, float]:
    """Variance of a panel's mean over fixed images `(J, I)` with observers as samples, its degrees of freedom, and the part
    of it that is votes' own noise."""
    known = ~np.isnan(matrix)
    weights = known / known.sum(1, keepdims=True) / len(matrix)
    people = int(known.any(0).sum())
    rest, by_observer = _two_way(matrix)
    noise = rest * float(np.sum(weights**2))
    return max(by_observer, 0.0) * float(np.sum(weights.sum(0) ** 2)) + noise, people - 1, noise


def _two_way(matrix: Floats) -> tuple[float, float]:
    """Residual and observer variance of stimuli x observers with missing votes."""
    from mos.components import henderson

    row, column = np.nonzero(~np.isnan(matrix))
    if len(np.unique(row)) < 2:
        return float(np.nanvar(matrix, ddof=1)) if np.isfinite(matrix).sum() > 1 else 0.0, 0.0
    if len(row) <= sum(matrix.shape):
        return float(np.nanmean(np.nanvar(matrix, axis=1))), 0.0
    found = henderson(matrix[row, column], [row.astype(np.int64), column.astype(np.int64)])
    return max(float(found[2]), 0.0), float(found[1])


def shift(a: Floats, b: Floats, content: NDArray[np.int64]) -> Shift:
    """Difference of the panels' means over common images, each image with equal weight."""
    gaps = np.nanmean(a, 1) - np.nanmean(b, 1)
    (va, fa, na), (vb, fb, nb) = panel_variance(a), panel_variance(b)
    value, se = float(gaps.mean()), (va + vb) ** 0.5
    df = welch_df([va, vb], [fa, fb])
    half = float(stats.t.ppf(0.975, df)) * se if df > 0 else np.nan
    by_content = np.bincount(content, gaps) / np.bincount(content)
    contents = len(by_content)
    wide = np.nan
    if contents > 1:
        extra = max(float(by_content.var(ddof=1)) / contents - na - nb, 0.0)
        wide = float(stats.t.ppf(0.975, welch_df([va, vb, extra], [fa, fb, contents - 1]))) * (va + vb + extra) ** 0.5
        wide = max(wide, half)
    p = float(2 * stats.t.sf(abs(value) / se, df)) if se > 0 else np.nan
    return Shift(value, se, df, value - half, value + half, value - wide, value + wide, p)


def decide(bias: Shift, margin: float | None, smallest: float, confounded: tuple[str, ...] = ()) -> tuple[str, str]:
    """Verdict and reason of two one-sided tests at 5 % (the 90 % interval against the margin)."""
    if margin is None:
        return UNDECIDED, f"no margin was stated; {smallest:.2f} points could be reached with 80 % power"
    half = float(stats.t.ppf(0.95, bias.df)) * bias.se
    inside = -margin < bias.value - half and bias.value + half < margin
    outside = bias.value - half > margin or bias.value + half < -margin
    said = f"difference {bias.value:.2f}, 90 % interval {bias.value - half:.2f} to {bias.value + half:.2f}"
    task = f" ({CONFOUNDED}: {'; '.join(confounded)})" if confounded else ""
    if outside:
        return DIFFERENT, f"{said}, beyond ±{margin:g}{task}"
    if margin < smallest:
        return UNDECIDED, f"±{margin:g} was out of reach: these panels reach ±{smallest:.2f} with 80 % power{task}"
    if inside:
        return EQUIVALENT, f"{said}, inside ±{margin:g}{task}"
    return UNDECIDED, f"{said}, reaches across ±{margin:g}{task}"


def confounding(first: Votes, second: Votes, tasks: tuple[str, str] = ("", "")) -> tuple[str, ...]:
    """Reasons why a difference may come from the task and not from the people; empty when the tasks are the same."""
    found = []
    questions = [sorted(set(v.question.tolist())) if v.question is not None and len(v) else [] for v in (first, second)]
    if questions[0] != questions[1]:
        found.append(f"questions {', '.join(map(str, questions[0])) or '?'} and {', '.join(map(str, questions[1])) or '?'}")
    if tasks[0] != tasks[1]:
        found.append(f"asked {tasks[0] or '?'!r} and {tasks[1] or '?'!r}")
    return tuple(found)


def deming(a: Floats, b: Floats, content: NDArray[np.int64]) -> Estimate:
    """Slope of the second panel's MOS on the first's with errors in both (Deming), interval by a jackknife over contents."""
    errors = [
        float(np.nanmean(np.nanvar(m, axis=1, ddof=1) / (~np.isnan(m)).sum(1))) if m.shape[1] > 1 else np.nan for m in (a, b)
    ]
    if not all(np.isfinite(e) and e > 0 for e in errors):
        return Estimate.none("the votes' own errors are unknown: two differing votes per image are needed")
    x, y = np.nanmean(a, 1), np.nanmean(b, 1)
    ratio = errors[1] / errors[0]
    value = deming_slope(x, y, ratio)
    contents = int(content.max()) + 1
    if contents < 3 or not np.isfinite(value):
        return Estimate.of(value, reason=f"{contents} contents: no interval")
    left = np.array([deming_slope(x[content != c], y[content != c], ratio) for c in range(contents)])
    se = float(np.sqrt((contents - 1) / contents * np.sum((left - left.mean()) ** 2)))
    half = float(stats.t.ppf(0.975, contents - 1)) * se
    return Estimate.of(value, value - half, value + half)


def deming_slope(x: Floats, y: Floats, ratio: float) -> float:
    """Deming's slope of y on x `(J,)`; `ratio` is y's error variance over x's; nan for fewer than three or uncorrelated."""
    if len(x) < 3:
        return float("nan")
    xx, yy, xy = float(x.var()), float(y.var()), float(np.mean((x - x.mean()) * (y - y.mean())))
    if xy == 0:
        return float("nan")
    gap = yy - ratio * xx
    return float((gap + np.sqrt(gap**2 + 4 * ratio * xy**2)) / (2 * xy))


def image_table(a: Floats, b: Floats, info: pd.DataFrame) -> pd.DataFrame:
    """Per common image: n and MOS of both panels, difference, Welch's interval, p and Holm's p."""
    n = [(~np.isnan(m)).sum(1) for m in (a, b)]
    mean = [np.nanmean(m, 1) for m in (a, b)]
    spread = [np.divide(np.nansum((m - c[:, None]) ** 2, 1), k - 1, out=np.full(len(m), np.nan), where=k > 1)
              for m, c, k in zip((a, b), mean, n, strict=True)]  # fmt: skip
    parts = [s / k for s, k in zip(spread, n, strict=True)]
    se = np.sqrt(parts[0] + parts[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        df = (parts[0] + parts[1]) ** 2 / (parts[0] ** 2 / (n[0] - 1) + parts[1] ** 2 / (n[1] - 1))
        gap = mean[0] - mean[1]
        p = np.where(se > 0, 2 * stats.t.sf(np.abs(gap) / se, df), np.nan)
        half = np.where(se > 0, stats.t.ppf(0.975, df) * se, np.nan)
    table = pd.DataFrame({"stimulus": info.index, "content": info["content"].to_numpy(), "is_ref": info["is_ref"].to_numpy()})
    return table.assign(
        n_a=n[0],
        n_b=n[1],
        mos_a=mean[0],
        mos_b=mean[1],
        difference=gap,
        ci95_low=gap - half,
        ci95_high=gap + half,
        p=p,
        p_holm=holm(p),
    )


def group_table(a: Floats, b: Floats, info: pd.DataFrame, content: NDArray[np.int64], bias: Shift) -> pd.DataFrame:
    """Disagreement by variant, axis and every label: difference, intervals, and what is left beyond the overall bias."""
    rows = []
    for grouping in [g for g in groupings(info) if g not in ("content", "subject")]:
        names = group_names(info, grouping)
        found = []
        for name in sorted({str(n) for n in names if n}):
            mask = names == name
            people = [~np.isnan(m[mask]).all(0) for m in (a, b)]
            if min(int(p.sum()) for p in people) < 2:
                continue
            one = shift(a[mask][:, people[0]], b[mask][:, people[1]], pd.factorize(content[mask])[0].astype(np.int64))
            found.append(
                {"grouping": grouping, "name": name, "images": int(mask.sum()), "difference": one.value, "ci95_low": one.low,
                 "ci95_high": one.high, "wide_ci95_low": one.wide_low, "wide_ci95_high": one.wide_high, "p": one.p,
                 "beyond_bias": one.value - bias.value}
            )  # fmt: skip
        adjusted = holm(np.array([row["p"] for row in found], float))
        rows += [row | {"p_holm": p} for row, p in zip(found, adjusted, strict=True)]
    columns = ["grouping", "name", "images", "difference", "ci95_low", "ci95_high", "wide_ci95_low", "wide_ci95_high", "p", "beyond_bias",
               "p_holm"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
