"""Run by tests as a process of a group (torchrun's environment): the gradients of one step, or a whole run, possibly cut short."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from train.config import make
from train.data import train_batches
from train.parallel import World, end, join, leave
from train.roots import Root
from train.run import run, trainer_for
from train.sources import gather
from train.splits import Rule


def main(export: str, out: str, mode: str, stop: int, batch: int, accumulate: int) -> None:
    """Join the group, work, leave it and end as the command line does."""
    torch.set_num_threads(1)
    world = join("cpu")
    work(world, export, out, mode, stop, batch, accumulate)
    leave(world)
    end(world, 0)


def work(world: World, export: str, out: str, mode: str, stop: int, batch: int, accumulate: int) -> None:
    """`mode` gradients: save the first step's gradients; run: train, leaving after `stop` steps (0: to the end)."""
    drop = 0.0 if mode == "gradients" else 0.5
    size = {"input_size": 32, "epochs": 2, "batch": batch, "accumulate": accumulate}
    config = make({"sets": ["set"], "model": "lite0", "dropout": drop, "checkpoint_minutes": 0.0, **size})
    inputs = gather([Root("set", "dermiqa", Path(export))], [], Rule(), seed=0, n=2)
    cache = Path(out).parent / "cache"
    if mode == "gradients":
        trainer, _ = trainer_for(config, inputs, [], Path(out), cache, world)
        trainer.model.train()
        batches = train_batches(trainer.material.pool, trainer.deal, seed=0, epoch=0)
        trainer.one_step([next(batches) for _ in range(accumulate)])
        if world.first:
            torch.save({name: p.grad for name, p in trainer.model.named_parameters()}, out)
    else:
        for done, _ in enumerate(run(config, inputs, Path(out), cache, world), start=1):
            if stop and done >= stop:
                break


if __name__ == "__main__":
    main(*sys.argv[1:4], *(int(word) for word in sys.argv[4:7]))
