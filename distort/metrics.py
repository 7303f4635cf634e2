"""Fidelity of a variant to its pristine photo: PSNR, SSIM, and the share of clipped samples."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from distort.types.arrays import Pixels

Float32 = NDArray[np.float32]

TAPS = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
TAPS /= TAPS.sum()
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(first: Pixels, second: Pixels) -> float:
    """Peak signal-to-noise ratio in dB over all samples of two `(H, W, 3)` uint8 images; infinite when they are equal."""
    squares = cv2.norm(first, second, cv2.NORM_L2SQR)
    return math.inf if squares == 0 else 10 * math.log10(255**2 * first.size / squares)


def clipped(rgb: Pixels) -> float:
    """Share of samples that are 0 or 255, 0..1."""
    return np.count_nonzero((rgb == 0) | (rgb == 255)) / rgb.size


def _centred_luma(rgb: Pixels) -> Float32:
    """Rec. 601 luma less 128, so that float32 keeps the variances."""
    weights = np.array([[0.299, 0.587, 0.114, -128.0]], dtype=np.float32)
    return np.asarray(cv2.transform(rgb.astype(np.float32), weights), dtype=np.float32)


def _mean(plane: Float32) -> Float32:
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_32F, TAPS, TAPS, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


class Ssim:
    """SSIM of many images against one reference, whose own means are computed once.

    On luma, Gaussian window 11 x 11 of sigma 1.5, K1 .01, K2 .03, mean over the places where the whole window fits
    (over all places in images smaller than the window). Source: Wang, Bovik, Sheikh, Simoncelli 2004, eq. 13.
    """

    def __init__(self, reference: Pixels) -> None:
        self._luma = _centred_luma(reference)
        self._mean = _mean(self._luma)
        self._variance = _mean(self._luma * self._luma) - self._mean**2
        self._light = self._mean + 128
        self._square = self._light**2 + np.float32(C1)

    def of(self, image: Pixels) -> float:
        """SSIM of an `(H, W, 3)` uint8 image of the reference's size, at most 1; 1 when equal."""
        luma = _centred_luma(image)
        mean = _mean(luma)
        covariance = _mean(self._luma * luma)
        variance = _mean(np.multiply(luma, luma, out=luma))
        covariance -= self._mean * mean
        variance -= mean * mean
        variance += self._variance
        variance += np.float32(C2)
        covariance *= 2
        covariance += np.float32(C2)
        mean += 128
        covariance *= 2 * mean * self._light + np.float32(C1)
        variance *= np.multiply(mean, mean, out=mean) + self._square
        covariance /= variance
        inner = covariance[5:-5, 5:-5] if min(covariance.shape) > 10 else covariance
        return float(inner.mean(dtype=np.float64))
