"""Faults put into photographs at known strength: blur, exposure, frames, drawn text, codes, pasted pictures; for benchmarks.flags."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from distort.types.arrays import Pixels

Change = Callable[[Pixels, np.random.RandomState], Pixels]


def blurred(sigma: float) -> Change:
    """Gaussian blur at the working size."""
    return lambda rgb, _: np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma))


def exposed(gain: float) -> Change:
    """More or less light, in sRGB values."""
    return lambda rgb, _: np.clip(rgb.astype(float) * gain, 0, 255).astype(np.uint8)


def sunk(rgb: Pixels, _: np.random.RandomState) -> Pixels:
    """Shadows sunk to black: 60 levels less."""
    return np.clip(rgb.astype(int) - 110, 0, 255).astype(np.uint8)


def flat(rgb: Pixels, _: np.random.RandomState) -> Pixels:
    """A tenth of the contrast."""
    return (rgb.mean() + (rgb - rgb.mean()) * 0.1).round().astype(np.uint8)


def framed(rgb: Pixels, random: np.random.RandomState) -> Pixels:
    """A plain frame of 4 % in a random grey."""
    edge = round(max(rgb.shape) * 0.04)
    return np.asarray(cv2.copyMakeBorder(rgb, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=[int(random.randint(256))] * 3))


def dark_corners(rgb: Pixels, _: np.random.RandomState) -> Pixels:
    """The round black surround of a dermatoscope."""
    height, width = rgb.shape[:2]
    y, x = np.ogrid[:height, :width]
    far = np.hypot((x - width / 2) / width, (y - height / 2) / height)
    return (rgb * np.clip((0.62 - far) / 0.08, 0, 1)[:, :, None]).astype(np.uint8)


def lettered(size: int, words: str = "ward 7  12.03.2024") -> Change:
    """A line of text `size` pixels high, black or white, sometimes on a label, at a random place."""

    def draw(rgb: Pixels, random: np.random.RandomState) -> Pixels:
        from matplotlib import font_manager

        font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
        image = Image.fromarray(rgb)
        pen = ImageDraw.Draw(image)
        left, _, right, bottom = pen.textbbox((0, 0), words, font=font)
        x = int(random.randint(2, max(3, rgb.shape[1] - int(right - left) - 4)))
        y = int(random.randint(2, max(3, rgb.shape[0] - int(bottom) - 4)))
        kind = random.randint(3)
        if kind == 2:
            pen.rectangle((x - 4, y, x + right + 4, y + bottom + 4), fill="white")
        pen.text((x, y), words, font=font, fill="white" if kind == 1 else "black")
        return np.asarray(image)

    return draw


def pasted(patch: Pixels, share: float) -> Change:
    """A picture pasted in with `share` of the photo's largest side."""

    def paste(rgb: Pixels, random: np.random.RandomState) -> Pixels:
        out = rgb.copy()
        size = min(round(max(rgb.shape[:2]) * share), min(rgb.shape[:2]) - 4)
        small = cv2.resize(patch, (size, size), interpolation=cv2.INTER_CUBIC if size > len(patch) else cv2.INTER_AREA)
        y, x = (int(random.randint(0, rgb.shape[i] - size)) for i in (0, 1))
        out[y : y + size, x : x + size] = small
        return out

    return paste


def qr_code(text: str) -> Pixels:
    """A QR code with its quiet zone."""
    import segno

    stream = io.BytesIO()
    segno.make(text, error="m", micro=False).save(stream, kind="png", scale=6, border=4)
    return np.asarray(Image.open(stream).convert("RGB"))


def ean13(digits: str) -> Pixels:
    """The bars of an EAN-13 code (12 digits given) in a white square."""
    left = ["0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011"]
    parity = ["LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL"]
    check = -sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10
    code = digits + str(check)
    right = ["".join("10"[int(b)] for b in word) for word in left]
    first = [left[int(d)] if p == "L" else right[int(d)][::-1] for d, p in zip(code[1:7], parity[int(code[0])], strict=True)]
    bars = "101" + "".join(first) + "01010" + "".join(right[int(d)] for d in code[7:]) + "101"
    row = np.repeat(np.array([255 * (b == "0") for b in "0" * 10 + bars + "0" * 10], dtype=np.uint8), 3)
    square = np.full((len(row), len(row), 3), 255, np.uint8)
    square[len(row) // 4 : -len(row) // 4] = row[None, :, None]
    return square
