"""Reading one file safely: what it is, its pixels as 8-bit RGB, its orientation and colour profile. Nothing else is kept."""

from __future__ import annotations

import io
import re
import stat
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from PIL import Image, UnidentifiedImageError

from distort.intake.pixels import to_rgb
from distort.intake.tagged import profile_of
from distort.types.arrays import Pixels
from workspace.errors import DermiqaError, MissingExtra, PhotoFault

MOST_PIXELS = 100_000_000
MOST_BYTES = 700_000_000
_AT_MOST = f"at most {MOST_BYTES / 1e6:,.0f} MB are read"
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_NO_FORMATS = frozenset({"EPS", "WMF", "GRIB", "HDF5", "BUFR", "MPEG", "FITS"})
"""Formats that Pillow hands to other programs or that hold no photographs."""
_TAGGED = frozenset({"PNG", "HEIF", "AVIF"})
"""Formats whose files may name their colours without a profile."""
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF87a", "GIF"), (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF or a camera's raw file"), (b"MM\0*", "TIFF or a camera's raw file"), (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
)  # fmt: skip
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_ORIENTATION = 274


@dataclass(frozen=True)
class Original:
    """A decoded file: `rgb` `(H, W, 3)` uint8 as stored, not yet turned by `orientation` (1..8) nor moved from `profile` to sRGB.

    `quality` is the JPEG quality 1..100 that its quantisation tables stand for (None: not a JPEG); `flags` are words.
    """

    rgb: Pixels
    format: str
    orientation: int = 1
    profile: bytes | None = None
    quality: float | None = None
    flags: tuple[str, ...] = ()


def read_photo(path: Path) -> Original:
    """Decode the first picture of a file of any known format.

    Raises PhotoFault with one line for anything that is no photo, is cut off or damaged, or holds more than 100 million
    pixels; MissingExtra for HEIC and DICOM without the part that reads them.
    """
    try:
        status = path.stat()
        if stat.S_ISFIFO(status.st_mode):
            return _read_pipe(path)
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise PhotoFault("a device or a socket, not a file: a photo's file was expected")
        size = status.st_size
        if size == 0:
            raise PhotoFault("the file is empty")
        if size > MOST_BYTES:
            raise PhotoFault(f"the file has {size / 1e6:,.0f} MB, {_AT_MOST}")
        with path.open("rb") as stream:
            head = stream.read(132)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(path, head)
    except DermiqaError:
        raise
    except MemoryError:
        raise PhotoFault("reading it needs more memory than is allowed") from None
    except OSError as fault:
        raise PhotoFault(_reason(fault)) from None
    except Exception as fault:
        raise PhotoFault(f"damaged: {_short(fault)}") from None


def _read_pipe(path: Path) -> Original:
    """What comes through a pipe, by way of a temporary file: the decoders want to go back and forth in it."""
    with path.open("rb") as stream, NamedTemporaryFile(prefix="dermiqa-") as held:
        while block := stream.read(1 << 20):
            if held.tell() + len(block) > MOST_BYTES:
                raise PhotoFault(f"more comes through the pipe than is read: {_AT_MOST}")
            held.write(block)
        if held.tell() == 0:
            raise PhotoFault("nothing came through the pipe: a photo's bytes were expected")
        held.flush()
        return read_photo(Path(held.name))


def _read(path: Path, head: bytes) -> Original:
    if head[128:132] == b"DICM":
        from distort.intake.dicom import read_dicom

        return read_dicom(path)
    formats = _formats()
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS and "HEIF" not in formats:
        raise MissingExtra("HEIC photos can't be read: the reader", "heic")
    try:
        image: Image.Image = Image.open(path, formats=formats)
    except UnidentifiedImageError:
        raise PhotoFault(_unidentified(head)) from None
    except Image.DecompressionBombError as fault:
        raise PhotoFault(_too_large(str(fault))) from None
    with image:
        check_size(*image.size)
        if image.format in ("JPEG", "MPO"):
            return _read_jpeg(image, path)
        image = _loaded(image, path)
        rgb, profile, flags = to_rgb(image)
        if image.format in _TAGGED and not image.info.get("icc_profile"):
            profile, said = profile_of(path.read_bytes())
            flags += said
        if _has_more(image):
            flags.append("first_frame")
        return Original(rgb, image.format or "", _orientation(image), profile, None, tuple(flags))


def _unidentified(head: bytes) -> str:
    name = next((name for signature, name in _SIGNATURES if head.startswith(signature)), "")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        name = "WebP"
    return f"a damaged {name}: its head can't be read" if name else f"not a photo, or damaged at its beginning ({head[:8]!r})"


