"""How a photo becomes square: shorter side and centre, squash, letterbox, on photos made oblong; frozen features and ridge regression.

    python -m benchmarks.resize BIQ2021_FOLDER [--quick]

BIQ2021's photos are square: each is cut to a window of 4:3, 3:4, 16:9 or 9:16 at a random place and keeps its score, the same window
for every way. Features of the packaged lite0 at 224 px, fit on the authors' training rows, measured on their test rows. Training the
network by the paper's recipe instead takes hours per way on two cores; this tells the ways' order, not the size of a trained gap.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from mos.evaluation import plcc, srocc
from train.baselines.ridge import PENALTIES, ridge
from train.datasets import load
from train.model import build
from train.parallel import need_torch
from train.pixels import RESIZES, open_rgb, square

Floats = NDArray[np.float64]
SIZE, BATCH, DRAWS = 224, 32, 1000
SHAPES = (4 / 3, 3 / 4, 16 / 9, 9 / 16)


def window(image: Image.Image, number: int) -> Image.Image:
    """An oblong window of the photo, the largest of its shape, at a place drawn from the photo's number."""
    rng = np.random.default_rng(number)
    shape, side = float(rng.choice(SHAPES)), min(image.size)
    width, height = (side, round(side / shape)) if shape > 1 else (round(side * shape), side)
    left, top = int(rng.integers(0, image.width - width + 1)), int(rng.integers(0, image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def features(table: pd.DataFrame) -> dict[str, Floats]:
    """Pooled features `(N, 1280)` of every photo by each way."""
    torch = need_torch()
    model: Any = build("lite0", input_size=SIZE)[0].eval().to(memory_format=torch.channels_last)
    found: dict[str, list[Any]] = {way: [] for way in RESIZES}
    paths = table["path"].tolist()
    with torch.inference_mode():
        for start in range(0, len(paths), BATCH):
            cut = [window(open_rgb(path), start + n) for n, path in enumerate(paths[start : start + BATCH])]
            for way in RESIZES:
                pixels = np.stack([square(image, SIZE, way) for image in cut])
                found[way].append(model.features(torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).numpy())
    return {way: np.concatenate(rows).astype(np.float64) for way, rows in found.items()}


def predicted(x: Floats, y: Floats, train: NDArray[np.bool_]) -> Floats:
    """Scores of all rows; the penalty is chosen on a fifth of the training rows."""
    scale = x[train].std(0)
    x = (x - x[train].mean(0)) / np.where(scale > 1e-9, scale, 1.0)
    judged = train & (np.random.default_rng(0).permutation(len(x)) % 5 == 0)

    def value(penalty: float) -> float:
        beta, offset = ridge(x[train & ~judged], y[train & ~judged], penalty)
        return float(plcc(x[judged] @ beta + offset, y[judged]))

    beta, offset = ridge(x[train], y[train], max(PENALTIES, key=value))
    return np.asarray(x @ beta + offset, dtype=np.float64)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="BIQ2021 in the authors' layout")
    parser.add_argument("--quick", action="store_true", help="400 photos")
    said = parser.parse_args()
    table = load("biq2021", said.folder, images="present").table
    table = table.sample(400, random_state=0).reset_index(drop=True) if said.quick else table
    train, y = (table["official"] == "train").to_numpy(), table["score10"].to_numpy(float)
    outputs = {way: predicted(x, y, train)[~train] for way, x in features(table).items()}
    truth = y[~train]
    picked = np.random.default_rng(0).integers(0, len(truth), (DRAWS, len(truth)))
    first = outputs[RESIZES[0]]
    print(
        f"{int(train.sum())} training and {len(truth)} test photos made oblong; difference: from {RESIZES[0]}, 95 % over photos"
    )
    for way, output in outputs.items():
        gaps = [plcc(output[rows], truth[rows]) - plcc(first[rows], truth[rows]) for rows in picked]
        low, high = np.percentile(gaps, (2.5, 97.5))
        print(
            f"{way:<14} PLCC {plcc(output, truth):.4f}  SROCC {srocc(output, truth):.4f}  "
            f"difference {plcc(output, truth) - plcc(first, truth):+.4f} ({low:+.4f} to {high:+.4f})"
        )


if __name__ == "__main__":
    main()
