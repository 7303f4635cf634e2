"""What could tell who a person is: a face, text or a bar code burnt into the picture.

Everything is looked for at the working size: what can't be read there can't be read in the study either.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distort.types.arrays import Pixels
from workspace.errors import PhotoFault

FACE_SIDE = 320
"""Faces are looked for with this largest side, from a tenth of it on."""
MOST_PIECES = 600


@dataclass(frozen=True)
class Marks:
    """Counts: faces, bar codes, characters in the longest line of text."""

    faces: int = 0
    bar_codes: int = 0
    text: int = 0


def marks(rgb: Pixels, *, yunet: str = "") -> Marks:
    """Everything found in `(H, W, 3)` uint8 RGB; `yunet` is the file of OpenCV's face model, used beside the cascade."""
    import cv2

    if min(rgb.shape[:2]) < 24:
        return Marks()
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    found = faces(rgb)
    if yunet:
        found = max(found, faces_by_yunet(rgb, yunet))
    return Marks(found, bar_codes(grey), lettering(grey))


@lru_cache(maxsize=1)
def _cascade() -> Any:
    from skimage import data
    from skimage.feature import Cascade

    packaged: Any = data.lbp_frontal_face_cascade_filename
    return Cascade(packaged())


def faces(rgb: Pixels) -> int:
    """Upright frontal faces by scikit-image's cascade of local binary patterns, from about 10 % of the largest side on."""
    from distort.intake.shape import fit

    small = fit(rgb, FACE_SIDE)
    least = max(24, round(max(small.shape[:2]) / 10))
    if min(small.shape[:2]) < least:
        return 0
    found = _cascade().detect_multi_scale(
        img=small, scale_factor=1.2, step_ratio=1, min_size=(least, least), max_size=small.shape[:2]
    )
    return len(found)


def faces_by_yunet(rgb: Pixels, model: str) -> int:
    """Faces by OpenCV's YuNet (W. Wu et al. 2023) whose ONNX file the user names. Raises PhotoFault when it can't be loaded."""
    import cv2

    try:
        detector = _yunet(model)
        detector.setInputSize((rgb.shape[1], rgb.shape[0]))
        found = detector.detect(np.ascontiguousarray(rgb[:, :, ::-1]))[1]
    except cv2.error as fault:
        said = " ".join((fault.err or str(fault)).split())
        raise PhotoFault(f"the face model {model} can't be used ({said}): name OpenCV's YuNet ONNX file") from None
    return 0 if found is None else len(found)


def yunet_fault(model: str) -> str:
    """Why a file can't serve as YuNet, in one line, by a trial on a black picture; empty when it can."""
    try:
        found = faces_by_yunet(np.zeros((96, 128, 3), dtype=np.uint8), model)
    except PhotoFault as fault:
        return str(fault)
    return f"the face model {model} finds a face in a black picture: name OpenCV's YuNet ONNX file" if found else ""


@lru_cache(maxsize=1)
def _yunet(model: str) -> Any:
    import cv2

    return cv2.FaceDetectorYN.create(model, "", (320, 320), 0.8)


def bar_codes(grey: NDArray[np.uint8]) -> int:
    """Bar codes and QR codes that OpenCV finds and that are black on white there (they need not be readable)."""
    import cv2

    found = 0
    for detector in (cv2.barcode.BarcodeDetector(), cv2.QRCodeDetector()):
        try:
            hit, corners = detector.detect(grey)
        except cv2.error:
            continue
        if hit and corners is not None:
            found += sum(_is_code(grey, np.asarray(corner)) for corner in np.asarray(corners).reshape(-1, 4, 2))
    return found


def _is_code(grey: NDArray[np.uint8], corners: NDArray[Any]) -> bool:
    """Whether a quadrilateral is large enough and as much black as white, with little between."""
    import cv2

    area = abs(float(cv2.contourArea(corners.astype(np.float32))))
    mask = np.zeros(grey.shape, dtype=np.uint8)
    cv2.fillConvexPoly(mask, corners.round().astype(np.int32), 1)
    inside = grey[mask > 0].astype(np.float32)
    if area < 300 or len(inside) < 300:
        return False
    level, _ = cv2.threshold(inside.astype(np.uint8)[None], 0, 1, cv2.THRESH_OTSU)
    dark, light = inside[inside <= level], inside[inside > level]
    if min(len(dark), len(light)) < 0.2 * len(inside):
        return False
    return bool(light.mean() - dark.mean() > 60 and light.mean() - dark.mean() > 2.2 * (light.std() + dark.std()) / 2)


def lettering(grey: NDArray[np.uint8]) -> int:
    """Characters in the longest line of text, in rows or columns, dark or light."""
    import cv2

    longest = 0
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    for picture in (grey, 255 - grey, smooth, 255 - smooth):
        mask = cv2.adaptiveThreshold(picture, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 18)
        boxes = _pieces(mask)
        longest = max(longest, _longest_line(boxes), _longest_line(boxes[:, [1, 0, 3, 2]]))
    return longest


def _pieces(mask: Any) -> NDArray[np.float64]:
    """Connected pieces that may be characters: rows of x, y, width, height."""
    import cv2

    stats = np.asarray(cv2.connectedComponentsWithStats(mask, connectivity=8)[2])[1:].astype(float)
    x, y, width, height, area = stats.T
    long, short = np.maximum(width, height), np.minimum(width, height)
    ink = area / (width * height)
    good = (long >= 6) & (long <= 70) & (short >= 1) & (long <= 14 * short) & (ink > 0.15)
    picked = np.stack([x, y, width, height], axis=1)[good]
    order = np.argsort(-(long[good]), kind="stable")[:MOST_PIECES]
    return np.asarray(picked[order], dtype=np.float64)


def _longest_line(boxes: NDArray[np.float64]) -> int:
    """The longest run of pieces of like height on one line, each near the next, not mostly thin strokes."""
    if not len(boxes):
        return 0
    boxes = boxes[np.argsort(boxes[:, 0], kind="stable")]
    x, y, width, height = boxes.T
    middle = y + height / 2
    following = np.full(len(boxes), -1)
    for i in range(len(boxes)):
        gap = x - (x[i] + width[i])
        like = (
            (gap > -0.2 * height[i]) & (gap < 0.8 * height[i]) & (x > x[i])
            & (np.abs(middle - middle[i]) < 0.3 * height[i])
            & (height > 0.6 * height[i]) & (height < 1.67 * height[i])
        )  # fmt: skip
        if like.any():
            candidates = np.flatnonzero(like)
            following[i] = candidates[np.argmin(gap[candidates])]
    chains = [chain for chain in _chains(following) if (width[chain] < 0.34 * height[chain]).mean() <= 0.5]
    return max((len(chain) for chain in chains), default=0)


def _chains(following: NDArray[np.int_]) -> list[NDArray[np.int_]]:
    """The runs that following each piece's next gives, from those that nothing leads to."""
    starts = np.setdiff1d(np.arange(len(following)), following)
    chains = []
    for start in starts:
        run = [int(start)]
        while following[run[-1]] >= 0:
            run.append(int(following[run[-1]]))
        if len(run) >= 3:
            chains.append(np.asarray(run))
    return chains
