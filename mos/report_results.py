"""The report's sections of results: scores, conditions, reliability, the course over positions, and each image."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mos.conditions import condition_table
from mos.conduct import residuals_in_order
from mos.document import Block, Figure, Section, Table, Text, interval, number, plus_minus
from mos.reliability import reliability
from mos.scores import score_table
from mos.sos import parabola, sos
from mos.votes import Votes
from workspace import plots

Floats = NDArray[np.float64]
PAGE_ROWS = 30
CONDITION_COLUMNS = ["name", "images", "observers", "votes", "mean", "ci95_low", "ci95_high", "speaks_for"]


def scores(votes: Votes, name: str, badge: str) -> Section:
    """Overview of MOS: their number, range, precision, and the histogram in bins of half a point."""
    table = score_table(votes)
    table = table.loc[table["n"] > 0]
    half = (table["ci95_high"] - table["ci95_low"]) / 2
    text = (
        f"{len(table)} images, MOS {number(table['mos'].min())} to {number(table['mos'].max())}, mean {number(table['mos'].mean())}. "
        f"The 95 % interval (Student t) of an image is ± {number(half.mean())} on average, with {number(table['n'].median(), 0)} votes."
    )
    blocks: list[Block] = [Text(text), histogram(table, votes.low, votes.high, badge)]
    if table["is_ref"].any() and table["dmos"].notna().any():
        top = table.loc[~table["is_ref"].astype(bool), "dmos"]
        above = int((top > votes.high).sum())
        blocks.append(Text(f"DMOS against the hidden reference, paired by observer: {number(top.min())} to {number(top.max())}; {above} "
                           f"images above {votes.high:g}, which is valid and not clipped."))  # fmt: skip
        best = table.loc[table["is_ref"].astype(bool), "mos"]
        good = votes.low + 0.75 * (votes.high - votes.low)
        blocks.append(Text(f"{int((best >= good).sum())} of {len(best)} references reach {number(good)}, good on this scale."))
    return Section(f"Scores{name}", blocks)


def histogram(table: pd.DataFrame, low: float, high: float, badge: str) -> Figure:
    """Histogram of MOS in bins of .5 over the whole scale, references apart."""
    is_ref = table["is_ref"].astype(bool)
    groups = {"distorted" if is_ref.any() else "images": table.loc[~is_ref, "mos"].tolist()}
    if is_ref.any():
        groups["references"] = table.loc[is_ref, "mos"].tolist()
    middle = table["mos"].median()
    title = f"Half of the images lie below {number(middle, 1)}"
    span = f"from {number(table['mos'].min())} to {number(table['mos'].max())}, median {number(middle)}"
    alt = f"Histogram of {len(table)} mean opinion scores {span}."
    width = 0.5 if high - low <= 20 else (high - low) / 20
    svg = plots.histogram(groups, low=low, high=high, title=title, alt=alt, width=width, badge=badge)
    return Figure(svg, alt, "Distribution of MOS over the images.")


def conditions(votes: Votes, name: str, badge: str) -> Section:
    """Means per variant, axis, content and label with crossed intervals, and the ladders."""
    table = condition_table(votes)
    blocks: list[Block] = [
        Text("Means over many images; contents and observers both count as samples where the last column says so.")
    ]
    drawn = ladders(table, votes, badge)
    if drawn is not None:
        blocks.append(drawn)
    variants = table.loc[table["grouping"] == "variant"]
    if len(variants) > 1:
        blocks.append(variant_figure(variants, votes.low, votes.high, badge))
    for grouping in [g for g in table["grouping"].unique() if g != "all"]:
        part = table.loc[table["grouping"] == grouping]
        rows = [_condition_row(row) for row in part[CONDITION_COLUMNS].itertuples(index=False, name=None)]
        heads = [grouping, "images", "observers", "votes", "mean ± CI95", "speaks for"]
        blocks.append(Table(heads, rows, f"By {grouping.replace('_', ' ')}", long=len(rows) > PAGE_ROWS))
    return Section(f"Variants and other conditions{name}", blocks)


def _condition_row(row: tuple[Any, ...]) -> list[str]:
    name, images, observers, count, mean, low, high, speaks = row
    return [str(name), str(images), str(observers), str(count), plus_minus(mean, low, high), str(speaks)]


def variant_figure(variants: pd.DataFrame, low: float, high: float, badge: str) -> Figure:
    """Every variant with its crossed interval, best first."""
    ordered = variants.sort_values("mean", ascending=False)
    worst, best = ordered["name"].iloc[-1], ordered["name"].iloc[0]
    alt = f"Mean opinion score of {len(ordered)} variants with 95 % intervals; best {best}, worst {worst}."
    ends = [ordered[c].astype(float).tolist() for c in ("mean", "ci95_low", "ci95_high")]
    svg = plots.intervals(ordered["name"].tolist(), *ends, low=low, high=high, title=f"{worst} scores lowest, {best} highest", alt=alt,
                          badge=badge)  # fmt: skip
    return Figure(svg, alt, "Mean of each variant with its 95 % interval (observers and contents).")


def level_of(variant: str) -> int:
    """The number at the end of a variant's name, 1 where there is none."""
    found = re.search(r"(\d+)$", variant)
    return int(found.group(1)) if found else 1


