"""Small sets in the layout of the real ones: generated pictures (smooth random fields) and a table of scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from train.datasets import LoadedSet, load


def picture(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A smooth random colour field, the same for the same seed, unlike that of any other seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def save_pictures(folder: Path, names: Sequence[str], size: tuple[int, int] = (96, 72), start: int = 0) -> None:
    """One picture per name."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, start=start):
        picture(number, size).save(folder / name)


def custom_set(
    root: Path, count: int = 12, size: tuple[int, int] = (96, 72), extra: str = "", cells: Sequence[str] = (), title: str = "mine"
) -> LoadedSet:
    """A custom set of `count` pictures with scores on [0, 100]; `extra` heads one more column with the given cells."""
    names = [f"p{n:03d}.png" for n in range(count)]
    save_pictures(root / "images", names, size)
    rows = [f"{name},{(37 * n) % 101}{',' + cells[n] if extra else ''}" for n, name in enumerate(names)]
    (root / "scores.csv").write_text("\n".join([f"file,score{',' + extra if extra else ''}", *rows]) + "\n")
    return load("custom", root, title=title, low=0, high=100)
