"""PNG: what is written is what other readers see; what is damaged is refused."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from distort.png import chunks, decode, encode, read_rgb, write_png
from tests.distort.sets import picture
from workspace.errors import PhotoFault


@settings(max_examples=60, deadline=None)
@given(st.tuples(st.integers(1, 70), st.integers(1, 70)).flatmap(lambda s: arrays(np.uint8, (*s, 3))))
def test_three_readers_see_the_same_pixels(rgb: np.ndarray) -> None:
    """Any picture from 1 x 1 on comes back sample for sample in Pillow, in OpenCV and here."""
    data = encode(rgb)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(data))), rgb)
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1], rgb)
    np.testing.assert_array_equal(decode(data, "it"), rgb)


def test_only_the_needed_chunks_are_written() -> None:
    """A file holds IHDR, sRGB (perceptual), IDAT and IEND: no text, no time, no metadata."""
    found = list(chunks(encode(picture(40, 50, 1)), "it"))
    assert [kind for kind, _ in found] == [b"IHDR", b"sRGB", b"IDAT", b"IEND"]
    assert found[1][1] == b"\x00"


def test_a_view_is_written_as_it_looks() -> None:
    """Flipped and sliced arrays, which are not contiguous, are written as they are indexed."""
    rgb = picture(40, 50, 1)[::-1, 3:, ::-1]
    np.testing.assert_array_equal(decode(encode(rgb), "it"), rgb)


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 3), np.uint16), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    """16-bit, grey, float and empty arrays are refused rather than garbled."""
    with pytest.raises(PhotoFault, match=r"can't be written as PNG: \(H, W, 3\) uint8 was expected"):
        encode(array)


def test_damage_is_named(tmp_path: Path) -> None:
    """A missing, foreign, cut or flipped file is refused with what is wrong and where."""
    path = tmp_path / "a.png"
    with pytest.raises(PhotoFault, match=r"a\.png can't be read: No such file"):
        read_rgb(path)
    data = write_png(path, picture(40, 50, 1))
    for size in (10, 60, len(data) - 13, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(PhotoFault, match=f"is cut off after {size} bytes"):
            read_rgb(path)
    path.write_bytes(data[:400] + bytes([data[400] ^ 1]) + data[401:])
    with pytest.raises(PhotoFault, match=r"is damaged \(chunk b'IDAT' at byte 46\)"):
        read_rgb(path)
    path.write_bytes(b"\xff\xd8\xff\xe0 a JPEG")
    with pytest.raises(PhotoFault, match="is not a PNG"):
        read_rgb(path)


def test_pngcheck_finds_no_fault(tmp_path: Path) -> None:
    """The tool that checks PNG files against the standard passes ours, of odd sizes and of noise."""
    if not shutil.which("pngcheck"):
        pytest.skip("pngcheck is not installed")
    for k, size in enumerate([(1, 1), (3, 200), (97, 31), (384, 512)]):
        write_png(tmp_path / f"{k}.png", np.random.RandomState(k).randint(0, 256, (*size, 3)).astype(np.uint8))
        write_png(tmp_path / f"{k}p.png", picture(*size, k))
    done = subprocess.run(["pngcheck", "-q", *map(str, tmp_path.glob("*.png"))], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip().replace("OK", "")) == (0, "")
