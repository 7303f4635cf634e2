"""Judging a photo: measures at the working size, and the flags that follow from them by one table of thresholds.

A flag helps a curator choose; it never removes a photo. Measured hit and false-alarm rates stand in docs/photos.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distort.intake.alike import phash
from distort.intake.frame import border, vignette
from distort.intake.identify import Marks, marks
from distort.intake.read import Original
from distort.intake.ruler import ruler
from distort.types.arrays import Pixels

Grey = NDArray[np.uint8]
Test = Callable[[float, float], bool]


@dataclass(frozen=True)
class Threshold:
    """One row of the table: `flag` is set when `measure` is below (or above) `limit`; `why` is for people."""

    flag: str
    measure: str
    side: str
    limit: float
    why: str

    def met(self, measures: Mapping[str, float]) -> bool:
        """Whether a photo with these measures is flagged; a measure that isn't there flags nothing."""
        value = measures.get(self.measure)
        if value is None:
            return False
        return value < self.limit if self.side == "below" else value > self.limit


THRESHOLDS = (
    Threshold("too_small", "largest_side", "below", 400, "largest side of the original (after a crop), pixels"),
    Threshold("blurred", "blur", "above", 0.43, "perceptual blur at the working size, 0 sharp to 1"),
    Threshold("compressed", "jpeg_damage", "above", 0.35, "100 - quality of the JPEG, over 100, less where the photo is reduced"),
    Threshold("blocking", "blocking", "above", 1.5, "steps across an 8 x 8 grid over steps beside it"),
    Threshold("clipped_light", "clipped_light", "above", 0.02, "share of pixels with two channels at 254 or more"),
    Threshold("clipped_dark", "clipped_dark", "above", 0.02, "share of pixels with all channels at 3 or less"),
    Threshold("low_contrast", "contrast", "below", 25, "95th minus 5th percentile of the luma, grey levels"),
    Threshold("border", "border", "above", 0.02, "width of a plain frame at a side, share of that side"),
    Threshold("vignette", "vignette", "above", 0.3, "how much darker the third darkest corner is than the centre, 0 to 1"),
    Threshold("ruler", "ruler", "above", 0.6, "periodicity of marks beside a straight line, 0 to 1"),
    Threshold("text", "text", "above", 3, "characters in a row"),
    Threshold("bar_code", "bar_code", "above", 0, "bar or QR codes found"),
    Threshold("face", "face", "above", 0, "faces found"),
)


def judge(rgb: Pixels, original: Original, *, reduced: float = 1.0, yunet: str = "") -> tuple[dict[str, str], list[str]]:
    """Measures by name (as text) and the flags of one photo at its working size, `(H, W, 3)` uint8 sRGB.

    `reduced` is how many times smaller than the original (as cropped) it is; `yunet` the file of a face model.
    """
    found = marks(rgb, yunet=yunet)
    numbers = measure(rgb, original, reduced, found)
    flags = [row.flag for row in THRESHOLDS if row.met(numbers)]
    texts = {name: f"{value:.4g}" for name, value in numbers.items()}
    return {**texts, "phash": phash(rgb)}, flags


def measure(rgb: Pixels, original: Original, reduced: float, found: Marks) -> dict[str, float]:
    """Every measure of the table and the three of variety: `si`, `colourfulness`, `brightness`."""
    import cv2

    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    low, high = np.percentile(grey, (5, 95))
    numbers = {
        "largest_side": max(rgb.shape[:2]) * reduced,
        "blur": blur(grey),
        "contrast": float(high - low),
        "brightness": float(grey.mean()),
        "colourfulness": colourfulness(rgb),
        "si": spatial_information(grey),
        "clipped_dark": float((rgb.max(axis=2) <= 3).mean()),
        "clipped_light": float(((rgb >= 254).sum(axis=2) >= 2).mean()),
        "border": border(grey),
        "vignette": vignette(grey),
        "ruler": ruler(grey),
        "text": float(found.text),
        "bar_code": float(found.bar_codes),
        "face": float(found.faces),
    }
    if original.quality is not None:
        numbers["jpeg_quality"] = original.quality
        numbers["jpeg_damage"] = (100.0 - original.quality) / 100.0 / min(reduced, 4.0) ** 0.5
    if reduced < 2:
        numbers["blocking"] = blocking(original.rgb)
    return numbers


def blur(grey: Grey) -> float:
    """Perceptual blur 0..1: how little a photo changes when it is blurred again.

    Source: F. Crete et al., The blur effect, Proc. SPIE 6492 (2007), with its window of 9 and both directions.
    """
    import cv2

    plane = grey.astype(np.float32)
    worst = 0.0
    for size, axis in (((9, 1), 1), ((1, 9), 0)):
        smooth = np.asarray(cv2.blur(plane, size))
        sharp_steps = np.abs(np.diff(plane, axis=axis))
        lost = np.maximum(0.0, sharp_steps - np.abs(np.diff(smooth, axis=axis)))
        total = float(sharp_steps.sum())
        worst = max(worst, (total - float(lost.sum())) / total if total > 0 else 1.0)
    return worst


def blocking(rgb: Pixels) -> float:
    """Mean step of the luma across the borders of 8 x 8 blocks over that beside them, on at most 1024 x 1024 central pixels.

    1 without blocks. The blocks start at the original's corner, as a JPEG's do; both directions, the greater counts.
    """
    import cv2

    height, width = rgb.shape[:2]
    if min(height, width) < 48:
        return 1.0
    top, left = max(0, (height - 1024) // 16) * 8, max(0, (width - 1024) // 16) * 8
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb[top : top + 1024, left : left + 1024]), cv2.COLOR_RGB2GRAY))
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(grey.astype(np.int16), axis=axis)).mean(axis=1 - axis)
        at = np.arange(len(steps)) % 8 == 7
        ratios.append((float(steps[at].mean()) + 0.5) / (float(steps[~at].mean()) + 0.5))
    return max(ratios)


def spatial_information(grey: Grey) -> float:
    """SI of ITU-T P.910 (10/2023), clause 7.7: standard deviation of the Sobel gradient's magnitude of the luma."""
    import cv2

    plane = grey.astype(np.float32)
    across, down = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
    return float(np.hypot(across, down)[1:-1, 1:-1].std()) if min(grey.shape) > 2 else 0.0


def colourfulness(rgb: Pixels) -> float:
    """Colourfulness M3 of D. Hasler and S. Süsstrunk, Measuring colourfulness in natural images (2003); 0 for greys."""
    red, green, blue = (rgb[:, :, i].astype(np.float32) for i in range(3))
    first, second = red - green, (red + green) / 2 - blue
    spread = np.hypot(first.std(), second.std())
    return float(spread + 0.3 * np.hypot(first.mean(), second.mean()))
