"""Noise: white (11), white in colour components (12), impulse (13), multiplicative (14); variances on samples of 0..1."""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState

from distort.types.arrays import Pixels, to_uint8

STUDIO = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255.0
STUDIO_ZERO = np.array([16.0, 128.0, 128.0])


def white(rgb: Pixels, variance: float, *, rng: RandomState) -> Pixels:
    """Normal noise of `variance` added to every sample. KADID-10k type 11 (imnoise gaussian)."""
    noise = rng.standard_normal(rgb.shape)
    return to_uint8(rgb + noise * (255.0 * variance**0.5))


def white_ycbcr(rgb: Pixels, variance: float, *, rng: RandomState) -> Pixels:
    """Normal noise of `variance` added to Y, Cb and Cr of the studio range (BT.601). KADID-10k type 12."""
    planes = rgb @ STUDIO.T + STUDIO_ZERO
    planes += rng.standard_normal(rgb.shape) * (255.0 * variance**0.5)
    np.clip(planes, 0, 255, out=planes)
    return to_uint8((planes - STUDIO_ZERO) @ np.linalg.inv(STUDIO).T)


def impulse(rgb: Pixels, density: float, *, rng: RandomState) -> Pixels:
    """Each sample black or white with probability `density` in all, each alone. KADID-10k type 13 (imnoise salt & pepper)."""
    draw = rng.random_sample(rgb.shape)
    result = rgb.copy()
    result[draw < density / 2] = 0
    result[(draw >= density / 2) & (draw < density)] = 255
    return result


def multiplicative(rgb: Pixels, variance: float, *, rng: RandomState) -> Pixels:
    """Every sample times 1 + uniform noise of `variance`. KADID-10k type 14 (imnoise speckle)."""
    noise = (rng.random_sample(rgb.shape) - 0.5) * (12 * variance) ** 0.5
    return to_uint8(rgb * (1 + noise))
