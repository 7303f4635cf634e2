"""Reading a file of any kind."""

from __future__ import annotations

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distort.intake.one import pristine
from distort.intake.read import Original, ends_well, read_photo
from distort.intake.shape import Edits
from tests.distort.intake.pictures import gamma_curve, icc_profile, p3_to_srgb, photo
from workspace.errors import PhotoFault


def shown(path: Path, side: int = 512) -> np.ndarray:
    """The pristine pixels of a file."""
    return pristine(read_photo(path), Edits(), side)[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    """A photo stored in any of the eight orientations is seen as the camera saw it."""
    upright = photo(60, 80)
    back = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2)}
    back |= {6: np.rot90(upright, 1), 7: upright.transpose(1, 0, 2)[::-1, ::-1], 8: np.rot90(upright, -1)}
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"a.{ending}"
    options = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}.get(ending, {})
    Image.fromarray(np.ascontiguousarray(back[orientation])).save(path, exif=exif.tobytes(), **options)
    found = shown(path)
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= (6 if ending == "jpg" else 0)


def test_the_quick_jpeg_reader_gives_pillows_pixels(tmp_path: Path, demo_photos: Path) -> None:
    """OpenCV's and Pillow's pixels of a complete JPEG are equal."""
    for path in sorted(demo_photos.glob("*.jpg"))[:4]:
        assert np.array_equal(read_photo(path).rgb, np.asarray(Image.open(path).convert("RGB")))


def test_display_p3_is_converted_to_srgb(tmp_path: Path) -> None:
    """Colours of an iPhone's profile come out as CSS Color 4 computes them."""
    colours = np.array([[[200, 120, 80], [90, 160, 100], [60, 60, 180], [128, 128, 128]]], dtype=np.uint8).repeat(8, axis=0)
    path = tmp_path / "p3.png"
    Image.fromarray(colours).save(path, icc_profile=icc_profile())
    rgb, flags = pristine(read_photo(path), Edits(), 512)
    assert np.abs(rgb - p3_to_srgb(colours)).max() <= 1.5
    assert "profile_converted" in flags


def test_a_profile_with_its_own_curve_is_converted_before_averaging(tmp_path: Path) -> None:
    """Black and white lines in a gamma 1.8 profile average as they do after conversion to sRGB."""
    lines = np.zeros((64, 64, 3), dtype=np.uint8)
    lines[:, ::2] = 120
    path = tmp_path / "g.png"
    Image.fromarray(lines).save(path, icc_profile=icc_profile(curve=gamma_curve(1.8)))
    whole, half = shown(path, 64), shown(path, 32)
    assert abs(float(half.mean()) - float(whole.mean())) <= 1
    assert whole.max() == 139


def test_an_srgb_profile_leaves_the_pixels_alone(tmp_path: Path) -> None:
    """A profile that is sRGB in effect changes no pixel and sets no flag."""
    from PIL import ImageCms

    path = tmp_path / "s.png"
    Image.fromarray(photo()).save(path, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    rgb, flags = pristine(read_photo(path), Edits(), 512)
    assert np.array_equal(rgb, photo())
    assert flags == []


def test_a_broken_profile_is_ignored_and_flagged(tmp_path: Path) -> None:
    """A profile that can't be used costs a flag, not the photo."""
    path = tmp_path / "b.png"
    Image.fromarray(photo()).save(path, icc_profile=b"nonsense" * 40)
    rgb, flags = pristine(read_photo(path), Edits(), 512)
    assert np.array_equal(rgb, photo())
    assert flags == ["profile_ignored"]


def test_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    """A 16-bit grey picture keeps its tones: 0..65535 to 0..255, rounded."""
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(ramp).save(tmp_path / name)
        assert np.array_equal(shown(tmp_path / name)[:, :, 0].ravel(), np.arange(256))


def test_alpha_is_laid_on_white_and_flagged(tmp_path: Path) -> None:
    """Hidden colours do not come out; half-transparent ones mix with white; an opaque alpha channel is no flag."""
    rgba = np.zeros((4, 3, 4), dtype=np.uint8)
    rgba[:, 0] = (200, 0, 0, 0)
    rgba[:, 1] = (200, 0, 0, 128)
    rgba[:, 2] = (200, 0, 0, 255)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    original = read_photo(tmp_path / "a.png")
    assert original.rgb[0].tolist() == [[255, 255, 255], [227, 127, 127], [200, 0, 0]]
    assert original.flags == ("alpha",)
    rgba[:, :, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "b.png")
    assert read_photo(tmp_path / "b.png").flags == ()


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "LA", "F", "I", "YCbCr"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    """Grey, palette, bilevel, CMYK, floating point and others become three channels that look the same."""
    image = Image.fromarray(photo())
    made = image.convert("L").convert(mode) if mode in ("F", "I", "LA", "1") else image.convert(mode)
    path = tmp_path / ("a.tif" if mode not in ("P", "LA") else "a.png")
    made.save(path)
    expected = np.asarray(made.convert("RGB") if mode not in ("F", "I") else image.convert("L").convert("RGB")).astype(int)
    found = read_photo(path).rgb
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 2


def test_only_the_first_frame_is_read(tmp_path: Path) -> None:
    """An animated GIF gives its first picture and a flag."""
    frames = [Image.fromarray(np.full((20, 20, 3), v, dtype=np.uint8)) for v in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    original = read_photo(tmp_path / "a.gif")
    assert original.flags == ("first_frame",)
    assert original.rgb.mean() == pytest.approx(10, abs=1)


@pytest.mark.parametrize("baseline", [True, False])
def test_a_cut_off_jpeg_is_refused_wherever_it_ends(tmp_path: Path, baseline: bool) -> None:
    """A JPEG without its end is never taken for a photo, though OpenCV would fill it up."""
    stream = io.BytesIO()
    Image.fromarray(photo(300, 400)).save(stream, format="JPEG", quality=90, progressive=not baseline)
    data = stream.getvalue()
    assert ends_well(data)
    for share in (0.3, 0.6, 0.9, 0.999):
        path = tmp_path / "a.jpg"
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(PhotoFault, match=r"cut off|damaged"):
            read_photo(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"hello, this is text\n" * 9, "not a photo"),
        (b"\xff\xd8\xff\xe0", "not a photo|damaged|cut off"),
    ],
)
def test_what_is_no_photo_is_refused_in_one_line(tmp_path: Path, data: bytes, words: str) -> None:
    """An empty file, a text named .jpg and a bare beginning are refused in one line."""
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(PhotoFault, match=words) as fault:
        read_photo(path)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(("ending", "name"), [("png", "PNG"), ("jpg", "JPEG"), ("gif", "GIF"), ("webp", "WebP")])
