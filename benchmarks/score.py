"""Speed of scoring: the scorer against the bare onnxruntime model on preloaded tensors and torch eager, and photos from 12 MP JPEG.

    python -m benchmarks.score --model models/first [--quick]

The model folder must hold model.onnx. All ways score the same images in the same process, in turn, so that other load on the machine meets
all of them; the median of the rounds counts. Processor time, which other load changes less, stands beside.
"""

from __future__ import annotations

import argparse
import os
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
REST_S = 2.0
Way = tuple[str, Callable[[], object], int]


def rate(way: Way) -> tuple[float, float]:
    """Images per second of one round: by the clock, and by this process's processor time; after a rest, since bare threads spin on."""
    time.sleep(REST_S)
    began, worked = time.perf_counter(), time.process_time()
    way[1]()
    return way[2] / (time.perf_counter() - began), way[2] / (time.process_time() - worked)


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
    count, photos, rounds = (32, 2, 5) if said.quick else (64, 4, 9)
    print(f"{os.cpu_count()} cores; load before the run {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as place:
        timed = ways(said.model, count, photos, Path(place))
        for way in timed:
            way[1]()
        found = [[rate(way) for way in timed] for _ in range(rounds)]
    print(f"{'':<40} {'images/s':>8} {'per s of processor time':>24}")
    for i, (name, _, _) in enumerate(timed):
        print(f"{name:<40} {median(row[i][0] for row in found):8.1f} {median(row[i][1] for row in found):24.1f}")
    for other, least in ((0, 0.95), (2, 2.0)):
        clock, processor = (median(row[1][kind] / row[other][kind] for row in found) for kind in (0, 1))
        print(
            f"scorer / {timed[other][0]}: {clock:.3f} by the clock, {processor:.3f} by processor time (at least {least:g} is wanted)"
        )


if __name__ == "__main__":
    main()
