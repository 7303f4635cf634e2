"""What a photo's pixels tell about faults: exposure, colour, sharpness by scale and place, noise, block grids, overshoot.

Hand-made and free of torch, so that faults are found by the same rules whatever network gives the score.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from distort.intake.judge import blocking, blur, colourfulness
from train.baselines.scene import features as scene_features
from train.baselines.scene import halved, normalised
from train.pixels import Pixels

Floats = NDArray[np.float64]
OCTAVES = 4
EPSILON = 1e-3


def fault_features(rgb: Pixels) -> Floats:
    """Features `(F,)` of a photo `(H, W, 3)` uint8 sRGB of at most 512 px; finite for any photo."""
    rgb = _enough(rgb)
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    plane = grey.astype(np.float64)
    found = [*_exposure(grey, rgb), *_colour(rgb), *_sharpness(plane, grey), *_grid(rgb, plane), *_overshoot(plane)]
    for image in (plane, halved(plane)):
        found += scene_features(normalised(image)[0]).tolist()
    found += [*_tints(rgb, grey), *_blocks(rgb, plane)]
    return np.nan_to_num(np.asarray(found, dtype=np.float64), nan=0.0, posinf=1e3, neginf=-1e3)


def _enough(rgb: Pixels) -> Pixels:
    """At least 32 px on each side, by repeating the border: the measures need neighbourhoods."""
    down, across = max(0, 32 - rgb.shape[0]), max(0, 32 - rgb.shape[1])
    return rgb if not (down or across) else np.asarray(np.pad(rgb, ((0, down), (0, across), (0, 0)), mode="edge"))


def _exposure(grey: Pixels, rgb: Pixels) -> list[float]:
    """Percentiles, moments, clipped shares, and the gaps of the histogram that stretched contrast leaves."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64) / grey.size
    places = np.searchsorted(np.cumsum(counts), (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)).clip(0, 255)
    inside = counts[places[0] : places[-1] + 1]
    mean = float(grey.mean())
    spread = float(grey.std())
    skew = float((((np.arange(256) - mean) ** 3) * counts).sum() / (spread**3 + 1.0))
    roughness = float(np.abs(np.diff(inside, 2)).sum()) if len(inside) > 2 else 0.0
    planes = cv2.split(rgb)
    red, green, blue = (plane >= 254 for plane in planes)
    dark = float((cv2.max(cv2.max(planes[0], planes[1]), planes[2]) <= 3).mean())
    light = float(((red & green) | (red & blue) | (green & blue)).mean())
    least = cv2.min(cv2.min(planes[0], planes[1]), planes[2])
    ends = [float(red.mean()), float(green.mean()), float(blue.mean()), float((least <= 1).mean())]
    shape = [float((inside == 0).mean()), roughness, dark**0.5, light**0.5, float(places[5] - places[1]) / 255]
    return [*(places / 255.0).tolist(), mean / 255, spread / 255, skew, *shape, *ends]


def _colour(rgb: Pixels) -> list[float]:
    """Saturation, chroma and hue: their middle, spread and ends."""
    small = np.asarray(cv2.resize(rgb, (128, 128), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    saturation = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)[..., 1].astype(np.float64) / 255
    lab = np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float64)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    low, middle, high = np.percentile(saturation, (5, 50, 95))
    steps = [float(np.percentile(chroma, p)) / 100 for p in (5, 50, 95)]
    skin = float(((lab[..., 1] > 2) & (lab[..., 2] > 2)).mean())
    means = [float(lab[..., axis].mean()) / 100 for axis in (1, 2)] + [float(lab[..., axis].std()) / 100 for axis in (1, 2)]
    grey = float((chroma < 3).mean())
    return [float(low), float(middle), float(high), *steps, *means, skin, grey, float(np.log1p(colourfulness(small)))]


def _sharpness(plane: Floats, grey: Pixels) -> list[float]:
    """Energy of the details in four octaves and their ratios, the steepest steps, the perceptual blur at two sizes."""
    levels = [plane.astype(np.float32)]
    while len(levels) < OCTAVES:
        levels.append(np.asarray(cv2.pyrDown(levels[-1])))
    energies = [float(np.log(cv2.Laplacian(level, cv2.CV_32F).var() + EPSILON)) for level in levels]
    steps = [
        step
        for pair in ((grey[:, 1:], grey[:, :-1]), (grey[1:], grey[:-1]))
        for step in _steep(np.asarray(cv2.absdiff(*pair), dtype=np.uint8))
    ]
    detail = levels[0] - cv2.GaussianBlur(levels[0], (0, 0), 0.7)
    squares = detail * detail
    tail = float(np.log((squares * squares).mean() / (squares.mean() ** 2 + EPSILON) + EPSILON))
    return [*energies, *np.diff(energies).tolist(), *steps, tail, blur(grey), blur(levels[1].clip(0, 255).astype(np.uint8))]


