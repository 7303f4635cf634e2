"""The score's interval on SIMULATED groups whose errors are alike: `python -m benchmarks.interval [--quick]`.

400 calibrations of 30 groups, half of them single photos and half ladders of 15 to 30 images that err half as much; coverage is of a
photo of one of 4,000 other groups, each group counting once. Printed: by groups (what `train.calibration` does), and by images for
comparison.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from train.calibration import LEVEL, group_shares, half_width

Floats = NDArray[np.float64]


def simulated(rng: np.random.Generator, count: int, alike: float) -> tuple[Floats, list[str]]:
    """SIMULATED residuals of `count` groups; `alike` is the share of their variance that a group has in common."""
    sizes = np.where(rng.random(count) < 0.5, 1, rng.integers(15, 31, count))
    codes = np.repeat(np.arange(count), sizes)
    error = np.sqrt(alike) * rng.normal(size=count)[codes] + np.sqrt(1 - alike) * rng.normal(size=len(codes))
    return error * np.where(sizes == 1, 1.0, 0.5)[codes], codes.astype(str).tolist()


def main() -> None:
    """Calibrate, cover, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50 calibrations")
    times = 50 if parser.parse_args().quick else 400
    print(f"SIMULATED; wanted {LEVEL:.2f}; mean of {times} calibrations of 30 groups and its standard error")
    for alike in (0.0, 0.5, 0.9):
        rng = np.random.default_rng(11)
        errors, groups = simulated(rng, 4000, alike)
        sizes, shares = np.abs(errors), group_shares(groups) / 4000
        held: dict[str, list[float]] = {"groups": [], "images": []}
        for _ in range(times):
            own, names = simulated(rng, 30, alike)
            for word, width in (("groups", half_width(own, groups=names)), ("images", half_width(own))):
                held[word].append(float(shares[sizes <= (np.inf if width is None else width)].sum()))
        cells = (f"by {word} {np.mean(v):.3f} +- {np.std(v, ddof=1) / times**0.5:.3f}" for word, v in held.items())
        print(f"variance in common {alike:.1f}: {'; '.join(cells)}")


if __name__ == "__main__":
    main()
