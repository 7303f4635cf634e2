"""Pictures and profiles that the tests of reading are made of."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def photo(height: int = 90, width: int = 120, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth colourful picture without symmetry, `(H, W, 3)` uint8."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / random.uniform(5, 30) + random.uniform(0, 6)) + np.cos(y / random.uniform(5, 30)) for _ in range(3)]
    plane = np.stack(waves, axis=-1) * 50 + 120
    plane[: height // 4, : width // 3] += 40
    return np.asarray(np.clip(plane, 0, 255).astype(np.uint8))


def srgb_curve() -> bytes:
    """sRGB's tone curve as an ICC `curv` table of 1024 entries."""
    v = np.linspace(0, 1, 1024)
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    return struct.pack(">4sII", b"curv", 0, 1024) + (linear * 65535 + 0.5).astype(">u2").tobytes()


def gamma_curve(gamma: float) -> bytes:
    """A power as an ICC `curv` of one entry."""
    return struct.pack(">4sIIHH", b"curv", 0, 1, round(gamma * 256), 0)


def icc_profile(primaries: tuple[tuple[float, ...], ...] = P3, curve: bytes | None = None) -> bytes:
    """A matrix profile (ICC.1:2001-04) with these primaries relative to D50 and one curve for all channels."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return struct.pack(">4sIiii", b"XYZ ", 0, *(round(v * 65536) for v in values))

    text = b"test profile\0"
    name = struct.pack(">4sII", b"desc", 0, len(text)) + text + bytes(78)
    tags = {b"desc": name, b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    tags |= {b"rXYZ": xyz(primaries[0]), b"gXYZ": xyz(primaries[1]), b"bXYZ": xyz(primaries[2])}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve or srgb_curve())
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += struct.pack(">4sII", tag, start + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"test", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + table + body


def p3_to_srgb(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Display P3 to sRGB by CSS Color 4's matrix, on 0..255, clipped."""
    v = rgb / 255.0
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[1.2249402, -0.2249402, 0], [-0.0420570, 1.0420570, 0], [-0.0196376, -0.0786361, 1.0982736]])
    out = np.clip(linear @ matrix.T, 0, 1)
    return np.asarray(255 * np.where(out <= 0.0031308, out * 12.92, 1.055 * out ** (1 / 2.4) - 0.055))
