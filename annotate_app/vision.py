"""Eye checks that the project draws itself: tumbling E's on whole pixels, and colour plates of dots. Not validated against printed ones.

Acuity: an E of five by five units whose strokes and gaps are one unit; the gap of the 20/30 line is 1.5 minutes of arc. Plates: a
digit whose dots differ from the others along a line of confusion of protan or deutan vision (Vienot, Brettel, Mollon 1999,
Color Research and Application 24: equations 1-6), lightness jittered so that lightness alone tells nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
GREY = 128
DIRECTIONS = ("right", "down", "left", "up")
GAP_MINUTES = 1.5
GAP_PIXELS = 3
HOME_GAPS = (6, 4, 3, 2, 1)
SIGNS = 5
PLATES = 12
MISSED_ALLOWED = 2
SIDE = 360

# Linear RGB to cone responses, and what protan and deutan eyes see, after Vienot, Brettel and Mollon (1999).
TO_LMS = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
PROTAN = np.array([[0.0, 2.02344, -2.52581], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
DEUTAN = np.array([[1.0, 0.0, 0.0], [0.494207, 0.0, 1.24827], [0.0, 0.0, 1.0]])
FONT = {
    "2": ("01110", "10001", "00001", "00010", "00100", "01000", "11111"),
    "3": ("11110", "00001", "00001", "01110", "00001", "00001", "11110"),
    "4": ("00010", "00110", "01010", "10010", "11111", "00010", "00010"),
    "5": ("11111", "10000", "11110", "00001", "00001", "10001", "01110"),
    "6": ("00110", "01000", "10000", "11110", "10001", "10001", "01110"),
    "7": ("11111", "00001", "00010", "00100", "01000", "01000", "01000"),
    "9": ("01110", "10001", "10001", "01111", "00001", "00010", "01100"),
}


def lab_distance(mm_per_pixel: float) -> float:
    """The distance in mm at which a gap of three device pixels is 1.5 minutes of arc (the 20/30 line)."""
    return GAP_PIXELS * mm_per_pixel / math.tan(math.radians(GAP_MINUTES / 60))


def pixels_per_degree(mm_per_pixel: float, distance_mm: float) -> float:
    """Pixels that one degree of the eye spans at a distance, straight ahead."""
    return distance_mm * math.tan(math.radians(1)) / mm_per_pixel


def draw_e(direction: str, gap: int) -> Image:
    """An E that opens to `direction`, black on grey: (5 gap, 5 gap, 3) uint8 RGB, every edge on a whole pixel."""
    units = np.zeros((5, 5), dtype=bool)
    units[[0, 2, 4], :] = True
    units[:, 0] = True
    turned = np.rot90(units, -DIRECTIONS.index(direction))
    big = np.kron(turned, np.ones((gap, gap), dtype=bool))
    return np.repeat(np.where(big, 0, GREY).astype(np.uint8)[:, :, None], 3, axis=2)


def acuity_card(directions: tuple[str, ...], gap: int) -> Image:
    """A row of E's, two widths apart, with a border of two widths: (25 gap, ..., 3) uint8 RGB."""
    side, space = 5 * gap, max(10 * gap, 24)
    card = np.full((side + 2 * space, len(directions) * side + (len(directions) + 1) * space, 3), GREY, dtype=np.uint8)
    for i, direction in enumerate(directions):
        left = space + i * (side + space)
        card[space : space + side, left : left + side] = draw_e(direction, gap)
    return card


def signs(seed: int, gap: int) -> tuple[str, ...]:
    """The five directions of a card, drawn from (seed, gap); never five alike."""
    generator = np.random.default_rng((seed, gap))
    while True:
        drawn = tuple(DIRECTIONS[i] for i in generator.integers(0, 4, SIGNS))
        if len(set(drawn)) > 1:
            return drawn


def signs_right(answers: list[str], seed: int, gap: int) -> int:
    """How many of a card's signs were named rightly, 0..5."""
    return sum(given == shown for given, shown in zip(answers, signs(seed, gap), strict=False))


@dataclass(frozen=True)
class Plate:
    """A colour plate: its digit, the vision that loses it (protan or deutan; example: seen by all), and its seed."""

    digit: str
    axis: str
    seed: int


