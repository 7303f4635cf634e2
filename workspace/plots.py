"""SVG plots for reports, pages and tables: one font, direct labels, colours safe for the colour-blind.

Every function returns SVG text with a title and a description inside (alternative text) and draws with Matplotlib's
Figure alone: no window system, no global state, the same bytes for the same numbers.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito 2008, black last: yellow left out since a thin yellow line on white can't be seen.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#6b6b6b"


@dataclass(frozen=True)
class Line:
    """One line of a plot: x and y, shape (n,), and the ends of its 95 % intervals (None: not known)."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


def histogram(
    groups: Mapping[str, Sequence[float]], *, low: float, high: float, title: str, alt: str, width: float = 0.5, badge: str = ""
) -> str:
    """Histogram of opinion scores over the whole scale `low`..`high` in bins of `width`, one colour per group (stacked)."""
    figure, axes = _canvas()
    edges = np.arange(low, high + width / 2, width)
    if edges[-1] < high:
        edges = np.append(edges, high)
    values = [np.asarray([v for v in group if math.isfinite(v)], dtype=float) for group in groups.values()]
    colours = list(COLOURS[: len(values)])
    axes.hist(values, bins=list(edges), stacked=True, color=colours, edgecolor="white", linewidth=0.6, label=list(groups))
    _opinion_axis(axes, low, high, "x")
    axes.set_xlabel("MOS")
    axes.set_ylabel("images")
    axes.yaxis.set_major_locator(_whole_numbers())
    if len(values) > 1:
        axes.legend(frameon=False, fontsize=9)
    return _svg(figure, axes, title, alt, badge)


def lines(
    series: Sequence[Line], *, low: float, high: float, title: str, alt: str, x_label: str, y_label: str = "MOS", badge: str = "",
    x_ticks: Mapping[float, str] | None = None,
) -> str:  # fmt: skip
    """Ladders: level on x, score with its 95 % interval on y over the whole scale, each line labelled at its end."""
    figure, axes = _canvas()
    ends: list[tuple[float, float, str, str]] = []
    span = max((float(np.ptp(line.x)) for line in series if len(line.x)), default=0.0) or 1.0
    for index, line in enumerate(series):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        x_values = np.asarray(line.x, dtype=float) + 0.012 * span * (index - (len(series) - 1) / 2)
        dashes = "-" if index < len(COLOURS) else "--"
        axes.plot(x_values, line.y, color=colour, marker=marker, markersize=5, linewidth=1.6, linestyle=dashes)
        if line.low is not None and line.high is not None:
            axes.vlines(x_values, line.low, line.high, color=colour, linewidth=1.2)
        known = [(float(x), y) for x, y in zip(x_values, line.y, strict=True) if math.isfinite(y)]
        if known:
            ends.append((*known[-1], line.name, colour))
    _end_labels(axes, ends, high - low)
    _opinion_axis(axes, low, high, "y")
    if x_ticks:
        axes.set_xticks(list(x_ticks), list(x_ticks.values()), fontsize=9)
    else:
        axes.set_xticks(sorted({float(x) for line in series for x in line.x}))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return _svg(figure, axes, title, alt, badge)


