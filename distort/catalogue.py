"""Every distortion in one statement: number, name, family, function, five levels, unit, range, what it needs, source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.random import RandomState

from distort.types import blur, brightness, color, compression, denoise, noise, sharpness, spatial
from distort.types.arrays import Pixels
from distort.types.lab import Lab
from workspace.errors import UsageFault, nearest

KADID = "KADID-10k (Lin, Hosu, Saupe, QoMEX 2019), type {number:02d}"
OWN = "Buades, Coll, Morel, CVPR 2005; stands in for type 15 where its weights are missing, and is not KADID's"


@dataclass(frozen=True)
class Distortion:
    """One type of the catalogue. `levels` are the amounts of levels 1 to 5 in `unit`, in KADID's order.

    `low` and `high` bound a free amount (`whole`: it is a whole number); `uses_lab` says that the function takes the
    photo's shared Lab, `random` that it takes a random state, `needs_weights` that it takes a weights file.
    """

    number: int
    name: str
    family: str
    function: Callable[..., Pixels]
    levels: tuple[float, ...]
    unit: str
    low: float
    high: float
    whole: bool = False
    random: bool = False
    uses_lab: bool = False
    needs_weights: bool = False
    identity_levels: tuple[int, ...] = ()
    source: str = KADID

    @property
    def is_kadid(self) -> bool:
        """Whether it is one of KADID-10k's 25 types."""
        return self.source == KADID

    @property
    def origin(self) -> str:
        """Where name and levels come from."""
        return self.source.format(number=self.number)

    @property
    def summary(self) -> str:
        """What the function does: the first sentences of its docstring."""
        return (self.function.__doc__ or "").split("\n")[0].split(" KADID-10k type")[0]

    def amount(self, level: int) -> float:
        """The amount of a level 1..5. Raises UsageFault."""
        if not 1 <= level <= len(self.levels):
            raise UsageFault(f"type {self.number:02d} ({self.name}) has no level {level}: 1 to {len(self.levels)} was expected")
        return self.levels[level - 1]

    def check(self, amount: float) -> None:
        """Raise UsageFault for a free amount outside `low`..`high`, or not whole where that is needed."""
        if not self.low <= amount <= self.high:
            raise UsageFault(
                f"type {self.number:02d} ({self.name}): amount {amount:g} is outside {self.low:g} to {self.high:g} ({self.unit})"
            )
        if self.whole and amount != int(amount):
            raise UsageFault(f"type {self.number:02d} ({self.name}): amount {amount:g} is not a whole number ({self.unit})")

    def apply(
        self, rgb: Pixels, amount: float, *, rng: RandomState | None = None, lab: Lab | None = None, weights: str = ""
    ) -> Pixels:
        """`(H, W, 3)` uint8 RGB to the same, never in place; `lab` is `rgb`'s own or None. Raises UsageFault without a needed `rng`."""
        extra: dict[str, Any] = {"lab": lab} if self.uses_lab else {}
        if self.random:
            if rng is None:
                raise UsageFault(f"type {self.number:02d} ({self.name}) is random: a RandomState was expected as rng")
            extra["rng"] = rng
        if self.needs_weights:
            extra["weights"] = weights
        return self.function(rgb, amount, **extra)


