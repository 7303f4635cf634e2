"""The learning-rate range test (Smith 2017): the loss while the rate rises from tiny to far too large, and a suggestion."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from train.data import train_batches
from workspace.errors import DatasetFault
from workspace.files import replacing, write_rows

if TYPE_CHECKING:
    from train.fit import Trainer

SMOOTHING = 0.9
BLOWN_UP = 4.0
DECADES = 2.0


@dataclass(frozen=True)
class Tried:
    """One step of the test: its rate, its loss, and the loss smoothed (exponential mean, bias taken off)."""

    step: int
    lr: float
    loss: float
    smooth: float


def range_test(trainer: Trainer, *, low: float = 1e-7, high: float = 1.0, steps: int = 100) -> Iterator[Tried]:
    """Train `steps` steps with a rate rising geometrically from `low` to `high`; ends early when the smoothed loss is four
    times its best. The trainer's model is used up: build another one for training."""
    trainer.model.train()
    batches = _endless(trainer)
    average, best = 0.0, math.inf
    for step in range(steps):
        lr = low * (high / low) ** (step / max(1, steps - 1))
        for group in trainer.optimizer.param_groups:
            group["lr"] = lr
        loss = trainer.one_step([next(batches) for _ in range(trainer.config.accumulate)])
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smooth = average / (1 - SMOOTHING ** (step + 1))
        yield Tried(step, lr, loss, smooth)
        best = min(best, smooth)
        if step > 10 and smooth > BLOWN_UP * best:
            return


def _endless(trainer: Trainer) -> Iterator[Any]:
    for epoch in itertools.count():
        yield from train_batches(
            trainer.material.pool, trainer.deal, seed=trainer.config.seed, epoch=epoch, mixing=trainer.config.mixing,
            workers=trainer.config.workers,
        )  # fmt: skip


def suggest(tried: Sequence[Tried]) -> dict[str, float]:
    """`lowest`: a tenth of the rate at the minimum of the smoothed loss; `steepest`: where it falls fastest per decade within the two
    decades before that minimum; `suggested`: the geometric mean of both, a peak rate for one-cycle.

    The first tenth of the steps is left out: their mean rests on few batches and falls by chance. Raises DatasetFault when the loss
    never fell.
    """
    if len(tried) < 10:
        raise DatasetFault(f"{len(tried)} steps are too few for a range test: 10 or more were expected")
    kept = tried[max(3, len(tried) // 10) :]
    losses, rates = np.array([t.smooth for t in kept]), np.log10([t.lr for t in kept])
    bottom = int(losses.argmin())
    if bottom < 3:
        raise DatasetFault("the loss never fell: start from a lower rate, or look at the scores and images")
    near = rates[: bottom + 1] >= rates[bottom] - DECADES
    slope = np.where(near, np.gradient(losses[: bottom + 1], rates[: bottom + 1]), np.inf)
    steepest, lowest = float(10 ** rates[int(slope.argmin())]), float(10 ** rates[bottom] / 10)
    return {"steepest": steepest, "lowest": lowest, "suggested": float(np.sqrt(steepest * lowest))}


def write(tried: Sequence[Tried], found: dict[str, float], folder: Path) -> list[Path]:
    """Write lr_find.csv and lr_find.svg."""
    import matplotlib
    from matplotlib.figure import Figure

    table, plot = folder / "lr_find.csv", folder / "lr_find.svg"
    write_rows(table, [{k: f"{v:.6g}" for k, v in vars(t).items()} for t in tried], ["step", "lr", "loss", "smooth"])
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axis = figure.subplots()
    rates = [t.lr for t in tried]
    axis.plot(rates, [t.loss for t in tried], lw=0.6, color="0.7", label="loss of each step")
    axis.plot(rates, [t.smooth for t in tried], lw=1.6, label="smoothed")
    axis.axvline(found["suggested"], color="C3", lw=1, label=f"suggested {found['suggested']:.1e}")
    axis.axvline(2e-4, color="C2", lw=1, ls="--", label="the paper's 2e-4")
    top = float(np.percentile([t.smooth for t in tried], 90))
    axis.set(xscale="log", xlabel="learning rate", ylabel="weighted loss", ylim=(0, 1.6 * top), title="Learning-rate range test")
    axis.legend(fontsize=8)
    with matplotlib.rc_context({"svg.hashsalt": "dermiqa"}), replacing(plot) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    return [table, plot]
