"""Does the selection vary? Chosen photos against those left out, by spatial information, colourfulness, brightness, contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from distort.intake.notes import read_measures
from workspace.files import write_text
from workspace.settings import Workspace
from workspace.sources import blocked, read_sources

AXES = {
    "si": ("spatial information", "SI"),
    "colourfulness": ("colourfulness", "CF"),
    "brightness": ("brightness", "mean luma"),
    "contrast": ("contrast", "5-95 % range of luma"),
}
PANELS = (("si", "colourfulness"), ("brightness", "contrast"))
CHOSEN, LEFT_OUT = "#0072B2", "#D55E00"
SIZE, GAP, LEFT, TOP = 300, 90, 70, 70


@dataclass(frozen=True)
class Point:
    """A photo's measures and whether it is chosen (accepted, and may be shown and altered)."""

    name: str
    chosen: bool
    values: dict[str, float]


def points(workspace: Workspace) -> list[Point]:
    """One point for each photo that has been measured, in the order of `sources.csv`."""
    measures = read_measures(workspace)
    found = []
    for row in read_sources(workspace):
        noted = measures.get(row["pristine"])
        if noted and all(noted.get(axis) for axis in AXES):
            found.append(Point(row["pristine"], not blocked(row), {axis: float(noted[axis]) for axis in AXES}))
    return found


def spread(chosen: Sequence[Point], everything: Sequence[Point]) -> dict[str, float]:
    """For each measure the chosen photos' range over that of all photos, 0 to 1 (P.910, clause 7.7: cover the plane)."""
    shares = {}
    for axis in AXES:
        whole = np.ptp([p.values[axis] for p in everything]) if everything else 0.0
        part = np.ptp([p.values[axis] for p in chosen]) if chosen else 0.0
        shares[axis] = float(part / whole) if whole > 0 else 1.0
    return shares


def write_variety(workspace: Workspace, target: Path) -> dict[str, float]:
    """Write the scatter as SVG (two panels); gives `spread`."""
    found = points(workspace)
    write_text(target, draw(found))
    return spread([p for p in found if p.chosen], found)


def draw(found: Sequence[Point]) -> str:
    """The scatter as SVG: spatial information against colourfulness, brightness against contrast."""
    chosen = [p for p in found if p.chosen]
    width, height = LEFT + 2 * SIZE + GAP + 30, TOP + SIZE + 60
    title = f"{len(chosen)} photos chosen, {len(found) - len(chosen)} left out"
    shares = ", ".join(f"{AXES[axis][0]} {share:.0%}" for axis, share in spread(chosen, found).items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title><desc>Share of the range of all photos that the chosen ones cover: {shares}.</desc>",
        f'<rect width="{width}" height="{height}" fill="white"/><text x="{LEFT}" y="26" font-size="17">{escape(title)}</text>',
        f'<circle cx="{LEFT + 4}" cy="45" r="4" fill="{CHOSEN}"/><text x="{LEFT + 14}" y="49" fill="{CHOSEN}">chosen</text>',
        f'<path d="M{LEFT + 80} 41l8 8m0-8l-8 8" stroke="{LEFT_OUT}" stroke-width="2"/>',
        f'<text x="{LEFT + 94}" y="49" fill="{LEFT_OUT}">left out</text>',
    ]
    for place, (across, up) in enumerate(PANELS):
        parts += _panel(found, across, up, LEFT + place * (SIZE + GAP))
    return "\n".join([*parts, "</svg>\n"])


def _panel(found: Sequence[Point], across: str, up: str, left: int) -> list[str]:
    """One square with its axes from 0 to the greatest value rounded up."""
    tops = {axis: _round_up(max((p.values[axis] for p in found), default=1.0)) for axis in (across, up)}
    bottom = TOP + SIZE
    parts = [f'<path d="M{left} {TOP}V{bottom}H{left + SIZE}" fill="none" stroke="#6b6b6b"/>']
    for step in range(0, 5):
        share = step / 4
        parts.append(
            f'<text x="{left + share * SIZE:.0f}" y="{bottom + 18}" text-anchor="middle">{tops[across] * share:g}</text>'
        )
        parts.append(f'<text x="{left - 8}" y="{bottom - share * SIZE + 5:.0f}" text-anchor="end">{tops[up] * share:g}</text>')
    names = [f"{AXES[axis][0]} ({AXES[axis][1]})" for axis in (across, up)]
    parts.append(f'<text x="{left + SIZE / 2:.0f}" y="{bottom + 40}" text-anchor="middle">{names[0]}</text>')
    turned = f'transform="rotate(-90 {left - 46} {TOP + SIZE / 2:.0f})"'
    parts.append(f'<text x="{left - 46}" y="{TOP + SIZE / 2:.0f}" text-anchor="middle" {turned}>{names[1]}</text>')
    for point in sorted(found, key=lambda p: p.chosen):
        x = left + SIZE * point.values[across] / tops[across]
        y = bottom - SIZE * point.values[up] / tops[up]
        mark = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{CHOSEN}" fill-opacity=".6">'
        if not point.chosen:
            mark = f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8" stroke="{LEFT_OUT}" stroke-width="2">'
        parts.append(f"{mark}<title>{escape(point.name)}</title>{'</circle>' if point.chosen else '</path>'}")
    return parts


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 8 or 10 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(m * power for m in (1, 2, 4, 8, 10) if value <= m * power))
