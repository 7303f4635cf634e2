"""What an experiment would take: runs, steps, disk, and hours from steps timed on this device."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from train.cache import estimate
from train.config import Config
from train.datasets import facts
from train.experiment import Experiment
from train.model import build, native_input
from train.parallel import World
from workspace.errors import ModelFault

WARM, TIMED, MOST_SECONDS = 3, 50, 60.0


@dataclass(frozen=True)
class Timing:
    """Seconds of a training step and of scoring one image, and how many steps were timed."""

    step: float
    image: float
    steps: int


@dataclass(frozen=True)
class Cost:
    """One model's part of an experiment: runs, optimiser steps, hours in all and of the longest run, bytes of weights."""

    model: str
    size: int
    runs: int
    steps: int
    timing: Timing
    hours: float
    longest: float
    weights: int


def counts(made: Experiment, kinds: Mapping[str, str], images: Mapping[str, int]) -> dict[str, tuple[int, int, int]]:
    """Images of each set for training, validation and test: from the rule's shares and `images` (read or published counts)."""
    out = {}
    for name in made.sets:
        role = made.rule.roles.get(name, facts(kinds[name]).role)
        total = images[name]
        if role == "test":
            out[name] = (0, 0, total)
        elif role == "train_val":
            official = facts(kinds[name]).official.get("train")
            total = min(total, official) if official else total
            train = round(total * made.rule.train / (made.rule.train + made.rule.val))
            out[name] = (train, total - train, 0)
        else:
            train, val = round(total * made.rule.train), round(total * made.rule.val)
            out[name] = (train, val, total - train - val)
    return out


def time_model(config: Config, world: World, *, timed: int = TIMED, most: float = MOST_SECONDS) -> tuple[Timing, int]:
    """Time training steps on noise images (3 to warm up, then `timed`, or as many as fit in `most` seconds), and scoring.

    Gives the timing and the bytes of the model's weights. Weights are random: they do not change the speed.
    """
    import torch

    size = config.input_size or native_input(config.model)
    model, _, _ = build(config.model, weights="none", input_size=size, hidden=config.hidden)
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    model = model.to(world.device).to(memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
    images = torch.randint(0, 256, (config.batch, size, size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = images.permute(0, 3, 1, 2)

    def step() -> None:
        for _ in range(config.accumulate):
            with torch.autocast(world.device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
                raw = model(images.to(world.device).float())
            torch.autograd.backward((raw.float() - 5.0).square().mean())
        optimizer.step()
        optimizer.zero_grad()

    def look() -> None:
        with torch.inference_mode():
            model(images.to(world.device).float()).sum().item()

    model.train()
    seconds, done = _timed(step, world, timed, most)
    model.eval()
    looking, _ = _timed(look, world, 10, most / 4)
    weights = sum(p.numel() * p.element_size() for p in model.state_dict().values())
    return Timing(seconds, looking / config.batch, done), weights


def _timed(work: Callable[[], None], world: World, timed: int, most: float) -> tuple[float, int]:
    """Mean seconds of `work` and how often it was timed."""
    import torch

    def settle() -> None:
        if world.device.type == "cuda":
            torch.cuda.synchronize()

    start = time.perf_counter()
    for _ in range(WARM):
        work()
        settle()
        if time.perf_counter() - start > most / 6:
            break
    start, done = time.perf_counter(), 0
    while done < timed and (done == 0 or time.perf_counter() - start < most):
        work()
        done += 1
    settle()
    return (time.perf_counter() - start) / done, done


def costs(made: Experiment, parts: Mapping[str, tuple[int, int, int]], world: World, *, timed: int = TIMED) -> list[Cost]:
    """The cost of each model of an experiment on this device. Raises ModelFault for a model that timm does not know."""
    out = []
    runs = made.runs()
    tested = sum(test for _, _, test in parts.values())
    for model in dict.fromkeys((r.config.model, r.config.input_size) for r in runs):
        mine = [r.config for r in runs if (r.config.model, r.config.input_size) == model]
        try:
            timing, weights = time_model(mine[0], world, timed=timed)
        except RuntimeError as fault:
            raise ModelFault(
                f"{model[0]} can't be timed here: {str(fault).splitlines()[0]}: lower its batch in [by_model]"
            ) from None
        each = [_run_cost(config, parts, timing, tested, world.size) for config in mine]
        hours = [seconds / 3600 for _, seconds in each]
        steps = sum(count for count, _ in each)
        out.append(Cost(model[0], model[1] or native_input(model[0]), len(mine), steps, timing, sum(hours), max(hours), weights))
    return out


def _run_cost(
    config: Config, parts: Mapping[str, tuple[int, int, int]], timing: Timing, tested: int, processes: int
) -> tuple[int, float]:
    """Optimiser steps and seconds of one run: training, validation after each epoch, predictions of every part at the end."""
    train = sum(parts[name][0] for name in config.sets)
    val = sum(parts[name][1] for name in config.sets)
    steps = config.epochs * (train // (config.batch * config.accumulate * processes))
    looked_at = config.epochs * val + train + val + tested
    return steps, steps * timing.step + looked_at * timing.image / processes


def disk(made: Experiment, images: Mapping[str, int], found: list[Cost]) -> dict[str, int]:
    """Bytes: caches of every set at every size, run folders (two weight files each), the checkpoint of the run in work."""
    sizes = {cost.size for cost in found}
    cache = sum(estimate(images[name], size) for name in made.sets for size in sizes)
    return {
        "cache": cache,
        "runs": sum(2 * cost.weights * cost.runs for cost in found),
        "checkpoint": max((3 * cost.weights for cost in found), default=0),
    }


def summary(made: Experiment, found: list[Cost], bytes_: Mapping[str, int]) -> dict[str, Any]:
    """The totals: runs, hours, gigabytes."""
    return {
        "experiment": made.name,
        "runs": sum(cost.runs for cost in found),
        "hours": round(sum(cost.hours for cost in found), 2),
        "gigabytes": {key: round(value / 1e9, 2) for key, value in bytes_.items()},
    }
