"""Every distortion in one statement: number, name, family, function, five levels, unit, source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.random import RandomState

from distort.types import blur, brightness, color, compression, sharpness, spatial
from distort.types.arrays import Pixels
from distort.types.lab import Lab
from workspace.errors import UsageFault, nearest

KADID = "KADID-10k (Lin, Hosu, Saupe, QoMEX 2019), type {number:02d}"


@dataclass(frozen=True)
class Distortion:
    """One type of the catalogue. `levels` are the amounts of levels 1 to 5 in `unit`, weakest first in KADID's order.

    `low` and `high` bound a free amount; `uses_lab` says that the function takes the photo's shared Lab.
    """

    number: int
    name: str
    family: str
    function: Callable[..., Pixels]
    levels: tuple[float, ...]
    unit: str
    low: float
    high: float
    random: bool = False
    uses_lab: bool = False
    identity_levels: tuple[int, ...] = ()
    source: str = KADID

    @property
    def origin(self) -> str:
        """Where name and levels come from."""
        return self.source.format(number=self.number)

    @property
    def summary(self) -> str:
        """The first sentence of the function's docstring."""
        return (self.function.__doc__ or "").split("\n")[0].split(". KADID-10k")[0].rstrip(".")

    def amount(self, level: int) -> float:
        """The amount of a level 1..5. Raises UsageFault."""
        if not 1 <= level <= len(self.levels):
            raise UsageFault(f"type {self.number:02d} ({self.name}) has no level {level}: 1 to {len(self.levels)} was expected")
        return self.levels[level - 1]

    def check(self, amount: float) -> None:
        """Raise UsageFault for a free amount outside `low`..`high`."""
        if not self.low <= amount <= self.high:
            raise UsageFault(
                f"type {self.number:02d} ({self.name}): amount {amount:g} is outside {self.low:g} to {self.high:g} ({self.unit})"
            )

    def apply(self, rgb: Pixels, amount: float, *, rng: RandomState | None = None, lab: Lab | None = None) -> Pixels:
        """`(H, W, 3)` uint8 RGB to the same, never in place; `rng` is needed by random types, `lab` is `rgb`'s own or None."""
        extra: dict[str, Any] = {"lab": lab} if self.uses_lab else {}
        if self.random:
            extra["rng"] = rng
        return self.function(rgb, amount, **extra)


_ALL = (
    Distortion(1, "gaussian_blur", "blur", blur.gaussian, (0.1, 0.5, 1, 2, 5), "sigma, px", 0.05, 50, identity_levels=(1,)),
    Distortion(7, "desaturate", "color", color.saturate_hsv, (0.4, 0.2, 0.1, 0, -0.4), "factor on S", -1, 1),
    Distortion(8, "oversaturate", "color", color.saturate_lab, (1, 2, 3, 6, 9), "factor on a, b", 0, 20, uses_lab=True,
               identity_levels=(1,)),
    Distortion(10, "jpeg", "compression", compression.jpeg, (43, 36, 24, 7, 4), "quality", 1, 100),
    Distortion(16, "brighten", "brightness", brightness.brighten, (0.1, 0.2, 0.4, 0.7, 1.1), "amount", 0, 2, uses_lab=True),
    Distortion(17, "darken", "brightness", brightness.darken, (0.05, 0.1, 0.2, 0.4, 0.8), "amount", 0, 2),
    Distortion(18, "mean_shift", "brightness", brightness.mean_shift, (0.15, 0.08, 0, -0.08, -0.15), "of full range", -1, 1,
               identity_levels=(3,)),
    Distortion(21, "pixelate", "spatial", spatial.pixelate, (0.01, 0.05, 0.1, 0.2, 0.5), "amount", 0, 0.9),
    Distortion(24, "sharpen", "sharpness", sharpness.sharpen, (1, 2, 3, 6, 12), "amount", 0, 50, uses_lab=True),
    Distortion(25, "contrast", "sharpness", sharpness.contrast, (0.3, 0.15, 0, -0.4, -0.6), "amount", -1, 1),
)  # fmt: skip

CATALOGUE: dict[int, Distortion] = {d.number: d for d in _ALL}
"""Number -> distortion."""


def find(word: int | str) -> Distortion:
    """The distortion of a number (1..25) or a name. Raises UsageFault naming the nearest name."""
    names = {d.name: d for d in _ALL}
    if isinstance(word, str) and word.isdigit():
        word = int(word)
    found = CATALOGUE.get(word) if isinstance(word, int) else names.get(word)
    if found is None:
        raise UsageFault(f"no distortion {word!r}{nearest(str(word), list(names))}: see `dermiqa catalogue`")
    return found
