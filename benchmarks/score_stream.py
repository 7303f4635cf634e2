"""Memory of scoring many files: resident megabytes after every twentieth of 20,000 files, which must stay flat.

    python -m benchmarks.score_stream --model models/first [--files 20000] [--quick]

The files are links to a few small generated JPEGs, so that reading is not the limit.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import psutil

from train.scoring import Wanted, open_model

KINDS = 20


def links(folder: Path, count: int) -> list[Path]:
    """`count` names of 20 JPEGs of 96 x 72 px."""
    for number in range(KINDS):
        noise = np.random.default_rng(number).integers(0, 256, (18, 24, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"made_{number}.jpg"), cv2.resize(noise, (96, 72), interpolation=cv2.INTER_CUBIC))
    names = [folder / f"{number:06d}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        os.link(folder / f"made_{number % KINDS}.jpg", name)
    return names


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--quick", action="store_true", help="2,000 files")
    said = parser.parse_args()
    count = 2000 if said.quick else said.files
    scorer, own = open_model(said.model), psutil.Process()
    seen, began = [], time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        for number, item in enumerate(
            scorer.score_files(links(Path(place), count), 16, Wanted(flags=False, faults=False)), start=1
        ):
            if item.score is None:
                raise SystemExit(item.fault)
            if number % (count // 20) == 0:
                seen.append(own.memory_info().rss / 1e6)
    rate = count / (time.monotonic() - began)
    print(f"{count:,} files, {rate:.0f} a second; megabytes after each twentieth: {', '.join(f'{value:.0f}' for value in seen)}")
    print(f"growth from the first twentieth to the last: {seen[-1] - seen[0]:+.1f} MB")


if __name__ == "__main__":
    main()