def panels(
    groups: Mapping[str, Sequence[Line]], *, low: float, high: float, title: str, alt: str, x_label: str, y_label: str = "MOS",
    columns: int = 4, badge: str = "",
) -> str:  # fmt: skip
    """Small ladders side by side, one per group, all on the same scale; lines are named where a group has several."""
    from matplotlib.figure import Figure

    rows = max(1, -(-len(groups) // columns))
    figure = Figure(figsize=(7.2, 0.5 + 1.9 * rows), layout="constrained")
    fields = np.atleast_1d(
        figure.subplots(rows, min(columns, max(1, len(groups))), sharex=True, sharey=True, squeeze=False)
    ).ravel()
    for place, (axes, (name, series)) in enumerate(zip(fields, groups.items(), strict=False)):
        _plain(axes)
        for index, line in enumerate(series):
            colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
            x_values = np.asarray(line.x, dtype=float) + 0.1 * (index - (len(series) - 1) / 2)
            axes.plot(x_values, line.y, color=colour, marker=marker, markersize=4, linewidth=1.5, label=line.name)
            if line.low is not None and line.high is not None:
                axes.vlines(x_values, line.low, line.high, color=colour, linewidth=1.1)
        _opinion_axis(axes, low, high, "y")
        axes.set_xticks(sorted({float(x) for lines in groups.values() for line in lines for x in line.x}))
        axes.set_title(name, loc="left", fontsize=9)
        if len(series) > 1:
            axes.legend(frameon=False, fontsize=7.5, loc="lower left", handlelength=1.2, borderaxespad=0.1)
        if place % columns == 0:
            axes.set_ylabel(y_label, fontsize=9)
        if place >= len(groups) - columns:
            axes.set_xlabel(x_label, fontsize=9)
            axes.tick_params(labelbottom=True)
    for axes in fields[len(groups) :]:
        axes.set_visible(False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return _svg(figure, None, title, alt, badge)


def intervals(
    names: Sequence[str], values: Sequence[float], lows: Sequence[float], highs: Sequence[float], *, low: float, high: float,
    title: str, alt: str, label: str = "MOS", badge: str = "",
) -> str:  # fmt: skip
    """One row per name: a point and its 95 % interval on the whole opinion scale, first name on top."""
    figure, axes = _canvas(height=max(2.2, 0.27 * len(names) + 1.1))
    rows = np.arange(len(names))[::-1]
    axes.hlines(rows, lows, highs, color=COLOURS[0], linewidth=1.6)
    axes.plot(values, rows, "o", color=COLOURS[0], markersize=5)
    axes.set_yticks(rows, list(names), fontsize=9)
    axes.set_ylim(-0.7, len(names) - 0.3)
    _opinion_axis(axes, low, high, "x")
    axes.set_xlabel(label)
    return _svg(figure, axes, title, alt, badge)


def scatter(
    x: Sequence[float], y: Sequence[float], *, x_range: tuple[float, float], y_range: tuple[float, float], title: str, alt: str,
    x_label: str, y_label: str, line: Line | None = None, diagonal: bool = False, badge: str = "",
) -> str:  # fmt: skip
    """Points, with the line of equality or a fitted line where wanted; both axes over their whole range."""
    figure, axes = _canvas()
    axes.plot(x, y, ".", color=COLOURS[0], markersize=5, alpha=0.55)
    if diagonal:
        axes.plot(x_range, x_range, color=GREY, linewidth=1, linestyle="--")
    if line is not None:
        axes.plot(line.x, line.y, color=COLOURS[1], linewidth=1.6)
        if line.low is not None and line.high is not None:
            axes.fill_between(line.x, line.low, line.high, color=COLOURS[1], alpha=0.18, linewidth=0)
        axes.annotate(
            line.name, (line.x[-1], line.y[-1]), xytext=(4, 2), textcoords="offset points", color=COLOURS[1], fontsize=9
        )
    _span(axes, x_range, "x")
    _span(axes, y_range, "y")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return _svg(figure, axes, title, alt, badge)


def curves(
    series: Sequence[Line], *, title: str, alt: str, x_label: str, y_label: str, y_range: tuple[float, float] | None = None,
    x_log: bool = False, badge: str = "",
) -> str:  # fmt: skip
    """Lines with bands over any quantity (reliability against n, drift over positions), labelled at their ends."""
    figure, axes = _canvas()
    ends: list[tuple[float, float, str, str]] = []
    for index, line in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(line.x, line.y, color=colour, marker=MARKERS[index % len(MARKERS)], markersize=4, linewidth=1.6)
        if line.low is not None and line.high is not None:
            axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.18, linewidth=0)
        if len(line.x):
            ends.append((line.x[-1], line.y[-1], line.name, colour))
    if x_log:
        axes.set_xscale("log")
    if y_range is not None:
        _span(axes, y_range, "y")
    spread = float(np.ptp(axes.get_ylim()))
    _end_labels(axes, ends, spread)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return _svg(figure, axes, title, alt, badge)


def _canvas(height: float = 3.9) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, height), layout="constrained")
    axes = figure.add_subplot()
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(True, color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)


def _opinion_axis(axes: Axes, low: float, high: float, which: str) -> None:
    """The whole scale, a tick at each whole value where there are at most 12."""
    _span(axes, (low, high), which)
    step = 1.0 if high - low <= 12 else (high - low) / 10
    ticks = np.arange(low, high + step / 2, step)
    (axes.set_xticks if which == "x" else axes.set_yticks)(ticks)


def _span(axes: Axes, ends: tuple[float, float], which: str) -> None:
    room = 0.02 * (ends[1] - ends[0])
    (axes.set_xlim if which == "x" else axes.set_ylim)(ends[0] - room, ends[1] + room)


def _end_labels(axes: Axes, ends: list[tuple[float, float, str, str]], spread: float) -> None:
    """Names beside the lines' last points, pushed apart so that none covers another; room is made on the right."""
    apart, last = 0.055 * spread, -math.inf
    for x, y, name, colour in sorted(ends, key=lambda end: end[1]):
        last = max(y, last + apart)
        note = axes.annotate(name, (x, last), xytext=(7, 0), textcoords="offset points", color=colour, fontsize=9, va="center",
                             annotation_clip=False)  # fmt: skip
        note.set_in_layout(False)
    share = 0.03 + 0.0135 * max((len(name) for _, _, name, _ in ends), default=0)
    logarithmic = axes.get_xscale() == "log"
    left, right = (math.log10(v) if logarithmic else v for v in axes.get_xlim())
    right += (right - left) * share / (1 - min(share, 0.6))
    axes.set_xlim(10**left if logarithmic else left, 10**right if logarithmic else right)


def _whole_numbers() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True)


def _svg(figure: Figure, axes: Axes | None, title: str, alt: str, badge: str) -> str:
    import matplotlib

    if axes is not None:
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    if badge:
        figure.text(0.995, 0.995, badge, ha="right", va="top", fontsize=10, fontweight="bold", color="white",
                    bbox={"facecolor": COLOURS[1], "edgecolor": "none", "pad": 3})  # fmt: skip
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "dermiqa", "font.family": "DejaVu Sans"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    start = text.index("<svg")
    head_end = text.index(">", start)
    head = text[start:head_end] + ' role="img">'
    said = f"<title>{escape(title)}</title><desc>{escape(alt)}</desc>"
    return head + said + text[head_end + 1 :]
