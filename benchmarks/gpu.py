"""On a GPU: speed and memory of training steps for the paper's models, and whether a stopped run goes on to the same weights.

    python benchmarks/gpu.py [--quick]

Prints a table per model and precision, and the resume check (deterministic kernels). Ends with a line when there is no GPU.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import islice
from pathlib import Path

from benchmarks.train import made_set
from train.config import make
from train.dry_run import time_model
from train.parallel import World, join
from train.roots import Root
from train.run import run
from train.sources import gather
from train.splits import Rule
from workspace.files import sha256_file

MODELS = {"b0": 32, "b3": 16, "b5": 8}


def speeds(world: World, timed: int) -> None:
    """Step, scoring speed and peak memory of each model, in float32 and bfloat16."""
    import torch

    print(f"{torch.cuda.get_device_name(world.device)}, torch {torch.__version__}")
    print(f"{'model':6} {'batch':>5} {'precision':10} {'ms a step':>10} {'scored/s':>9} {'peak GB':>8}")
    for model, batch in MODELS.items():
        for precision in ("float32", "bfloat16"):
            torch.cuda.reset_peak_memory_stats(world.device)
            timing, _ = time_model(
                make({"sets": ["any"], "model": model, "batch": batch, "precision": precision}), world, timed=timed
            )
            peak = torch.cuda.max_memory_allocated(world.device) / 1e9
            print(
                f"{model:6} {batch:5d} {precision:10} {1000 * timing.step:10.1f} {1 / timing.image:9.0f} {peak:8.2f}", flush=True
            )


def resume(world: World, folder: Path) -> None:
    """Train twice, once stopped after a few steps, and compare the weights."""
    root = Root("custom", "custom", made_set(folder / "set", 64), options={"low": 1, "high": 10})
    inputs = gather([root], [], Rule(), seed=0, n=1)
    config = make(
        {
            "sets": ["custom"],
            "model": "b0",
            "weights": "none",
            "epochs": 2,
            "batch": 8,
            "checkpoint_minutes": 0.0,
            "device": "cuda",
        }
    )
    list(run(config, inputs, folder / "whole", folder / "cache", world))
    list(islice(run(config, inputs, folder / "broken", folder / "cache", world), 3))
    list(run(config, inputs, folder / "broken", folder / "cache", world))
    same = sha256_file(folder / "whole" / "last.safetensors") == sha256_file(folder / "broken" / "last.safetensors")
    print(f"resume: {'the same weights bit for bit' if same else 'DIFFERENT weights'}")


def main() -> None:
    """Measure and print."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 steps a model")
    said = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("no GPU is here: nothing was measured")
    world = join("cuda")
    speeds(world, 5 if said.quick else 50)
    with tempfile.TemporaryDirectory() as place:
        resume(world, Path(place))


if __name__ == "__main__":
    main()
