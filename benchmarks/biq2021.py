"""The BIQ2021 run: lite0 by the paper's recipe on the CPU, fit on the set's training rows, measured on its own test table.

    python benchmarks/biq2021.py FOLDER [--out DIR] [--quick]

Every training row is fitted, so there is no validation part and the last epoch is reported. Beside the test table's figure
stands that of the test images without a near-duplicate among the training images: the gap is memory. Go on after a stop
with the same command.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from mos.evaluation import group_interval, plcc, srocc
from train.config import make
from train.datasets import load
from train.fit import Epoch
from train.parallel import join
from train.run import Finished, Inputs, run

SIMILAR = 0.995
SIDE = 32


def thumbnails(paths: list[str]) -> np.ndarray:
    """Grey thumbnails of zero mean and unit length, (N, 1024)."""
    import cv2

    rows = [cv2.resize(cv2.imread(path, cv2.IMREAD_GRAYSCALE), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for path in paths]
    flat = np.stack(rows).reshape(len(rows), -1).astype(np.float64)
    flat -= flat.mean(1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)


def figures(found: pd.DataFrame) -> str:
    """PLCC with its interval and SROCC of a part of the predictions."""
    output, label = found["output"].to_numpy(float), found["score10"].to_numpy(float)
    return f"PLCC {group_interval(plcc, output, label, found['file'].tolist())}  SROCC {srocc(output, label):.4f}  n {len(found)}"


def report(folder: Path, paths: dict[str, str], seconds: float) -> None:
    """Print the run's figures, on all test images and on those without a near-duplicate in training; draw the scatter and curve."""
    frame = pd.read_csv(folder / "predictions.csv")
    test, train = frame[frame["part"] == "test"], frame[frame["part"] == "train"]
    likeness = thumbnails([paths[f] for f in test["file"]]) @ thumbnails([paths[f] for f in train["file"]]).T
    alone = likeness.max(1) <= SIMILAR
    print(f"training         {seconds:,.0f} s")
    print(f"test table       {figures(test)}")
    print(f"no near-duplicate in training  {figures(test[alone])}")
    print(f"with one                       {figures(test[~alone])}" if (~alone).sum() > 5 else f"with one: {(~alone).sum()}")
    for name, part in test.groupby("subset"):
        print(f"  {name}: {figures(part)}")
    print(f"training part    {figures(train)}")
    draw(folder, test, alone)


def draw(folder: Path, test: pd.DataFrame, alone: np.ndarray) -> None:
    """Scatter of the test images and the curve of the loss, `biq2021.png` in the run's folder."""
    from matplotlib.figure import Figure

    metrics = pd.read_csv(folder / "metrics.csv")
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.scatter(test["score10"][alone], test["output"][alone], s=8, label="no near-duplicate in training")
    left.scatter(test["score10"][~alone], test["output"][~alone], s=8, label="near-duplicate in training")
    left.plot([1, 10], [1, 10], color="0.6", lw=1)
    left.set(xlabel="opinion score, 1 to 10", ylabel="prediction", title="BIQ2021, test rows")
    left.legend(fontsize=8)
    right.plot(metrics["epoch"], metrics["train_loss"])
    right.set(xlabel="epoch", ylabel="weighted loss", yscale="log", title="training")
    figure.savefig(folder / "biq2021.png", dpi=110)


def main() -> None:
    """Run, or go on, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="BIQ2021 in the authors' layout")
    parser.add_argument("--out", type=Path, default=Path("biq2021-run"))
    parser.add_argument("--cache-dir", type=Path)
    parser.add_argument("--quick", action="store_true", help="two epochs at 96 px: shows that it runs")
    said = parser.parse_args()
    loaded = load("biq2021", said.folder, images="present")
    split = pd.DataFrame({"file": loaded.table["file"], "split_1": loaded.table["official"]})
    small = {"input_size": 96, "epochs": 2} if said.quick else {}
    config = make(
        {"sets": ["biq2021"], "model": "lite0", "weight_cap": 10.0, "select": "last", "checkpoint_minutes": 3.0, **small}
    )
    for event in run(config, Inputs({"biq2021": loaded}, {"biq2021": split}), said.out, said.cache_dir, join("cpu")):
        if isinstance(event, Epoch):
            print(
                f"epoch {event.number}: loss {event.row['train_loss']:.4f}, {event.row['seconds']:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        elif isinstance(event, Finished):
            paths = dict(zip(loaded.table["file"], loaded.table["path"], strict=True))
            report(said.out, paths, float(event.results["seconds"]))


if __name__ == "__main__":
    main()
