"""Natural-scene statistics that BRISQUE and NIQE share: locally normalised luminance and fits of generalised Gaussians."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from train.pixels import open_rgb

Floats = NDArray[np.float64]
SIDE = 512
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
_SHAPES = np.arange(0.2, 10.0, 0.001)
_SYMMETRIC = gamma(1 / _SHAPES) * gamma(3 / _SHAPES) / gamma(2 / _SHAPES) ** 2
_ASYMMETRIC = 1.0 / _SYMMETRIC


def luminance(path: Path | str) -> Floats:
    """A photo's grey values 0..255, `(H, W)`, shrunk to 512 px on the longer side (never enlarged)."""
    rgb = np.asarray(open_rgb(path, at_least=SIDE))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    factor = SIDE / max(grey.shape)
    if factor < 1:
        size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return grey.astype(np.float64)


def halved(image: Floats) -> Floats:
    """Half the size, by areas."""
    size = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), float)


def normalised(image: Floats) -> tuple[Floats, Floats]:
    """Mean-subtracted, contrast-normalised coefficients and the local deviation, `(H, W)` each.

    Mittal et al. 2012, eq. 1 to 3: Gaussian window of 7 x 7, sigma 7/6, C = 1.
    """
    mean = cv2.GaussianBlur(image, (7, 7), 7 / 6, borderType=cv2.BORDER_REPLICATE)
    square = cv2.GaussianBlur(image * image, (7, 7), 7 / 6, borderType=cv2.BORDER_REPLICATE)
    deviation = np.sqrt(np.abs(square - mean * mean))
    return (image - mean) / (deviation + 1.0), np.asarray(deviation, float)


def symmetric_fit(values: Floats) -> tuple[float, float]:
    """Shape and variance of a generalised Gaussian by moments (Mittal et al. 2012, eq. 4)."""
    variance = float(np.mean(values**2))
    first = float(np.mean(np.abs(values)))
    ratio = variance / max(first * first, 1e-12)
    return float(_SHAPES[np.argmin(np.abs(_SYMMETRIC - ratio))]), variance


def asymmetric_fit(values: Floats) -> tuple[float, float, float, float]:
    """Shape, mean, left and right variance of an asymmetric generalised Gaussian (Mittal et al. 2012, eq. 8 to 11)."""
    left, right = values[values < 0], values[values > 0]
    low = float(np.sqrt(np.mean(left**2))) if len(left) else 1e-6
    high = float(np.sqrt(np.mean(right**2))) if len(right) else 1e-6
    balance = low / high
    ratio = float(np.mean(np.abs(values))) ** 2 / max(float(np.mean(values**2)), 1e-12)
    ratio *= (balance**3 + 1) * (balance + 1) / (balance**2 + 1) ** 2
    shape = float(_SHAPES[np.argmin(np.abs(_ASYMMETRIC - ratio))])
    scale = float(np.sqrt(gamma(1 / shape) / gamma(3 / shape)))
    mean = (high - low) * scale * float(gamma(2 / shape) / gamma(1 / shape))
    return shape, mean, low**2, high**2


def features(coefficients: Floats) -> Floats:
    """18 features of one scale: the coefficients' fit (2) and the fits of products with four neighbours (4 each)."""
    found = [*symmetric_fit(coefficients.ravel())]
    for down, across in SHIFTS:
        moved = np.roll(coefficients, (-down, -across), axis=(0, 1))
        found += asymmetric_fit((coefficients * moved).ravel())
    return np.array(found)
