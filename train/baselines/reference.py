"""Full-reference baselines where the set knows each image's pristine original: PSNR and SSIM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from distort.metrics import Ssim, psnr
from train.baselines import straightened
from train.baselines.scene import Floats
from train.datasets.base import LoadedSet
from train.pixels import Pixels, open_rgb

BEST_PSNR = 60.0


def references(loaded: LoadedSet) -> list[Path | None]:
    """Each image's pristine file (columns `reference` or `pristine`), None where it is not there."""
    column = next((c for c in ("reference", "pristine") if c in loaded.table.columns), None)
    if column is None:
        return [None] * len(loaded.table)
    found: dict[str, Path | None] = {}
    for name in loaded.table[column].fillna("").astype(str).unique():
        places = [loaded.folder / name, loaded.folder / f"{name}.png"]
        found[name] = next((place for place in places if name and place.is_file()), None)
    return [found[name] for name in loaded.table[column].fillna("").astype(str)]


def psnr_outputs(loaded: LoadedSet, part: NDArray[np.str_]) -> Floats:
    """Predictions `(N,)` from the PSNR, capped at 60 dB (the pristine image against itself has none)."""
    return _outputs(loaded, part, lambda original: lambda image: min(BEST_PSNR, psnr(original, image)))


def ssim_outputs(loaded: LoadedSet, part: NDArray[np.str_]) -> Floats:
    """Predictions `(N,)` from the SSIM of luma (Wang et al. 2004)."""
    return _outputs(loaded, part, lambda original: Ssim(original).of)


def _outputs(loaded: LoadedSet, part: NDArray[np.str_], against: Callable[[Pixels], Callable[[Pixels], float]]) -> Floats:
    originals = references(loaded)
    values = np.full(len(originals), np.nan)
    if any(original is None for original in originals):
        return values
    held: dict[Path, tuple[tuple[int, ...], Callable[[Pixels], float]]] = {}
    for row, (path, original) in enumerate(zip(loaded.table["path"], originals, strict=True)):
        if original is None:
            continue
        if original not in held:
            pristine = np.asarray(open_rgb(original))
            held[original] = (pristine.shape, against(pristine))
        shape, measure = held[original]
        image = np.asarray(open_rgb(path))
        if image.shape == shape:
            values[row] = measure(image)
    if not np.isfinite(values).all():
        return values
    return straightened(values, loaded.table["score10"].to_numpy(float), part == "train")
