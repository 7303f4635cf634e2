"""Colours that a file names without an ICC profile."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from distort.intake.matrix_profile import SRGB_CURVE, matrix_profile, to_d50
from distort.intake.one import pristine
from distort.intake.pixels import colours, to_srgb
from distort.intake.read import read_photo
from distort.intake.shape import Edits
from distort.intake.tagged import PRIMARIES, profile_of
from tests.distort.intake.heic import with_nclx
from tests.distort.intake.pictures import photo

P3_TO_SRGB = np.array(
    [[1.2249401, -0.2249404, 0.0], [-0.0420569, 1.0420571, 0.0], [-0.0196376, -0.0786361, 1.0982735]]
)  # Display P3 to sRGB, linear light, as published with CSS Color 4
P3_CHRM = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def light(values: np.ndarray) -> np.ndarray:
    """Linear light of sRGB samples 0..255."""
    v = values / 255.0
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def samples(linear: np.ndarray) -> np.ndarray:
    """sRGB samples of linear light, rounded half up."""
    v = np.clip(linear, 0, 1)
    return np.floor(np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055) * 255 + 0.5)


def from_p3(rgb: np.ndarray) -> np.ndarray:
    """What Display P3 samples are in sRGB."""
    return samples(light(rgb.astype(float)) @ P3_TO_SRGB.T)


def png_with(rgb: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with these chunks before its pixels."""
    info = PngImagePlugin.PngInfo()
    for kind, body in chunks:
        info.add(kind, body)
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def read(path: Path) -> tuple[np.ndarray, list[str]]:
    """A file's pristine pixels and flags."""
    return pristine(read_photo(path), Edits(), 4096)


@pytest.fixture
def colourful() -> np.ndarray:
    """A picture with every kind of colour."""
    return np.random.RandomState(3).randint(0, 256, (40, 60, 3)).astype(np.uint8)


