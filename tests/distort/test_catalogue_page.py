"""docs/distortions.md is what the catalogue says today."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distort.catalogue import CATALOGUE
from distort.catalogue_page import FOLDER, PHOTO, jpeg_bytes, strips, text
from distort.metrics import psnr

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_current() -> None:
    """The page is the catalogue's own text; `scripts/docs` rewrites it."""
    assert (DOCS / "distortions.md").read_text(encoding="utf-8") == text()


def test_every_type_that_runs_has_a_picture() -> None:
    """The folder of pictures holds one file for each type but the one without weights, and no other."""
    expected = {f"{d.number:02d}_{d.name}.jpg" for d in CATALOGUE.values() if not d.needs_weights}
    assert {p.name for p in (DOCS / FOLDER).iterdir()} == expected


@pytest.mark.slow
def test_the_pictures_are_current(demo_photos: Path) -> None:
    """Each picture equals what the distortions make today, at 48 dB or more."""
    for name, strip in strips(demo_photos / PHOTO):
        expected = np.asarray(Image.open(BytesIO(jpeg_bytes(strip))))
        assert psnr(np.asarray(Image.open(DOCS / FOLDER / name)), expected) >= 48, name