def check_size(width: int, height: int) -> None:
    """Raise PhotoFault for a picture with more than 100 million pixels or none."""
    if width < 1 or height < 1:
        raise PhotoFault(f"it holds a picture of {width} x {height} pixels")
    if width * height > MOST_PIXELS:
        raise PhotoFault(_too_large(f"{width} x {height} pixels"))


def _too_large(claim: str) -> str:
    claimed = re.search(r"\d+ x \d+ pixels|\d+ pixels", claim)
    return f"it claims {claimed[0] if claimed else 'more pixels'}; at most {MOST_PIXELS / 1e6:.0f} million are read"


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """All formats that Pillow knows here, photographs' first; HEIC is among them when its reader is installed."""
    Image.init()
    try:
        from pi_heif.as_plugin import register_heif_opener
    except ImportError:
        pass
    else:
        register_heif_opener(thumbnails=False)
    first = [f for f in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF", "BMP", "GIF") if f in Image.ID]
    return (*first, *(f for f in Image.ID if f not in first and f not in _NO_FORMATS))


def _loaded(image: Image.Image, path: Path) -> Image.Image:
    """The image with its pixels; an animated PNG whose later frames are damaged is read without them."""
    try:
        image.load()
    except SyntaxError:
        if image.format != "PNG":
            raise
        image = Image.open(io.BytesIO(_without_animation(path.read_bytes())), formats=["PNG"])
        image.load()
    return image


def _without_animation(data: bytes) -> bytes:
    """A PNG's bytes without the chunks of further frames (PNG 3rd edition, 11.3.6)."""
    kept, place = [data[:8]], 8
    while place + 8 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] not in (b"acTL", b"fcTL", b"fdAT"):
            kept.append(data[place:end])
        place = end
    return b"".join(kept)


def _read_jpeg(image: Image.Image, path: Path) -> Original:
    quality = _quality(image)
    profile = image.info.get("icc_profile") or None
    rgb = _fast_rgb(path.read_bytes()) if image.mode == "RGB" else None
    flags: list[str] = []
    if rgb is None or rgb.shape[:2] != (image.height, image.width):
        image.load()
        rgb, profile, flags = to_rgb(image)
    return Original(rgb, "JPEG", _orientation(image), profile, quality, tuple(flags))


def _fast_rgb(data: bytes) -> Pixels | None:
    """A complete JPEG's pixels by OpenCV, equal to Pillow's and sooner in an array; None where Pillow has to judge."""
    import cv2

    if not ends_well(data):
        return None
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if pixels is None else np.asarray(pixels, dtype=np.uint8)


def ends_well(data: bytes) -> bool:
    """Whether a JPEG's segments can be walked to its end marker; OpenCV fills a cut-off picture up in silence.

    Source: ITU-T T.81, B.1.1: in a scan 0xFF is followed by 0 or a restart marker, anything else begins a segment.
    """
    place = 2
    while place + 4 <= len(data):
        marker = data[place + 1]
        if data[place] != 0xFF:
            return False
        if marker == 0xFF:
            place += 1
            continue
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xDA:
            after = _AFTER_SCAN.search(data, place)
            if after is None:
                return False
            place = after.start()
            if data[place + 1] == 0xD9:
                return True
    return False


def _quality(image: Image.Image) -> float | None:
    """The quality whose standard luminance table (T.81, Annex K.1, scaled as libjpeg does) has the same mean."""
    tables = getattr(image, "quantization", None)
    if not tables:
        return None
    scale = 100.0 * float(np.mean(next(iter(tables.values())))) / 57.625
    return float(np.clip(5000.0 / scale if scale > 100 else (200.0 - scale) / 2.0, 1, 100))


def _orientation(image: Image.Image) -> int:
    try:
        value = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block tells nothing; the picture itself is whole
        return 1
    return value if 1 <= value <= 8 else 1


def _has_more(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False)) and image.format not in ("ICO", "ICNS")
    except Exception:  # counting frames may meet a damaged one behind the first
        return True


def _reason(fault: OSError) -> str:
    text = _short(fault)
    if "truncated" in text.lower():
        return f"cut off or damaged: {text}"
    if fault.errno:
        return f"can't be read: {fault.strerror}"
    return f"damaged or of an unknown kind: {text}"


def _short(fault: Exception) -> str:
    text = " ".join(str(fault).split()) or type(fault).__name__
    text = re.sub(r"'[^']*[/\\][^']*'", "the file", text)
    return text if len(text) <= 100 else text[:97] + "..."
