"""Colours that a file names without an ICC profile: PNG's cICP, gAMA and cHRM; `nclx` of HEIC and AVIF.

Each becomes an ICC profile, so that everything after goes the one way. Sources: PNG 3rd edition, 11.3.2 and 4.3 (order of
precedence); ISO/IEC 14496-12, 12.1.5 (`colr`) and ISO/IEC 23008-12, 9.3 (items and their properties); ITU-T H.273, tables 2 and 3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from distort.intake.matrix_profile import SRGB_CURVE, Curve, matrix_profile

Primaries = tuple[float, float, float, float, float, float]

D65, C, DCI, E = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351), (1 / 3, 1 / 3)
PRIMARIES: dict[int, tuple[Primaries, tuple[float, float]]] = {
    1: ((0.640, 0.330, 0.300, 0.600, 0.150, 0.060), D65),
    4: ((0.67, 0.33, 0.21, 0.71, 0.14, 0.08), C),
    5: ((0.64, 0.33, 0.29, 0.60, 0.15, 0.06), D65),
    6: ((0.630, 0.340, 0.310, 0.595, 0.155, 0.070), D65),
    7: ((0.630, 0.340, 0.310, 0.595, 0.155, 0.070), D65),
    8: ((0.681, 0.319, 0.243, 0.692, 0.145, 0.049), C),
    9: ((0.708, 0.292, 0.170, 0.797, 0.131, 0.046), D65),
    11: ((0.680, 0.320, 0.265, 0.690, 0.150, 0.060), DCI),
    12: ((0.680, 0.320, 0.265, 0.690, 0.150, 0.060), D65),
    22: ((0.630, 0.340, 0.295, 0.605, 0.155, 0.077), D65),
}
"""H.273 table 2: x and y of red, green and blue, and of white."""
CURVES: dict[int, Curve] = {1: SRGB_CURVE, 6: SRGB_CURVE, 13: SRGB_CURVE, 14: SRGB_CURVE, 15: SRGB_CURVE, 4: 2.2, 5: 2.8, 8: 1.0}
"""H.273 table 3. A camera curve of television (1, 6, 14, 15) is shown as sRGB's; 16 and 18 (high dynamic range) are not here."""
UNSAID = (2, 2)
GAMMA_OF_SRGB, NEAR = 0.45455, 0.05
"""A gAMA within 5 % of 1/2.2 stands for sRGB's own curve, as writers mean it."""


def profile_of(data: bytes) -> tuple[bytes | None, list[str]]:
    """The ICC profile that a file's own tags amount to (None: sRGB, or nothing is said), and flags.

    `data` is a whole PNG, HEIC or AVIF file without an ICC profile. Flagged `profile_ignored` where the tags name colours that
    can't be shown in 8 bits as they are meant (high dynamic range) or that no standard knows.
    """
    if data.startswith(b"\x89PNG"):
        return _of_png(data)
    said = _nclx(data)
    return _by_code(*said) if said else (None, [])


def _by_code(primaries: int, transfer: int) -> tuple[bytes | None, list[str]]:
    """By the numbers of H.273; unsaid primaries or curves (2) are sRGB's."""
    if (primaries, transfer) == UNSAID:
        return None, []
    points, curve = PRIMARIES.get(1 if primaries == 2 else primaries), CURVES.get(13 if transfer == 2 else transfer)
    if points is None or curve is None:
        return None, ["profile_ignored"]
    return matrix_profile(*points, curve), []


def _of_png(data: bytes) -> tuple[bytes | None, list[str]]:
    found = {kind: body for kind, body in _before_pixels(data) if kind in (b"cICP", b"sRGB", b"gAMA", b"cHRM")}
    if len(found.get(b"cICP", b"")) == 4:
        return _by_code(found[b"cICP"][0], found[b"cICP"][1])
    if b"sRGB" in found or not {b"gAMA", b"cHRM"} & set(found):
        return None, []
    points, white = PRIMARIES[1]
    if len(found.get(b"cHRM", b"")) == 32:
        x, y, *rest = (value / 100_000 for value in struct.unpack(">8I", found[b"cHRM"]))
        points, white = (rest[0], rest[1], rest[2], rest[3], rest[4], rest[5]), (x, y)
    curve = SRGB_CURVE
    if len(found.get(b"gAMA", b"")) == 4:
        gamma = struct.unpack(">I", found[b"gAMA"])[0] / 100_000
        if not 0.1 <= gamma <= 5:
            return None, ["profile_ignored"]
        curve = SRGB_CURVE if abs(gamma / GAMMA_OF_SRGB - 1) < NEAR else 1 / gamma
    made = matrix_profile(points, white, curve)
    return made, [] if made else ["profile_ignored"]


def _before_pixels(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 12 <= len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind == b"IDAT":
            return
        yield kind, data[place + 8 : place + 8 + size]
        place += 12 + size


def _nclx(data: bytes) -> tuple[int, int] | None:
    """Primaries and transfer of the primary picture's `nclx`; None without one."""
    meta = next((body for kind, body in _boxes(data) if kind == b"meta"), b"")
    inside = dict(_boxes(meta[4:]))
    parts = dict(_boxes(inside.get(b"iprp", b"")))
    properties = list(_boxes(parts.get(b"ipco", b"")))
    picture = inside.get(b"pitm", b"")
    number = int.from_bytes(picture[4:8] if picture[:1] == b"\1" else picture[4:6], "big")
    for place in _properties_of(parts.get(b"ipma", b""), number):
        kind, body = properties[place - 1] if 0 < place <= len(properties) else (b"", b"")
        if kind == b"colr" and body[:4] == b"nclx" and len(body) >= 8:
            primaries, transfer = struct.unpack(">2H", body[4:8])
            return primaries, transfer
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes in a row; ends at one that is cut off."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        head = 8
        if size == 1 and place + 16 <= len(data):
            size, head = int.from_bytes(data[place + 8 : place + 16], "big"), 16
        size = size or len(data) - place
        if size < head or place + size > len(data):
            return
        yield kind, data[place + head : place + size]
        place += size


def _properties_of(body: bytes, number: int) -> list[int]:
    """The places (from 1) of an item's properties, by the box `ipma`."""
    if len(body) < 8:
        return []
    wide_item, wide_place = body[0] >= 1, bool(body[3] & 1)
    place = 8
    for _ in range(int.from_bytes(body[4:8], "big")):
        end = place + (4 if wide_item else 2)
        item, count = int.from_bytes(body[place:end], "big"), body[end] if end < len(body) else 0
        step = 2 if wide_place else 1
        cells = body[end + 1 : end + 1 + count * step]
        if item == number:
            mask = 0x7FFF if wide_place else 0x7F
            return [int.from_bytes(cells[i : i + step], "big") & mask for i in range(0, len(cells), step)]
        place = end + 1 + count * step
    return []