def plates(seed: int) -> tuple[Plate, ...]:
    """The twelve plates of an observer: digits in random order, protan and deutan in turn."""
    generator = np.random.default_rng((seed, 7))
    digits = [str(d) for d in generator.choice(list(FONT), PLATES)]
    return tuple(Plate(digit, ("protan", "deutan")[i % 2], int(generator.integers(2**31))) for i, digit in enumerate(digits))


EXAMPLE_PLATE = Plate("5", "example", 1)


def plates_missed(answers: list[str], seed: int) -> int:
    """How many of the twelve plates were misread."""
    return PLATES - sum(given.strip() == plate.digit for given, plate in zip(answers, plates(seed), strict=False))


def linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB values 0..1 as linear light (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def encoded(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light 0..1 as sRGB values (IEC 61966-2-1), clipped."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def as_seen(light: NDArray[np.float64], axis: str) -> NDArray[np.float64]:
    """What protan or deutan vision makes of linear RGB (..., 3)."""
    seen = light @ TO_LMS.T @ (PROTAN if axis == "protan" else DEUTAN).T
    return np.asarray(seen @ np.linalg.inv(TO_LMS).T)


def colour_pair(axis: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two colours in linear RGB, figure and ground: told apart by all, or alike for one kind of vision."""
    middle = linear(np.array([0.60, 0.56, 0.42]))
    if axis == "example":
        return linear(np.array([0.80, 0.42, 0.10])), linear(np.array([0.35, 0.45, 0.75]))
    cone = np.zeros(3)
    cone[0 if axis == "protan" else 1] = 1.0
    step = np.linalg.inv(TO_LMS) @ cone
    reach = 0.90 * min(float(m / abs(s)) for m, s in zip(middle, step, strict=True))
    lower = 0.62 * reach
    return middle + step * lower, middle - step * lower


def dots(generator: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Discs (x, y, radius) in a round field, in pixels, none touching another; big ones first."""
    placed = np.empty((0, 3))
    middle = side / 2
    for radius, tries in ((9.5, 500), (7.0, 1500), (5.0, 3000), (3.4, 4000)):
        angle, reach = generator.uniform(0, 2 * np.pi, tries), (middle - radius - 2) * np.sqrt(generator.uniform(0, 1, tries))
        spots = np.stack([middle + reach * np.cos(angle), middle + reach * np.sin(angle)], axis=1)
        for spot in spots:
            if not len(placed) or np.all(np.hypot(*(placed[:, :2] - spot).T) > placed[:, 2] + radius + 1.2):
                placed = np.vstack([placed, [*spot, radius]])
    return placed


def inside_digit(points: NDArray[np.float64], digit: str, side: int) -> NDArray[np.bool_]:
    """Which points (n, 2) lie in a digit drawn large in the middle of a field of `side` pixels."""
    rows = np.array([[letter == "1" for letter in row] for row in FONT[digit]])
    cell = side * 0.66 / 7
    column = np.floor((points[:, 0] - side / 2) / cell + 2.5).astype(int)
    row = np.floor((points[:, 1] - side / 2) / cell + 3.5).astype(int)
    valid = (column >= 0) & (column < 5) & (row >= 0) & (row < 7)
    return np.asarray(valid & rows[np.clip(row, 0, 6), np.clip(column, 0, 4)])


@lru_cache(maxsize=64)
def draw_plate(plate: Plate, side: int = SIDE) -> Image:
    """A plate: (side, side, 3) uint8 RGB, dots on grey, the digit in the figure's colour."""
    generator = np.random.default_rng(plate.seed)
    field = dots(generator, side)
    figure, ground = colour_pair(plate.axis)
    inside = inside_digit(field[:, :2], plate.digit, side)
    jitter = generator.uniform(0.78, 1.22, len(field))[:, None]
    colours = np.where(inside[:, None], figure, ground) * jitter
    canvas = np.broadcast_to(linear(np.array([GREY / 255] * 3)), (side, side, 3)).copy()
    ys, xs = np.mgrid[0:side, 0:side] + 0.5
    for (x, y, radius), colour in zip(field, colours, strict=True):
        box = np.s_[max(0, int(y - radius - 1)) : int(y + radius + 2), max(0, int(x - radius - 1)) : int(x + radius + 2)]
        cover = np.clip(radius + 0.5 - np.hypot(xs[box] - x, ys[box] - y), 0, 1)[:, :, None]
        canvas[box] = canvas[box] * (1 - cover) + colour * cover
    return np.asarray(np.round(encoded(canvas) * 255), dtype=np.uint8)