def stem_of(variant: str) -> str:
    """A variant's name without the number at its end: brighten_2 and darken_2 are two ladders of one axis."""
    return re.sub(r"[_-]?\d+$", "", variant) or variant


def ladders(table: pd.DataFrame, votes: Votes, badge: str) -> Figure | None:
    """One small plot per axis: level on x, mean with interval on y, a line per direction, from the reference at level 0.

    None without axes.
    """
    if "axis" not in votes.info or "variant" not in votes.info:
        return None
    axis = {str(v): str(a) for v, a in zip(votes.info["variant"], votes.info["axis"], strict=True) if a == a and str(a)}
    variants = table.loc[table["grouping"] == "variant"].set_index("name")
    start = [(0, "reference")] if "reference" in variants.index else []
    families: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for variant in sorted(v for v in axis if v in variants.index):
        families.setdefault((axis[variant], stem_of(variant)), []).append((level_of(variant), variant))
    groups: dict[str, list[plots.Line]] = {}
    for (name, stem), found in families.items():
        steps = start + sorted(found)
        rows = variants.loc[[v for _, v in steps]]
        ends = [rows[c].astype(float).tolist() for c in ("mean", "ci95_low", "ci95_high")]
        groups.setdefault(name, []).append(plots.Line(stem, [float(level) for level, _ in steps], *ends))
    lines = [line for group in groups.values() for line in group]
    if not lines:
        return None
    deepest = min(lines, key=lambda line: min(line.y))
    alt = "Mean opinion score against level: " + "; ".join(
        f"{line.name} {number(line.y[0])} to {number(line.y[-1])}" for line in lines
    )
    svg = plots.panels(
        groups, low=votes.low, high=votes.high, title=f"{deepest.name} costs most", alt=alt, x_label="level", badge=badge
    )
    return Figure(svg, alt, "Ladders by axis: mean with 95 % interval at each level; level 0 is the reference.")


def reliability_section(votes: Votes, name: str, badge: str, *, draws: int, seed: int) -> Section:
    """Intraclass correlations, alpha, split halves, rank stability, repeats, variance components, SOS."""
    found = reliability(votes, draws=draws, seed=seed)
    rows = [[form, _value(e)] for form, e in found["icc"].items()]
    rows += [[f"Krippendorff's alpha, {level}", _value(e)] for level, e in found["krippendorff_alpha"].items()]
    rows.append(["split half, all observers (Spearman-Brown)", _value(found["split_half"])])
    again = found["test_retest"]
    if again["pairs"]:
        rows += [["repeats: pairs", str(again["pairs"])], ["repeats: r", _value(again["r"])],
                 ["repeats: exactly equal", number(100 * again["exact"], 0) + " %"],
                 ["repeats: SD within an observer", number(again["within_sd"])]]  # fmt: skip
    blocks: list[Block] = [Table(["figure", "value [95 % interval]"], rows, f"Reliability ({found['icc_method']})")]
    linked = found["connectedness"]
    blocks.append(Text(linked.get("reason") or "All observers are linked by common images.", strong=not linked["connected"]))
    parts = found["variance_components"]["components"]
    shares = [
        [term, _value(e), number(100 * e["share"], 0) + " %" if e.get("share") is not None else "-"] for term, e in parts.items()
    ]
    blocks.append(Table(["source", "variance [95 % interval]", "share"], shares, "Where the variance of the votes comes from"))
    stable = [row for row in found["rank_stability"] if row["srocc"] is not None]
    if len(stable) > 1:
        blocks.append(rank_figure(stable, badge))
    blocks += sos_blocks(votes, badge)
    return Section(f"Reliability{name}", blocks)


def _value(e: dict[str, object]) -> str:
    return interval(e["value"], e["ci95_low"], e["ci95_high"], 3) if e["value"] is not None else f"- ({e.get('reason', '')})"


def rank_figure(stable: list[dict[str, float]], badge: str) -> Figure:
    """Rank correlation of two disjoint groups of n observers against n."""
    n, r = [row["n"] for row in stable], [row["srocc"] for row in stable]
    alt = f"Rank correlation between two groups of n observers: {number(r[0], 3)} at n = {n[0]:g}, {number(r[-1], 3)} at n = {n[-1]:g}."
    line = plots.Line("SROCC", n, r, [row["low"] for row in stable], [row["high"] for row in stable])
    floor = min(0.0, *(row["low"] for row in stable))
    title = f"Two groups of {n[-1]:g} observers agree at {number(r[-1], 3)}"
    svg = plots.curves(
        [line], title=title, alt=alt, x_label="observers in a group", y_label="SROCC", y_range=(floor, 1.0), badge=badge
    )
    return Figure(svg, alt, "Rank stability: what a repeated study with n observers would give; band: 95 % of 50 draws.")


