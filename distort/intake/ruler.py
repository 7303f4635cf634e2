"""Rulers: a straight edge with marks at equal distances, at any angle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_LENGTH = 55
MOST_LINES = 12
OFFSETS = (2.0, 3.5, 5.0)


def ruler(grey: NDArray[np.uint8]) -> float:
    """How periodic the marks beside the best long straight line are, 0 to 1, in `(H, W)` uint8; 0 when there is no line.

    Lines come from a probabilistic Hough transform over thin dark or light strokes; beside each one the luma is read along
    parallels and the share of its spectrum at the strongest period between 3 and 25 pixels (with its harmonic) is taken.
    """
    import cv2

    best = 0.0
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    for kind in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        strokes = cv2.morphologyEx(grey, kind, kernel)
        mask = np.asarray(strokes > max(12.0, float(np.percentile(strokes, 90)))).astype(np.uint8)
        for line in _lines(mask):
            best = max(best, *(_periodicity(_along(strokes, line, side * offset)) for offset in OFFSETS for side in (-1, 1)))
    return best


def _lines(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The longest straight segments of a mask: rows of x1, y1, x2, y2."""
    import cv2

    cv2.setRNGSeed(0)
    found = cv2.HoughLinesP(mask, 1, np.pi / 180, 45, minLineLength=LEAST_LENGTH, maxLineGap=4)
    if found is None:
        return np.empty((0, 4))
    lines = np.asarray(found, dtype=np.float64).reshape(-1, 4)
    lengths = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
    picked: NDArray[np.float64] = lines[np.argsort(-lengths, kind="stable")[:MOST_LINES]]
    return picked


def _along(strokes: Any, line: NDArray[np.float64], offset: float) -> NDArray[np.float32]:
    """Samples at every pixel along a segment that is moved sideways by `offset` pixels."""
    import cv2

    x1, y1, x2, y2 = line
    length = float(np.hypot(x2 - x1, y2 - y1))
    across = np.array([-(y2 - y1), x2 - x1]) / length * offset
    steps = np.linspace(0.0, 1.0, int(length))
    xs = (x1 + (x2 - x1) * steps + across[0]).astype(np.float32)[None]
    ys = (y1 + (y2 - y1) * steps + across[1]).astype(np.float32)[None]
    samples: NDArray[np.float32] = np.asarray(cv2.remap(strokes, xs, ys, cv2.INTER_LINEAR), dtype=np.float32)[0]
    return samples


def _periodicity(samples: NDArray[np.float32]) -> float:
    count = len(samples)
    if count < LEAST_LENGTH or float(samples.max()) < 12:
        return 0.0
    power = np.abs(np.fft.rfft((samples - samples.mean()) * np.hanning(count))) ** 2
    first, last = max(9, count // 25), count // 3
    total = float(power[1:].sum())
    if last <= first or total <= 0:
        return 0.0
    peak = first + int(np.argmax(power[first : last + 1]))
    around = [power[max(1, k * peak - 1) : k * peak + 2].sum() for k in (1, 2) if k * peak < len(power)]
    return float(sum(around)) / total
