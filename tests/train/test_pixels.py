"""Decoding and resizing to a square."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.train.fakes import picture
from train.pixels import GREY, load_square, open_rgb, square, train_side
from workspace.errors import PhotoFault, UsageFault


@pytest.mark.parametrize(("size", "side"), [(224, 252), (288, 324), (448, 504), (240, 270), (260, 293)])
def test_training_side_is_an_eighth_larger(size: int, side: int) -> None:
    """The training view is 12.5 % larger than the input, rounded half up."""
    assert train_side(size) == side


def test_shorter_side_keeps_proportions_and_takes_the_centre() -> None:
    """A wide picture's middle square is what is kept; a square one is resized whole."""
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 200
    out = square(Image.fromarray(wide), 20, "shorter_side")
    assert out.shape == (20, 20, 3)
    assert (out[:, 2:-2] == 200).all()


def test_squash_keeps_everything() -> None:
    """Squashing shows all three thirds of a wide picture."""
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 200
    out = square(Image.fromarray(wide), 30, "squash")
    assert (out[:, 12:18] == 200).all()
    assert (out[:, :8] == 0).all()


def test_letterbox_pads_with_mid_grey() -> None:
    """The longer side fits; grey bands of equal height lie beside it."""
    out = square(Image.new("RGB", (120, 60), (250, 0, 0)), 40, "letterbox")
    assert (out[:10] == GREY).all()
    assert (out[30:] == GREY).all()
    assert (out[10:30] == (250, 0, 0)).all()


def test_shrinking_does_not_alias() -> None:
    """A chessboard of single pixels shrinks to an even grey: the filter is widened."""
    board = np.indices((200, 200)).sum(0) % 2 * 255
    out = square(Image.fromarray(np.repeat(board[..., None], 3, 2).astype(np.uint8)), 50, "squash")
    assert np.ptp(out[5:-5, 5:-5].astype(int)) <= 3


def test_unknown_way_is_named() -> None:
    """A misspelled way lists the three."""
    with pytest.raises(UsageFault, match="expected shorter_side, squash, letterbox"):
        square(picture(0), 10, "crop")


def test_jpeg_decoded_shrunk_is_nearly_the_same(tmp_path: Path) -> None:
    """The quick way for large JPEGs (decoding at a fraction, twice the target at least) is within half a grey level on average."""
    picture(3, (1600, 1200)).save(tmp_path / "a.jpg", quality=95)
    quick = load_square(tmp_path / "a.jpg", 100)
    whole = square(open_rgb(tmp_path / "a.jpg"), 100, "shorter_side")
    assert open_rgb(tmp_path / "a.jpg", at_least=100).size == (400, 300)
    assert np.abs(quick.astype(int) - whole).mean() < 0.5


def test_orientation_is_applied(tmp_path: Path) -> None:
    """A photo that its camera marked as turned is upright."""
    photo = picture(2, (40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "a.jpg", exif=exif)
    assert open_rgb(tmp_path / "a.jpg").size == (20, 40)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    """Grey, palette, transparent and CMYK files come out as RGB."""
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture(4).convert(mode).save(path)
    assert load_square(path, 16).shape == (16, 16, 3)


def test_broken_files_are_named(tmp_path: Path) -> None:
    """A missing, cut or foreign file is a PhotoFault with its name."""
    picture(5, (300, 300)).save(tmp_path / "cut.png")
    data = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.jpg").write_text("hello")
    for name, says in (("cut.png", "can't be read as an image"), ("text.jpg", "can't be read"), ("none.png", "is not there")):
        with pytest.raises(PhotoFault, match=rf"{name} {says}"):
            open_rgb(tmp_path / name)