def sos_blocks(votes: Votes, badge: str) -> list[Block]:
    """The SOS parameter and the scatter of variance against MOS with its curve."""
    fit = sos(votes)
    if fit.a is None:
        return [Text("SOS parameter: undefined, no image has two differing votes.")]
    table = score_table(votes)
    table = table.loc[table["n"] > 1]
    variance = (table["sd"] ** 2 * (table["n"] - 1) / table["n"]).to_numpy(float)
    x = np.linspace(votes.low, votes.high, 101)
    top = float(max(variance.max(), (fit.a * parabola(x, votes.low, votes.high)).max())) * 1.05
    curve = plots.Line(f"a = {fit.a:.2f}", x.tolist(), (fit.a * parabola(x, votes.low, votes.high)).tolist())
    warned = "; far above the usual .25: observers disagree more than in most studies" if fit.unusual else ""
    text = f"SOS parameter a = {interval(fit.a, fit.ci95_low, fit.ci95_high, 3)} over {fit.stimuli} images{warned}."
    svg = plots.scatter(table["mos"].tolist(), variance.tolist(), x_range=(votes.low, votes.high), y_range=(0.0, top), alt=text,
                        title="Variance of the votes against MOS", x_label="MOS", y_label="variance", line=curve, badge=badge)  # fmt: skip
    return [Text(text), Figure(svg, text, "SOS hypothesis: variance = a (MOS - low)(high - MOS).")]


def course(votes: Votes, name: str, badge: str) -> Section:
    """Residuals over the place in each observer's order: drift, fatigue, start effects."""
    first = votes.first()
    if (first.position is None or np.isnan(first.position).all()) and (first.time is None or np.isnan(first.time).all()):
        return Section(f"Drift{name}", [Text("The order of the votes is not known: drift can't be judged.")])
    residual, place = residuals_in_order(first)
    bins = np.minimum((place * 10).astype(int), 9)
    mean = np.array([residual[bins == b].mean() if (bins == b).any() else np.nan for b in range(10)])
    people = len(np.unique(first.observer))
    half = np.array([_half_width(residual[bins == b], first.observer[bins == b]) for b in range(10)])
    worst = float(np.nanmax(np.abs(mean)))
    alt = f"Mean residual by tenth of the order: largest shift {number(worst)} points, {people} observers."
    x = (np.arange(10) * 10 + 5).astype(float).tolist()
    line = plots.Line("residual", x, mean.tolist(), (mean - half).tolist(), (mean + half).tolist())
    span = max(0.5, float(np.nanmax(np.abs(mean) + np.nan_to_num(half))))
    svg = plots.curves([line], title=f"Votes drift by {number(worst)} points at most", alt=alt, x_label="place in the order, %",
                       y_label="vote - expected, points", y_range=(-span, span), badge=badge)  # fmt: skip
    return Section(
        f"Drift{name}",
        [Figure(svg, alt, "Residuals from image means and observers' biases; band: 95 % interval over observers.")],
    )


def _half_width(residual: Floats, observer: NDArray[np.int64]) -> float:
    from scipy.stats import t

    _, code = np.unique(observer, return_inverse=True)
    if code.size == 0 or code.max() < 1:
        return float("nan")
    means = np.bincount(code, residual) / np.bincount(code)
    return float(t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / len(means) ** 0.5)


def images(votes: Votes, name: str) -> Section:
    """Every image with n, MOS, SD, interval and DMOS."""
    table = score_table(votes)
    table = table.loc[table["n"] > 0]
    with_dmos = bool(table["dmos"].notna().any())
    heads = ["image", "votes", "MOS", "SD", "CI95", *(["DMOS"] if with_dmos else [])]
    columns = ["stimulus", "n", "mos", "sd", "ci95_low", "ci95_high", "dmos"]
    rows = [_image_row(row, votes, with_dmos) for row in table[columns].itertuples(index=False, name=None)]
    caption = "Scores per image (interval: Student t, bounded where all votes agree; shown inside the scale)"
    return Section(f"Scores of each image{name}", [Table(heads, rows, caption, long=True)])


def _image_row(row: tuple[Any, ...], votes: Votes, with_dmos: bool) -> list[str]:
    stimulus, n, mos, sd, low, high, dmos = row
    ends = "-" if n < 2 else f"{number(max(low, votes.low))} to {number(min(high, votes.high))}"
    return [str(stimulus), str(n), number(mos), number(sd), ends, *([number(dmos)] if with_dmos else [])]
