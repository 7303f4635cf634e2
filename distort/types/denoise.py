"""Denoise (15): noise, then a denoiser. KADID's is DnCNN from a file the user names; non-local means is a substitute of ours."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import RandomState

from distort.types.arrays import Pixels, to_uint8
from distort.types.noise import white
from workspace.errors import ModelFault


def dncnn(rgb: Pixels, variance: float, *, rng: RandomState, weights: str = "") -> Pixels:
    """Normal noise of `variance`, then DnCNN on R, G and B alone. KADID-10k type 15 (denoiseImage, dncnn).

    `weights` is an ONNX file of one `(1, 1, H, W)` float input on 0..1 whose output is the noise, or the clean plane when the
    file's name ends in `.clean.onnx`. Raises ModelFault without it or when it can't be used.
    """
    if not weights:
        raise ModelFault(
            "type 15 (denoise) needs DnCNN's weights: name an ONNX file with --dncnn FILE or `dncnn` in the recipe, "
            "or take denoise_nlm, which stands in for it"
        )
    noisy = white(rgb, variance, rng=rng)
    planes = noisy.astype(np.float32) / np.float32(255)
    gives_clean = weights.endswith(".clean.onnx")
    cleaned = np.empty_like(planes)
    for k in range(3):
        output = _forward(weights, np.ascontiguousarray(planes[..., k]))
        cleaned[..., k] = output if gives_clean else planes[..., k] - output
    return to_uint8(cleaned * np.float32(255))


def non_local_means(rgb: Pixels, variance: float, *, rng: RandomState) -> Pixels:
    """Normal noise of `variance`, then non-local means (7 x 7 patches in 21 x 21, h from the noise); stands in for type 15."""
    noisy = white(rgb, variance, rng=rng)
    strength = 0.9 * 255.0 * variance**0.5
    return np.asarray(
        cv2.fastNlMeansDenoising(noisy, h=[strength] * 3, templateWindowSize=7, searchWindowSize=21, normType=cv2.NORM_L1)
    )


@lru_cache(maxsize=1)
def _network(weights: str) -> Any:
    if not Path(weights).is_file():
        raise ModelFault(f"{weights} is not there: DnCNN's weights as an ONNX file were expected")
    try:
        return cv2.dnn.readNetFromONNX(weights)
    except cv2.error:
        raise ModelFault(f"{weights} can't be read as ONNX: DnCNN's weights as an ONNX file were expected") from None


def _forward(weights: str, plane: Any) -> Any:
    network = _network(weights)
    network.setInput(plane[None, None])
    try:
        output = np.asarray(network.forward())
    except cv2.error:
        raise ModelFault(
            f"{weights} does not run on a (1, 1, {plane.shape[0]}, {plane.shape[1]}) input: DnCNN was expected"
        ) from None
    if output.shape != (1, 1, *plane.shape):
        raise ModelFault(f"{weights} gives {output.shape} for one plane of {plane.shape}: DnCNN was expected")
    return output[0, 0]
