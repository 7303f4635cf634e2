"""Compression: the file behind the pixels."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from distort.catalogue import CATALOGUE
from distort.metrics import psnr
from distort.types.compression import jpeg, jpeg2000
from tests.distort.types.pictures import noise, smooth


def test_jpeg_is_baseline_with_halved_chroma() -> None:
    """Type 10 equals Pillow's JPEG of the same quality at 4:2:0, decoded: another encoder gives the same pixels."""
    for quality in CATALOGUE[10].levels:
        stream = BytesIO()
        Image.fromarray(smooth()).save(stream, "JPEG", quality=int(quality), subsampling="4:2:0")
        expected = np.asarray(Image.open(BytesIO(stream.getvalue())))
        np.testing.assert_array_equal(jpeg(smooth(), quality), expected)


def test_jpeg2000_worsens_with_its_ratio() -> None:
    """Each level of type 09 is farther from the photo than the one before, and ratio 1 is nearly the photo itself."""
    image = (smooth(128, 160) * 0.5 + noise(128, 160) * 0.5).astype(np.uint8)
    quality = [psnr(image, jpeg2000(image, ratio)) for ratio in CATALOGUE[9].levels]
    assert quality == sorted(quality, reverse=True)
    assert psnr(image, jpeg2000(image, 1)) > 45


def test_compression_takes_any_size() -> None:
    """One pixel, one row and odd sides come back in the same shape."""
    for height, width in ((1, 1), (1, 9), (7, 3), (16, 17)):
        image = noise(height, width)
        assert jpeg(image, 4).shape == image.shape
        assert jpeg2000(image, 400).shape == image.shape