_ALL = (
    Distortion(1, "gaussian_blur", "blur", blur.gaussian, (0.1, 0.5, 1, 2, 5), "sigma, px", 0.05, 50, identity_levels=(1,)),
    Distortion(2, "lens_blur", "blur", blur.lens, (1, 2, 4, 6, 8), "radius, px", 0.5, 64),
    Distortion(3, "motion_blur", "blur", blur.motion, (1, 2, 4, 6, 10), "length, px", 1, 128, random=True, identity_levels=(1,)),
    Distortion(4, "color_diffusion", "color", color.diffuse, (1, 3, 6, 8, 12), "amount", 0, 20, uses_lab=True),
    Distortion(5, "color_shift", "color", color.shift, (1, 3, 6, 8, 12), "shift, px", 0, 64, random=True),
    Distortion(6, "color_quantization", "color", color.quantize, (64, 48, 32, 16, 8), "colours", 2, 256, whole=True),
    Distortion(7, "desaturate", "color", color.saturate_hsv, (0.4, 0.2, 0.1, 0, -0.4), "factor on S", -1, 1),
    Distortion(8, "oversaturate", "color", color.saturate_lab, (1, 2, 3, 6, 9), "factor on a and b", 0, 20,
               uses_lab=True, identity_levels=(1,)),
    Distortion(9, "jpeg2000", "compression", compression.jpeg2000, (16, 32, 45, 120, 400), "ratio", 1, 2000),
    Distortion(10, "jpeg", "compression", compression.jpeg, (43, 36, 24, 7, 4), "quality", 1, 100, whole=True),
    Distortion(11, "white_noise", "noise", noise.white, (0.001, 0.002, 0.003, 0.005, 0.01), "variance", 0, 1, random=True),
    Distortion(12, "white_noise_ycbcr", "noise", noise.white_ycbcr, (0.0001, 0.0005, 0.001, 0.002, 0.003), "variance", 0, 1,
               random=True),
    Distortion(13, "impulse_noise", "noise", noise.impulse, (0.001, 0.005, 0.01, 0.02, 0.03), "density", 0, 1, random=True),
    Distortion(14, "multiplicative_noise", "noise", noise.multiplicative, (0.001, 0.005, 0.01, 0.02, 0.05), "variance", 0, 1,
               random=True),
    Distortion(15, "denoise", "noise", denoise.dncnn, (0.01, 0.03, 0.05, 0.1, 0.15), "variance", 0, 1,
               random=True, needs_weights=True),
    Distortion(16, "brighten", "brightness", brightness.brighten, (0.1, 0.2, 0.4, 0.7, 1.1), "amount", 0, 2, uses_lab=True),
    Distortion(17, "darken", "brightness", brightness.darken, (0.05, 0.1, 0.2, 0.4, 0.8), "amount", 0, 2),
    Distortion(18, "mean_shift", "brightness", brightness.mean_shift, (0.15, 0.08, 0, -0.08, -0.15), "of full range", -1, 1,
               identity_levels=(3,)),
    Distortion(19, "jitter", "spatial", spatial.jitter, (0.05, 0.1, 0.2, 0.5, 1), "offset, px", 0, 16, random=True),
    Distortion(20, "patches", "spatial", spatial.patches, (20, 40, 60, 80, 100), "count", 0, 10000, whole=True, random=True),
    Distortion(21, "pixelate", "spatial", spatial.pixelate, (0.01, 0.05, 0.1, 0.2, 0.5), "amount", 0, 0.9),
    Distortion(22, "quantization", "spatial", spatial.posterize, (20, 16, 13, 10, 7), "thresholds", 1, 255, whole=True),
    Distortion(23, "color_block", "spatial", spatial.blocks, (2, 4, 6, 8, 10), "count", 0, 10000, whole=True, random=True),
    Distortion(24, "sharpen", "sharpness", sharpness.sharpen, (1, 2, 3, 6, 12), "amount", 0, 50, uses_lab=True),
    Distortion(25, "contrast", "sharpness", sharpness.contrast, (0.3, 0.15, 0, -0.4, -0.6), "amount", -1, 1),
    Distortion(115, "denoise_nlm", "noise", denoise.non_local_means, (0.01, 0.03, 0.05, 0.1, 0.15), "variance", 0, 1,
               random=True, source=OWN),
)  # fmt: skip

CATALOGUE: dict[int, Distortion] = {d.number: d for d in _ALL}
"""Number -> distortion: KADID's 1 to 25, then ours from 100 on."""


def find(word: int | str) -> Distortion:
    """The distortion of a number or a name. Raises UsageFault naming the nearest name."""
    names = {d.name: d for d in _ALL}
    if isinstance(word, str) and word.isdigit():
        word = int(word)
    found = CATALOGUE.get(word) if isinstance(word, int) else names.get(word)
    if found is None:
        raise UsageFault(f"no distortion {word!r}{nearest(str(word), list(names))}: see `dermiqa catalogue`")
    return found
