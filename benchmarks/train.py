"""Training steps from the cache against a bare timm loop on tensors in memory.

    python benchmarks/train.py [--model b0] [--input 224] [--batch 16] [--steps 20] [--quick]

Both loops do the same network, AdamW and float32 in channels-last order; the bare one has no loader, no crop, no weights, no
records. They take turns, step by step, so that another load on the machine meets both. Bar: .97 of the bare loop's speed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from train.config import make
from train.data import train_batches
from train.parallel import World, join
from train.roots import Root
from train.run import trainer_for
from train.sources import gather
from train.splits import Rule


def made_set(folder: Path, images: int) -> Path:
    """A custom set of smooth random pictures, 512 x 384."""
    (folder / "images").mkdir(parents=True)
    rows = ["file,score"]
    for number in range(images):
        noise = np.random.default_rng(number).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "images" / f"{number:04d}.jpg"), cv2.resize(noise, (512, 384), interpolation=cv2.INTER_CUBIC))
        rows.append(f"{number:04d}.jpg,{1 + 9 * number / images:.3f}")
    (folder / "scores.csv").write_text("\n".join(rows) + "\n")
    return folder


def endless(trainer: Any) -> Iterator[Any]:
    """Batches of one epoch after another."""
    epoch = 0
    while True:
        yield from train_batches(trainer.material.pool, trainer.deal, seed=0, epoch=epoch)
        epoch += 1


def bare_step(model_name: str, size: int, batch: int, world: World) -> Callable[[], None]:
    """One step of a plain timm loop on a batch that lies in memory."""
    import timm
    import torch

    model = (
        timm.create_model(model_name, pretrained=False, num_classes=1)
        .to(world.device)
        .to(memory_format=torch.channels_last)
        .train()
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    images = torch.rand(batch, 3, size, size, device=world.device).to(memory_format=torch.channels_last)
    target = torch.rand(batch, device=world.device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward((model(images).squeeze(1) - target).square().mean())
        optimizer.step()
        if world.device.type == "cuda":
            torch.cuda.synchronize()

    return step


def measure(said: argparse.Namespace, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of each step, ours and the bare loop's, taken in turns."""
    world = join(said.device)
    settings = {"model": said.model, "input_size": said.input, "batch": said.batch, "weights": "none", "precision": "float32"}
    config = make({"sets": ["custom"], "device": said.device, **settings})
    root = Root("custom", "custom", made_set(folder / "set", 6 * said.batch), options={"low": 1, "high": 10})
    inputs = gather([root], [], Rule(), seed=0, n=1)
    trainer, _ = trainer_for(config, inputs, [], folder / "run", folder / "cache", world)
    trainer.model.train()
    batches = endless(trainer)
    bare = bare_step(trainer.shape.backbone, said.input, said.batch, world)
    ours, theirs = [], []
    for turn in range(3 + said.steps):
        start = time.perf_counter()
        trainer.one_step([next(batches)])
        middle = time.perf_counter()
        bare()
        if turn >= 3:
            ours.append(middle - start)
            theirs.append(time.perf_counter() - middle)
    return ours, theirs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="b0")
    parser.add_argument("--input", type=int, default=224)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="lite0 at 96 px, 5 steps")
    said = parser.parse_args()
    if said.quick:
        said.model, said.input, said.steps = "lite0", 96, 5
    with tempfile.TemporaryDirectory() as place:
        ours, theirs = measure(said, Path(place))
    mine, bare = statistics.median(ours), statistics.median(theirs)
    print(f"{said.model} at {said.input} px, batch {said.batch}, {said.device}, {len(ours)} steps each, medians")
    print(f"bare timm loop on tensors  {1000 * bare:8.1f} ms a step")
    print(f"from the cache             {1000 * mine:8.1f} ms a step")
    print(f"speed                      {bare / mine:8.3f} of the bare loop (bar: .97)")


if __name__ == "__main__":
    main()
