"""Measures, flags and the table of thresholds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import uniform_filter1d

from distort.intake.alike import Alike, phash
from distort.intake.frame import border, vignette
from distort.intake.identify import bar_codes, faces, lettering
from distort.intake.judge import THRESHOLDS, blocking, blur, colourfulness, judge, spatial_information
from distort.intake.notes import MEASURES
from distort.intake.read import Original, read_photo
from distort.intake.ruler import ruler
from distort.intake.shape import fit
from tests.distort.intake.pictures import photo


@pytest.fixture(scope="module")
def skin(demo_photos: Path) -> np.ndarray:
    """A sharp photo of skin at the working size."""
    return fit(read_photo(demo_photos / "nummular_eczema.jpg").rgb, 512)


def flags(rgb: np.ndarray) -> list[str]:
    """The flags of pixels."""
    return judge(rgb, Original(rgb, "PNG"))[1]


def test_every_threshold_has_its_measure_and_its_column(skin: np.ndarray) -> None:
    """Each row of the table names a measure that is taken, and each measure has its column in reports/photos.csv."""
    import io

    stream = io.BytesIO()
    Image.fromarray(skin).save(stream, format="JPEG", quality=80)
    measures, _ = judge(skin, Original(skin, "JPEG", quality=80))
    assert {row.measure for row in THRESHOLDS} <= set(measures)
    assert set(measures) <= set(MEASURES)
    assert len({row.flag for row in THRESHOLDS}) == len(THRESHOLDS)


def test_a_good_photo_has_no_flag(skin: np.ndarray) -> None:
    """A sharp, well exposed photo of skin is not flagged."""
    assert flags(skin) == []


def test_faults_are_flagged(skin: np.ndarray) -> None:
    """Blur, lost tones, flatness, a frame and dark corners each set their flag."""
    import cv2

    assert "blurred" in flags(cv2.GaussianBlur(skin, (0, 0), 2.5))
    assert "clipped_light" in flags(np.clip(skin * 2.0, 0, 255).astype(np.uint8))
    assert "clipped_dark" in flags(np.clip(skin.astype(int) - 250, 0, 255).astype(np.uint8))
    assert "low_contrast" in flags((128 + (skin.astype(float) - 128) * 0.1).astype(np.uint8))
    assert "border" in flags(np.pad(skin, ((20, 20), (0, 0), (0, 0)), constant_values=255))
    dark = skin.copy()
    for corner in (dark[:40, :40], dark[:40, -40:], dark[-40:, :40]):
        corner[:] = 5
    assert "vignette" in flags(dark)
    assert "too_small" in flags(fit(skin, 200))


def test_compression_is_seen_in_the_file_and_in_the_pixels(skin: np.ndarray, tmp_path: Path) -> None:
    """The quality is read from the tables within a point, and blocks are seen after the JPEG became a PNG."""
    for quality in (20, 50, 90):
        Image.fromarray(skin).save(tmp_path / "a.jpg", quality=quality)
        original = read_photo(tmp_path / "a.jpg")
        assert original.quality == pytest.approx(quality, abs=1)
    Image.fromarray(skin).save(tmp_path / "a.jpg", quality=30)
    saved = read_photo(tmp_path / "a.jpg").rgb
    assert "compressed" in judge(saved, read_photo(tmp_path / "a.jpg"))[1]
    assert "blocking" in flags(saved)
    assert blocking(skin) < 1.3 < 1.5 < blocking(saved)


def test_blur_is_cretes() -> None:
    """The measure is the paper's, stated again with SciPy: what a box of nine takes from the steps between neighbours."""
    grey = photo(200, 300)[:, :, 1].astype(float)
    shares = []
    for axis in (0, 1):
        sharp = np.abs(np.diff(grey, axis=axis))
        smooth = np.abs(np.diff(uniform_filter1d(grey, 9, axis=axis, mode="mirror"), axis=axis))
        lost = np.maximum(0, sharp - smooth).sum()
        shares.append((sharp.sum() - lost) / sharp.sum())
    assert blur(grey.astype(np.uint8)) == pytest.approx(max(shares), abs=1e-4)


