"""A SYNTHETIC set in SPAQ's layout: textures changed by known amounts, attribute scores made of these amounts by formula. No person
rated anything, and nothing here says how well attributes of real photos are told."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

HEADS = ("Image name", "MOS", "Brightness", "Colorfulness", "Contrast", "Noisiness", "Sharpness")


def texture(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A colour field `(H, W, 3)` float 0..255 with details at four scales; size is (width, height)."""
    total = np.zeros((size[1], size[0], 3))
    for step, weight in ((24, 28.0), (12, 18.0), (4, 14.0), (1, 10.0)):
        noise = rng.normal(size=(max(2, size[1] // step), max(2, size[0] // step), 3))
        total += weight * cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(128 + total)


def changed(rgb: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[float]]:
    """A photo `(H, W, 3)` 0..255 with blur, saturation, contrast, brightness and noise of random amounts, and its five attributes
    0..100 by formula: each is a straight line in its amount."""
    soft, colour, tone, light, noise = (
        float(rng.uniform(*ends)) for ends in ((0.3, 4), (0, 1.6), (0.3, 1.5), (-60, 60), (0, 20))
    )
    out = cv2.GaussianBlur(rgb.astype(np.float64), (0, 0), soft)
    grey = out.mean(axis=2, keepdims=True)
    out = grey + colour * (out - grey)
    out = out.mean() + tone * (out - out.mean()) + light + noise * rng.normal(size=out.shape)
    attributes = [50 + 0.7 * light, 10 + 50 * colour, 60 * tone, 95 - 4 * noise, 92 - 20 * soft]
    return out.clip(0, 255).astype(np.uint8), [float(np.clip(value, 0, 100)) for value in attributes]


def write_synthetic_spaq(root: Path, count: int = 160, size: tuple[int, int] = (96, 72)) -> Path:
    """`count` pictures and the spreadsheet, in SPAQ's tree; all of them SYNTHETIC."""
    (root / "TestImage").mkdir(parents=True)
    (root / "Annotations").mkdir()
    rows = []
    for number in range(1, count + 1):
        rng = np.random.default_rng(number)
        picture, attributes = changed(texture(rng, size), rng)
        cv2.imwrite(str(root / "TestImage" / f"{number:05d}.jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        rows.append((f"{number:05d}.jpg", float(np.mean(attributes)), *attributes))
    frame = pd.DataFrame(rows, columns=list(HEADS))
    frame.to_excel(root / "Annotations" / "MOS and Image attribute scores.xlsx", index=False)
    return root
