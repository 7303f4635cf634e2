"""PNG files: 8-bit RGB with an sRGB chunk, quickly written and strictly read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from distort.types.arrays import Pixels
from workspace.errors import PhotoFault
from workspace.files import write_bytes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SRGB = b"\x00\x00\x00\x01sRGB\x00\xae\xce\x1c\xe9"
"""The sRGB chunk, rendering intent perceptual (PNG 3rd edition, 11.3.2.5), with its length and CRC."""
END_OF_HEADER = 33


def encode(rgb: Pixels) -> bytes:
    """`(H, W, 3)` uint8 RGB as the bytes of a PNG that holds IHDR, sRGB, IDAT, IEND and nothing else.

    Raises PhotoFault for any other array: the encoder would write garbage without a word.
    """
    from fpng import fpng_ext

    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise PhotoFault(f"an array of {rgb.shape} {rgb.dtype} can't be written as PNG: (H, W, 3) uint8 was expected")
    height, width = rgb.shape[:2]
    data = fpng_ext.encode_image_to_memory(np.ascontiguousarray(rgb).tobytes(), width, height, 3)
    first = data.index(b"IDAT", END_OF_HEADER) - 4
    return b"".join((data[:END_OF_HEADER], SRGB, data[first:]))


def write_png(path: Path, rgb: Pixels) -> bytes:
    """Write `(H, W, 3)` uint8 RGB under `path` atomically; gives the bytes written. Raises PhotoFault, WorkspaceFault."""
    data = encode(rgb)
    write_bytes(path, data)
    return data


def read_rgb(path: Path) -> Pixels:
    """The pixels of a PNG as `(H, W, 3)` uint8 RGB. Raises PhotoFault when it is missing, damaged or another format."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise PhotoFault(f"{path} can't be read: {fault.strerror}") from None
    return decode(data, str(path))


def decode(data: bytes, name: str) -> Pixels:
    """The pixels of a PNG's bytes, `(H, W, 3)` uint8 RGB; `name` is for the message. Raises PhotoFault.

    Every chunk's CRC is checked first, since the decoder fills a damaged picture up in silence.
    """
    import cv2

    if not data.startswith(SIGNATURE):
        raise PhotoFault(f"{name} is not a PNG (it starts with {data[:8]!r}): prepare the photo again")
    if [kind for kind, _ in chunks(data, name)][-1] != b"IEND":
        raise PhotoFault(f"{name} is cut off after {len(data)} bytes: make it again")
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise PhotoFault(f"{name} is a PNG that can't be decoded: make it again")
    return np.asarray(pixels, dtype=np.uint8)


def chunks(data: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each chunk. Raises PhotoFault at one that is cut off or whose CRC is wrong."""
    place = len(SIGNATURE)
    view = memoryview(data)
    while place < len(data):
        header = bytes(view[place : place + 8])
        size = struct.unpack(">I", header[:4])[0] if len(header) == 8 else len(data)
        end = place + 12 + size
        if end > len(data):
            raise PhotoFault(f"{name} is cut off after {len(data)} bytes: make it again")
        body = view[place + 4 : end - 4]
        if zlib.crc32(body) != struct.unpack(">I", view[end - 4 : end])[0]:
            raise PhotoFault(f"{name} is damaged (chunk {header[4:]!r} at byte {place}): make it again")
        yield header[4:], bytes(body[4:])
        place = end
