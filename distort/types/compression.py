"""Compression: JPEG 2000 (09) and JPEG (10)."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np

from distort.types.arrays import Pixels


def jpeg2000(rgb: Pixels, ratio: float) -> Pixels:
    """Lossy JPEG 2000 (9/7 wavelet) of `ratio` times fewer bytes than the samples, decoded again. KADID-10k type 09 (imwrite, jp2)."""
    from PIL import Image

    stream = BytesIO()
    halvings = max(1, min(6, min(rgb.shape[:2]).bit_length() - 1))
    Image.fromarray(rgb).save(
        stream,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[float(ratio)],
        irreversible=True,
        mct=1,
        num_resolutions=halvings,
        progression="LRCP",
    )
    with Image.open(BytesIO(stream.getvalue())) as image:
        return np.array(image.convert("RGB"), dtype=np.uint8)


def jpeg(rgb: Pixels, quality: float) -> Pixels:
    """Baseline JPEG of this quality (1..100), chroma 4:2:0, decoded again. KADID-10k type 10 (imwrite, jpg)."""
    settings = [
        cv2.IMWRITE_JPEG_QUALITY, int(quality),
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
        cv2.IMWRITE_JPEG_PROGRESSIVE, 0,
        cv2.IMWRITE_JPEG_OPTIMIZE, 0,
    ]  # fmt: skip
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), settings)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
