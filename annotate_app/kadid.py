"""Mean opinion of KADID-10k for each distortion type and level: what an image's quality may be before anybody has rated it.

Lin, Hosu, Saupe, KADID-10k (QoMEX 2019): DMOS on 1..5 (5 = imperceptible), averaged over the 81 references.
"""

from __future__ import annotations

UNDISTORTED = 4.60
DMOS: dict[int, tuple[float, float, float, float, float]] = {
    1: (4.61, 4.38, 2.91, 1.87, 1.30), 2: (3.86, 2.65, 1.76, 1.44, 1.30), 3: (4.60, 4.10, 2.85, 2.18, 1.67),
    4: (4.50, 2.60, 1.76, 1.61, 1.39), 5: (4.23, 2.55, 1.92, 1.85, 1.86), 6: (4.11, 3.97, 3.72, 3.20, 2.43),
    7: (2.75, 2.34, 2.26, 2.24, 2.03), 8: (4.58, 3.33, 2.65, 1.82, 1.53), 9: (4.55, 4.21, 3.87, 2.45, 1.39),
    10: (4.34, 4.25, 3.87, 1.95, 1.35), 11: (3.89, 3.39, 3.05, 2.71, 2.30), 12: (4.47, 3.68, 3.17, 2.69, 2.38),
    13: (3.58, 2.93, 2.61, 2.31, 2.13), 14: (4.40, 3.58, 3.08, 2.64, 2.12), 15: (3.67, 2.73, 2.20, 1.66, 1.47),
    16: (4.51, 4.29, 3.63, 2.70, 1.81), 17: (4.60, 4.53, 4.23, 3.54, 2.22), 18: (4.22, 4.52, 4.60, 4.37, 3.90),
    19: (4.42, 4.09, 3.24, 1.85, 1.34), 20: (4.33, 3.94, 3.77, 3.46, 3.26), 21: (3.89, 3.10, 2.90, 2.79, 1.50),
    22: (4.17, 3.93, 3.69, 3.37, 2.80), 23: (2.69, 2.36, 2.30, 2.13, 2.04), 24: (3.58, 2.64, 2.14, 1.61, 1.34),
    25: (3.42, 3.86, 4.29, 4.14, 3.32),
}  # fmt: skip


def dmos_of(kadid_type: str, kadid_level: str) -> float | None:
    """DMOS 1..5 of a manifest row's type and level; the undistorted anchor for a pristine row, None where there is none."""
    if not kadid_type:
        return UNDISTORTED
    try:
        number, level = int(kadid_type), int(kadid_level)
    except ValueError:
        return None
    return DMOS[number][level - 1] if number in DMOS and 1 <= level <= 5 else None


def on_scale(dmos: float, low: float, high: float) -> float:
    """A DMOS 1..5 mapped straight to the scale `low`..`high`."""
    return low + (dmos - 1) / 4 * (high - low)
