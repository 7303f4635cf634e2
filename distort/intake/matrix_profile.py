"""An ICC profile from chromaticities and a curve (ICC.1:2022, 8.3.2: three-component matrix-based profiles)."""

from __future__ import annotations

import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Curve = float | str
SRGB_CURVE: Curve = "srgb"
"""A curve is a power, light = value ** power, or sRGB's own."""
D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_SRGB_PARAMETERS = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@lru_cache(maxsize=32)
def matrix_profile(points: tuple[float, ...], white: tuple[float, float], curve: Curve) -> bytes | None:
    """The bytes of a display profile. `points` are x and y of red, green and blue, `white` those of white (CIE 1931).

    None for points that span no colours (on one line, or a zero y).
    """
    matrix = to_d50(points, white)
    if matrix is None:
        return None
    tags = [(b"desc", _text("colours named by the file")), (b"cprt", _text("none")), (b"wtpt", _xyz(D50))]
    tags += [(name, _xyz(matrix[:, i])) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    tags += [(name, _parametric(curve)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _assembled(tags)


def to_d50(points: tuple[float, ...], white: tuple[float, float]) -> NDArray[np.float64] | None:
    """The matrix from linear RGB to XYZ under D50, `(3, 3)`, adapted by Bradford; None for impossible points."""
    pairs = np.array([*points, *white], dtype=float).reshape(4, 2)
    if (pairs[:, 1] <= 0).any():
        return None
    xyz = np.stack([pairs[:, 0] / pairs[:, 1], np.ones(4), (1 - pairs.sum(axis=1)) / pairs[:, 1]])
    if abs(np.linalg.det(xyz[:, :3])) < 1e-4:
        return None
    matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    scale = np.diag((_BRADFORD @ D50) / (_BRADFORD @ xyz[:, 3]))
    adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ matrix
    return adapted


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(float(np.clip(value, -32768, 32767)) * 65536))


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(v) for v in values)


def _text(words: str) -> bytes:
    text = words.encode("utf-16-be")
    return struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", len(text), 28) + text


def _parametric(curve: Curve) -> bytes:
    """A `para` tag: type 0 is a power, type 3 sRGB's form."""
    kind, values = (3, _SRGB_PARAMETERS) if isinstance(curve, str) else (0, (curve,))
    return struct.pack(">4s4xHxx", b"para", kind) + b"".join(_fixed(v) for v in values)


def _assembled(tags: list[tuple[bytes, bytes]]) -> bytes:
    table, bodies, place = [], [], 128 + 4 + 12 * len(tags)
    for name, body in tags:
        table.append(struct.pack(">4sII", name, place, len(body)))
        bodies.append(body + bytes(-len(body) % 4))
        place += len(bodies[-1])
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x", place, 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp"
    )  # size, version 4.3, class, colours, connection space, signature
    head += b"".join(_fixed(v) for v in D50) + bytes(128 - len(head) - 12)
    return head + struct.pack(">I", len(tags)) + b"".join(table) + b"".join(bodies)