def _steep(change: Pixels) -> list[float]:
    """The log of the middle, 90th, 99th and 99.9th percentile of steps between neighbours."""
    counts = np.cumsum(np.bincount(change.ravel(), minlength=256)) / change.size
    found: list[float] = np.log1p(np.searchsorted(counts, (0.5, 0.9, 0.99, 0.999))).tolist()
    return found


def _tints(rgb: Pixels, grey: Pixels) -> list[float]:
    """Red and blue over green in the shadows and in the lights: a wrong white balance tints what should be white.

    Source of the idea: the white-patch method (Land and McCann, JOSA 61, 1971).
    """
    found = []
    low, high = np.percentile(grey[::2, ::2], (5, 95))
    for part in (grey <= low, grey >= high):
        red, green, blue = (float(channel[part].mean()) / 255 for channel in cv2.split(rgb))
        found += [red - green, blue - green]
    return found


def _blocks(rgb: Pixels, plane: Floats) -> list[float]:
    """By 16 px blocks: noise in the calmest, detail in the sharpest, so that a blurred background is told from a blurred subject.

    The kernel keeps noise and drops straight edges. Source: Immerkaer, Computer Vision and Image Understanding 64 (1996).
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    found: list[float] = []
    for image in (plane, halved(plane), rgb[..., 0].astype(np.float64) - rgb[..., 1]):
        means = _block_means(np.abs(cv2.filter2D(image.astype(np.float32), -1, kernel)))
        found += np.log(np.percentile(means, (10, 50, 95)) + 0.05).tolist()
    slope = np.asarray(cv2.morphologyEx(plane.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))
    reach = np.asarray(cv2.morphologyEx(plane.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((9, 9), np.uint8)))
    steep = _block_means(slope) / (_block_means(reach) + 2.0)
    return [*found, *np.percentile(steep, (50, 90, 98)).tolist()]


def _block_means(image: NDArray[Any]) -> Floats:
    size = max(1, image.shape[1] // 16), max(1, image.shape[0] // 16)
    return np.asarray(cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA), dtype=np.float64)


def _grid(rgb: Pixels, plane: Floats) -> list[float]:
    """Blocks: steps across an 8 x 8 grid at its best phase, equal neighbours, and the strongest period of the steps."""
    found = [float(np.log(blocking(rgb)))]
    for axis in (0, 1):
        change = np.abs(np.diff(plane.astype(np.float32), axis=axis))
        profile = change.mean(axis=1 - axis)
        phases = np.array([profile[phase::8].mean() for phase in range(8)]) + 0.1
        spectrum = np.abs(np.fft.rfft(profile - profile.mean()))[max(2, len(profile) // 40) :]
        peak = float(spectrum.max() / (np.median(spectrum) + EPSILON)) if len(spectrum) else 1.0
        flat = profile / (np.median(profile) + 0.1)
        found += [float(np.log(phases.max() / np.median(phases))), float(np.log1p(peak)), float(np.log1p(flat.max()))]
        found += [float((change == 0).mean()), float((change <= 1).mean()), float((flat < 0.25).mean())]
    return found


def _overshoot(image: Floats) -> list[float]:
    """How far edges swing past the levels beside them: sharpening's halo, as share of the local range."""
    plane = image.astype(np.float32)
    near, far = cv2.GaussianBlur(plane, (0, 0), 1.0), cv2.blur(plane, (13, 13))
    detail, broad = plane - near, near - far
    steep = np.abs(broad) > max(2.0, float(np.percentile(np.abs(broad[::3, ::3]), 90)))
    swing = float((detail * np.sign(broad))[steep].mean()) if steep.any() else 0.0
    kernel = np.ones((3, 3), np.uint8)
    top, bottom = cv2.dilate(plane, kernel) == plane, cv2.erode(plane, kernel) == plane
    depth = float(np.abs(cv2.Laplacian(plane, cv2.CV_32F))[top | bottom].mean()) if (top | bottom).any() else 0.0
    extremes = float((top | bottom).mean())
    ratio = float(np.log((detail.var() + EPSILON) / (broad.var() + EPSILON)))
    return [swing / (float(np.abs(broad)[steep].mean()) + 1.0) if steep.any() else 0.0, extremes, float(np.log1p(depth)), ratio]
