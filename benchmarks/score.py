"""Speed of scoring: the scorer against the bare onnxruntime model on preloaded tensors and torch eager, and photos from 12 MP JPEG.

    python -m benchmarks.score --model models/first [--quick]

The model folder must hold model.onnx. All ways score the same images in the same process, in turn; the median of the rounds counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import onnxruntime

from train.networks import open_network
from train.pixels import Pixels
from train.scoring import Scorer, Wanted, open_model

BARE = Wanted(flags=False, faults=False)
BATCH = 16
Way = tuple[str, Callable[[], object], int]


def rate(way: Way) -> float:
    """Images per second of one round."""
    began = time.perf_counter()
    way[1]()
    return way[2] / (time.perf_counter() - began)


def scored(scorer: Scorer, images: list[Any], wanted: Wanted) -> int:
    """Run the scorer to its end; how many answers it gave."""
    return sum(item.score is not None for item in scorer.score_files(images, BATCH, wanted))


def large_photo(folder: Path) -> Path:
    """A generated 12 megapixel JPEG of quality 90 with texture."""
    noise = np.random.default_rng(0).integers(0, 256, (750, 1000, 3), dtype=np.uint8)
    path = folder / "large.jpg"
    cv2.imwrite(str(path), cv2.resize(noise, (4000, 3000), interpolation=cv2.INTER_CUBIC), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path


def ways(folder: Path, count: int, photos: int, place: Path) -> list[Way]:
    """What is timed: name, function, images per call."""
    scorer = open_model(folder, "onnxruntime")
    size = int(scorer.facts["input"]["size"])
    images: list[Pixels] = list(np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8))
    stacks = [np.stack(images[i : i + BATCH]) for i in range(0, count, BATCH)]
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    torch_network, _ = open_network(folder, scorer.facts, "torch")
    large = [large_photo(place)] * photos
    return [
        ("bare onnxruntime, tensors", lambda: [session.run(["score"], {"pixels": stack}) for stack in stacks], count),
        ("scorer, arrays", lambda: scored(scorer, images, BARE), count),
        ("torch eager, tensors", lambda: [torch_network(stack) for stack in stacks], count),
        ("scorer, 12 MP JPEG", lambda: scored(scorer, large, BARE), photos),
        ("scorer, 12 MP JPEG, flags and faults", lambda: scored(scorer, large, Wanted()), photos),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="fewer images and rounds")
    said = parser.parse_args()
    count, photos, rounds = (64, 4, 3) if said.quick else (512, 24, 7)
    with tempfile.TemporaryDirectory() as place:
        timed = ways(said.model, count, photos, Path(place))
        for way in timed:
            way[1]()
        found = [[rate(way) for way in timed] for _ in range(rounds)]
    middle = [median(row[i] for row in found) for i in range(len(timed))]
    for (name, _, _), value in zip(timed, middle, strict=True):
        print(f"{name:<40} {value:8.1f} images/s")
    print(f"scorer / bare onnxruntime: {median(row[1] / row[0] for row in found):.3f} (at least .95 is wanted)")
    print(f"scorer / torch eager: {median(row[1] / row[2] for row in found):.2f} (at least 2 is wanted)")


if __name__ == "__main__":
    main()