def test_a_damaged_photo_of_a_known_format_is_called_so(tmp_path: Path, ending: str, name: str) -> None:
    """A signature with rubbish behind it is a damaged photo, not something that is no photo."""
    path = tmp_path / f"a.{ending}"
    Image.fromarray(photo(30, 40)).save(path)
    path.write_bytes(path.read_bytes()[: 12 if ending == "webp" else 8] + b"\0\xff" * 20)
    with pytest.raises(PhotoFault, match=rf"^a damaged {name}: its head can't be read$"):
        read_photo(path)


def test_a_photo_comes_through_a_pipe(tmp_path: Path) -> None:
    """What is written into a named pipe is read as a file is; an empty pipe and a device are refused in true words."""
    Image.fromarray(photo(30, 40)).save(tmp_path / "a.png")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def through(data: bytes) -> Original:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(pipe.write_bytes, data)
            return read_photo(pipe)

    assert np.array_equal(through((tmp_path / "a.png").read_bytes()).rgb, photo(30, 40))
    with pytest.raises(PhotoFault, match="nothing came through the pipe"):
        through(b"")
    with pytest.raises(PhotoFault, match="not a photo"):
        through(b"text")
    with pytest.raises(PhotoFault, match="a device or a socket, not a file"):
        read_photo(Path("/dev/null"))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(12_000, 9_000), (60_000, 60_000), (2_000_000_000, 2_000_000_000)])
def test_a_decompression_bomb_is_refused_by_its_claim(tmp_path: Path, size: tuple[int, int]) -> None:
    """More than 100 million pixels are refused before anything is decoded."""
    path = tmp_path / "bomb.png"
    path.write_bytes(png_claiming(*size))
    with pytest.raises(PhotoFault, match=r"claims .* at most 100 million"):
        read_photo(path)


def test_dicom_gives_pixels_and_nothing_else(tmp_path: Path) -> None:
    """A DICOM photograph is read; its burnt-in annotation becomes a flag; no tag is kept."""
    path = tmp_path / "a.dcm"
    write_dicom(path, photo(), burnt="YES")
    original = read_photo(path)
    assert np.array_equal(original.rgb, photo())
    assert original.flags == ("annotation",)
    assert "Doe" not in repr(original)


def test_deep_dicom_greys_are_scaled_and_inverted(tmp_path: Path) -> None:
    """Twelve bits with MONOCHROME1 become 8-bit greys the right way round."""
    path = tmp_path / "a.dcm"
    write_dicom(path, np.linspace(0, 4095, 256).astype(np.uint16).reshape(16, 16), monochrome="MONOCHROME1")
    assert np.abs(read_photo(path).rgb[:, :, 0].ravel().astype(int) - np.arange(255, -1, -1)).max() <= 1


def write_dicom(path: Path, pixels: np.ndarray, burnt: str = "NO", monochrome: str = "MONOCHROME2") -> None:
    """A VL photographic image with a patient's name in it."""
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.4"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = pydicom.Dataset()
    data.file_meta = meta
    data.PatientName = "Doe^Jane"
    data.BurnedInAnnotation = burnt
    data.Rows, data.Columns = pixels.shape[:2]
    colour = pixels.ndim == 3
    data.SamplesPerPixel = 3 if colour else 1
    data.PhotometricInterpretation = "RGB" if colour else monochrome
    if colour:
        data.PlanarConfiguration = 0
    data.BitsAllocated = 8 if pixels.dtype == np.uint8 else 16
    data.BitsStored = 8 if pixels.dtype == np.uint8 else 12
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = 0
    data.PixelData = pixels.tobytes()
    pydicom.dcmwrite(path, data, enforce_file_format=True)


def test_an_animated_png_with_damaged_later_frames_is_read(shared: Path) -> None:
    """The picture that a browser falls back to is read."""
    original = read_photo(shared / "images" / "odd" / "pillow" / "Tests__images__apng__chunk_no_fctl.png")
    assert original.rgb.shape == (64, 128, 3)


def test_an_iphones_heic_is_read_upright_in_srgb(shared: Path) -> None:
    """A HEIC photo with a Display P3 profile comes out as Pillow and LittleCMS make it, converted whole."""
    from PIL import ImageCms

    path = shared / "images" / "odd" / "metadata_extractor_other" / "heic__IMG_1034.heic"
    original = read_photo(path)
    assert original.format == "HEIF"
    assert original.profile is not None
    whole = Image.fromarray(original.rgb)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(original.profile))
    expected = ImageCms.profileToProfile(whole, profile, ImageCms.createProfile("sRGB"), renderingIntent=1)
    rgb, flags = pristine(original, Edits(), 512)
    assert expected is not None
    small = np.asarray(expected.resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - rgb).mean() < 1.5
    assert flags == ["profile_converted"]