def test_srgbs_own_points_give_the_published_matrix() -> None:
    """BT.709's primaries under D65 adapt to the D50 colorants that sRGB's profile states."""
    published = [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
    matrix = to_d50(*PRIMARIES[1])
    assert matrix is not None
    assert np.abs(matrix - published).max() < 2e-4
    assert to_d50((0.6, 0.3, 0.6, 0.3, 0.1, 0.1), (0.31, 0.33)) is None
    assert matrix_profile((0.6, 0.0, 0.3, 0.6, 0.1, 0.1), (0.31, 0.33), 2.2) is None


def test_a_made_profile_converts_as_the_formula_says(colourful: np.ndarray) -> None:
    """Display P3 and three powers, to one step; sRGB itself moves nothing."""
    p3 = matrix_profile(*PRIMARIES[12], SRGB_CURVE)
    assert colours(p3) == "RGB"
    assert np.abs(to_srgb(colourful, p3)[0] - from_p3(colourful)).max() <= 1
    for power in (1.0, 2.2, 2.8):
        moved, flags = to_srgb(colourful, matrix_profile(*PRIMARIES[1], power))
        assert flags == ["profile_converted"]
        assert np.abs(moved - samples((colourful / 255.0) ** power)).max() <= 1
    same, flags = to_srgb(colourful, matrix_profile(*PRIMARIES[1], SRGB_CURVE))
    assert flags == []
    assert same is colourful


@pytest.mark.parametrize(
    "chunks", [[(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", P3_CHRM)], [(b"cICP", bytes([12, 13, 0, 1]))]]
)
def test_a_png_that_names_display_p3_looks_right(
    tmp_path: Path, colourful: np.ndarray, chunks: list[tuple[bytes, bytes]]
) -> None:
    """By chromaticities or by code points: the pixels come out in sRGB, and flagged."""
    (tmp_path / "a.png").write_bytes(png_with(colourful, *chunks))
    rgb, flags = read(tmp_path / "a.png")
    assert flags == ["profile_converted"]
    assert np.abs(rgb - from_p3(colourful)).max() <= 1


@pytest.mark.parametrize(
    ("chunks", "flags"),
    [
        ([(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000))], []),
        ([(b"gAMA", struct.pack(">I", 45455))], []),
        ([(b"gAMA", struct.pack(">I", 0))], ["profile_ignored"]),
        ([(b"cHRM", bytes(32))], ["profile_ignored"]),
        ([(b"cICP", bytes([9, 16, 0, 1]))], ["profile_ignored"]),
        ([(b"cICP", bytes([2, 2, 0, 1]))], []),
    ],
)
def test_what_is_srgb_or_makes_no_sense_moves_nothing(
    tmp_path: Path, colourful: np.ndarray, chunks: list[tuple[bytes, bytes]], flags: list[str]
) -> None:
    """sRGB's chunk goes before gAMA, 1/2.2 stands for sRGB; impossible values and high dynamic range are flagged."""
    (tmp_path / "a.png").write_bytes(png_with(colourful, *chunks))
    rgb, found = read(tmp_path / "a.png")
    assert found == flags
    assert np.array_equal(rgb, colourful)


def test_an_embedded_profile_goes_before_other_tags(tmp_path: Path, colourful: np.ndarray) -> None:
    """With an ICC profile nothing else is asked."""
    profile = matrix_profile(*PRIMARIES[12], SRGB_CURVE)
    stream = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", struct.pack(">I", 100000))
    Image.fromarray(colourful).save(stream, "PNG", pnginfo=info, icc_profile=profile)
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    assert np.abs(read(tmp_path / "a.png")[0] - from_p3(colourful)).max() <= 1


@pytest.mark.parametrize("picture", ["colour", "grey"])
def test_an_avif_that_names_display_p3_looks_right(tmp_path: Path, picture: str) -> None:
    """`nclx` with primaries 12: the decoded pixels are taken as Display P3; a grey stays grey."""
    rgb = photo(60, 90, 4) if picture == "colour" else np.repeat(photo(60, 90, 4)[:, :, :1], 3, axis=2)
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "AVIF", quality=100, subsampling="4:4:4")
    plain = stream.getvalue()
    (tmp_path / "plain.avif").write_bytes(plain)
    place = plain.index(b"colrnclx") + 8
    (tmp_path / "p3.avif").write_bytes(plain[:place] + struct.pack(">H", 12) + plain[place + 2 :])
    before, flags = read(tmp_path / "plain.avif")
    assert flags == []
    after, flags = read(tmp_path / "p3.avif")
    assert flags == ["profile_converted"]
    assert np.abs(after - from_p3(before)).max() <= 1
    assert picture == "colour" or int(np.ptp(after, axis=2).max()) <= 1


def test_a_heic_that_names_display_p3_looks_right(shared: Path, tmp_path: Path) -> None:
    """A camera's HEIC whose `nclx` names primaries 12 is taken as Display P3; the same file without it as sRGB."""
    plain = shared / "images" / "odd" / "exif_samples" / "heic__samplefilehub.heif"
    (tmp_path / "p3.heic").write_bytes(with_nclx(plain.read_bytes(), 12, 13))
    before, without = read(plain)
    after, named = read(tmp_path / "p3.heic")
    assert "profile_converted" in named
    assert "profile_converted" not in without
    assert np.abs(after - from_p3(before)).max() <= 1
    assert np.abs(after - before).max() > 5


@pytest.mark.slow
def test_one_picture_under_four_gammas_looks_alike(shared: Path) -> None:
    """PngSuite's files of one picture, written with gAMA .45 to 2.5, come within a few steps; unconverted they are 49 apart."""
    files = sorted((shared / "images" / "odd").rglob("*pngsuite__g??n2c08.png"))
    assert len(files) == 4
    found = np.array([read(path)[0].mean(axis=(0, 1)) for path in files])
    raw = np.array([read_photo(path).rgb.mean(axis=(0, 1)) for path in files])
    assert np.ptp(found, axis=0).max() < 6 < 45 < np.ptp(raw, axis=0).max()


@given(st.binary(max_size=400), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\0\0\0\x1cftypavif\0\0\0\0", b""]))
def test_no_bytes_stop_it(body: bytes, head: bytes) -> None:
    """Damaged tags give no profile, never an error."""
    made, _ = profile_of(head + body)
    assert made is None or colours(made) == "RGB"
