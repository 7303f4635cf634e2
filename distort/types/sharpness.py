"""Sharpness and contrast: high sharpen (24), contrast change (25)."""

from __future__ import annotations

import cv2
import numpy as np

from distort.types.arrays import Pixels, Plane, curve_table
from distort.types.lab import Lab, to_rgb


def sharpen(rgb: Pixels, amount: float, *, lab: Lab | None = None) -> Pixels:
    """Unsharp mask of Lab's L alone: L + amount x (L - its Gaussian mean, sigma 3). KADID-10k type 24 (imsharpen, radius 3)."""
    lab = lab or Lab(rgb)
    return to_rgb(lab.planes, lab.detail * np.float32(amount))


def spline(x: Plane, amount: float) -> Plane:
    """The not-a-knot cubic spline through (0,0), (.3,.25-A/4), (.5,.5), (.7,.75+A/4), (1,1), in closed form.

    With u = x - .5 it is .5 + k u + c u^3, c = -(.05 + A/4) / .042, k = 1 - c / 4. A > -0.2 strengthens contrast,
    A < -0.2 weakens it, A = -0.2 is the identity.
    """
    u = x - 0.5
    c = -(0.05 + amount / 4) / 0.042
    return 0.5 + (1 - c / 4) * u + c * u**3


def contrast(rgb: Pixels, amount: float) -> Pixels:
    """The spline of `amount` (-0.6..0.3) on every sample of R, G, B, clipped. KADID-10k type 25."""
    return np.asarray(cv2.LUT(rgb, curve_table(spline, amount)))
