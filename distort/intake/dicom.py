"""DICOM photographs: pixels only. Every tag is dropped; the one that says a name is burnt in becomes a flag."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distort.intake.pixels import grey
from distort.intake.read import Original, check_size
from distort.types.arrays import Pixels
from workspace.errors import MissingExtra, PhotoFault


def read_dicom(path: Path) -> Original:
    """The first frame of a DICOM file as RGB (PS3.3 C.7.6.3). Flags: `annotation` (0028,0301), `first_frame`.

    Raises PhotoFault when it holds no picture, MissingExtra without pydicom.
    """
    try:
        import pydicom
    except ImportError:
        raise MissingExtra("DICOM photographs can't be read: pydicom", "dicom") from None
    data = pydicom.dcmread(path)
    if "PixelData" not in data:
        raise PhotoFault("a DICOM file without a picture")
    check_size(int(data.Columns), int(data.Rows))
    frames = int(data.get("NumberOfFrames", 1) or 1)
    rgb = _rgb(data, _first_frame(data))
    flags = [*(["first_frame"] if frames > 1 else [])]
    if str(data.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        flags.append("annotation")
    profile = bytes(data.get("ICCProfile", b"") or b"") or None
    return Original(rgb, "DICOM", 1, profile, None, tuple(flags))


def _first_frame(data: Any) -> NDArray[Any]:
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    values: NDArray[Any] = pixel_array(data, index=0)
    if data.PhotometricInterpretation == "PALETTE COLOR":
        values = apply_color_lut(values, data)
        return np.floor(values / 257.0 + 0.5).astype(np.uint8) if values.dtype == np.uint16 else values
    return values


def _rgb(data: Any, values: NDArray[Any]) -> Pixels:
    bits = int(data.get("BitsStored", 8))
    if values.ndim == 3:
        return np.ascontiguousarray(np.floor(values * (255.0 / (2**bits - 1)) + 0.5) if bits > 8 else values).astype(np.uint8)
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    shown = np.asarray(apply_voi_lut(apply_modality_lut(values, data), data), dtype=np.float32)
    window = "WindowWidth" in data or "VOILUTSequence" in data
    low, high = (
        (float(shown.min()), float(shown.max())) if window or int(data.get("PixelRepresentation", 0)) else (0.0, 2.0**bits - 1)
    )
    plane = np.floor((shown - low) * (255.0 / max(high - low, 1e-9)) + 0.5)
    return grey(255.0 - plane if data.PhotometricInterpretation == "MONOCHROME1" else plane)