def test_information_and_colour_by_hand() -> None:
    """A grey picture has no colour; half red and half green have the value of the paper's formula; an edge has its SI."""
    grey = np.full((40, 40, 3), 90, dtype=np.uint8)
    assert colourfulness(grey) == 0
    assert spatial_information(grey[:, :, 0]) == 0
    two = np.zeros((10, 10, 3), dtype=np.uint8)
    two[:5, :, 0] = 255
    two[5:, :, 1] = 255
    assert colourfulness(two) == pytest.approx(255 + 0.3 * 127.5, abs=0.1)
    step = np.zeros((12, 12), dtype=np.uint8)
    step[:, 6:] = 100
    share = 2 / 10
    assert spatial_information(step) == pytest.approx(400 * (share * (1 - share)) ** 0.5, rel=1e-5)


def test_frames_and_corners_are_measured() -> None:
    """A frame's width and the corners' darkness come out as the share that was put in."""
    picture = photo(100, 200)[:, :, 0]
    framed = np.pad(picture, ((0, 25), (0, 0)), constant_values=7)
    assert border(framed) == pytest.approx(0.2)
    assert border(np.full((30, 30), 9, dtype=np.uint8)) == 1
    light = np.full((100, 100), 200, dtype=np.uint8)
    assert vignette(light) == 0
    light[:5, :5] = light[:5, -5:] = light[-5:, :5] = 50
    assert vignette(light) == pytest.approx(0.75)


def test_a_face_is_found_and_skin_is_none(skin: np.ndarray) -> None:
    """The astronaut that scikit-image carries has a face; a photo of skin has none."""
    from skimage.data import astronaut

    assert faces(astronaut()) >= 1
    assert faces(skin) == 0


def test_text_and_codes_are_found(skin: np.ndarray) -> None:
    """A drawn line of text, upright or turned, a QR code and nothing at all are told apart."""
    import cv2
    import segno

    written = skin.copy()
    cv2.putText(written, "Doe 12.03.2024", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2, cv2.LINE_AA)
    assert lettering(cv2.cvtColor(written, cv2.COLOR_RGB2GRAY)) > 3
    assert lettering(cv2.cvtColor(np.ascontiguousarray(np.rot90(written)), cv2.COLOR_RGB2GRAY)) > 3
    grey = cv2.cvtColor(skin, cv2.COLOR_RGB2GRAY)
    assert lettering(grey) <= 3
    assert bar_codes(grey) == 0
    modules = np.array(list(segno.make("ID 4711", micro=False).matrix), dtype=np.uint8)
    code = np.kron(np.pad(1 - modules, 4, constant_values=1), np.ones((4, 4), dtype=np.uint8)) * 255
    grey[20 : 20 + len(code), 30 : 30 + len(code)] = code
    assert bar_codes(grey) == 1


def test_a_ruler_is_found_at_any_angle(skin: np.ndarray) -> None:
    """A line with marks every seven pixels is a ruler; a line without marks is none."""
    import cv2

    grey = cv2.cvtColor(skin, cv2.COLOR_RGB2GRAY)
    for angle in (0.0, 0.4, 1.2):
        across, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        start = np.array([150.0, 60.0])
        plain, marked = grey.copy(), grey.copy()
        for picture in (plain, marked):
            cv2.line(picture, start.astype(int).tolist(), (start + 210 * across).astype(int).tolist(), 20, 1, cv2.LINE_AA)
        for mark in range(31):
            foot = start + 7 * mark * across
            cv2.line(marked, foot.astype(int).tolist(), (foot + 7 * down).astype(int).tolist(), 20, 1, cv2.LINE_AA)
        assert ruler(marked) > 0.6
        assert ruler(plain) < 0.6


def test_near_duplicates_are_near(skin: np.ndarray, demo_photos: Path) -> None:
    """A photo saved again is near, another photo isn't, and a photo is not its own twin."""
    import cv2

    alike = Alike()
    assert alike.add("a", phash(skin)) == ""
    assert alike.add("b", phash(fit(read_photo(demo_photos / "tinea_forearm.jpg").rgb, 512))) == ""
    assert alike.add("c", phash(cv2.resize(skin, (200, 132)))) == "a"
    assert alike.add("a", phash(skin)) == "c"
