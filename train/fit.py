"""The training loop: plain, read from top to bottom; a resumed run is the same run."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mos.evaluation import plcc, rmse, srocc
from train.checkpoint import Progress
from train.checkpoint import load as load_checkpoint
from train.checkpoint import save as save_checkpoint
from train.config import Config
from train.data import Batch, Deal, Pool, eval_batches, train_batches
from train.loss import weighted_losses
from train.material import Ints, Material, Member
from train.model import Shape
from train.parallel import World, be_deterministic, from_first, gather
from train.schedule import one_cycle
from workspace.errors import ModelFault, UsageFault

if TYPE_CHECKING:
    import torch

CHECKPOINT = "checkpoint.pt"
BETA2 = 0.999
EVAL_BATCH = 32


@dataclass(frozen=True)
class Step:
    """One optimiser step that is done: `number` of `total` over the whole run."""

    epoch: int
    number: int
    total: int
    loss: float
    lr: float


@dataclass(frozen=True)
class Epoch:
    """One epoch that is done: its row of metrics.csv, and whether its weights are the best so far."""

    number: int
    row: dict[str, Any]
    best: bool


class Trainer:
    """A model in training on one material; `run()` yields steps and epochs and leaves the files in `folder`."""

    def __init__(self, model: Any, shape: Shape, material: Material, config: Config, folder: Path, world: World) -> None:
        import torch

        self.config, self.shape, self.material, self.folder, self.world = config, shape, material, folder, world
        self.deal = Deal(config.batch, world.rank, world.size, config.accumulate)
        self.steps = self.deal.steps(len(material.pool))
        if self.steps == 0:
            raise UsageFault(
                f"{len(material.pool)} training images are fewer than one step of {self.deal.whole}: lower the batch"
            )
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.model = model.to(world.device).to(memory_format=layout)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.lr, betas=(one_cycle(0, 2, 1).beta1, BETA2), weight_decay=config.weight_decay
        )
        self.progress = Progress(set_loss=[0.0] * material.trained)
        be_deterministic(world, config.deterministic)
        torch.manual_seed(config.seed * 1_000_003 + world.rank)
        if (folder / CHECKPOINT).is_file():
            self.progress = load_checkpoint(folder / CHECKPOINT, world, self.model, self.optimizer)
        self.raw = self._wrapped()
        self.saved_at = time.monotonic()

    @property
    def total(self) -> int:
        """Steps of the whole run."""
        return self.steps * self.config.epochs

    @property
    def done(self) -> int:
        """Steps that are done."""
        return self.progress.epoch * self.steps + self.progress.step

    def _wrapped(self) -> Any:
        """The forward pass to the head's output, through DistributedDataParallel when there are several processes."""
        import torch

        inner = torch.compile(self.model) if self.config.compile else self.model
        if self.world.size == 1:
            return inner
        device_ids = [self.world.device.index] if self.world.device.type == "cuda" else None
        return torch.nn.parallel.DistributedDataParallel(inner, device_ids=device_ids)

    def run(self) -> Iterator[Step | Epoch]:
        """Train to the end from wherever the run stands. Raises ModelFault on a loss that is not finite."""
        while self.progress.epoch < self.config.epochs:
            started = time.monotonic()
            before = self.progress.seconds
            for step in self._epoch_steps():
                self.progress.seconds = before + time.monotonic() - started
                self._save_in_time()
                yield step
            yield self._end_epoch()

    def _epoch_steps(self) -> Iterator[Step]:
        config, progress = self.config, self.progress
        self.model.train()
        fetched = train_batches(
            self.material.pool, self.deal, seed=config.seed, epoch=progress.epoch, start=progress.step, mixing=config.mixing,
            workers=config.workers,
        )  # fmt: skip
        while progress.step < self.steps:
            point = one_cycle(self.done, self.total, config.lr, config.warm_share, config.anneal)
            for group in self.optimizer.param_groups:
                group["lr"], group["betas"] = point.lr, (point.beta1, BETA2)
            loss = self.one_step([next(fetched) for _ in range(config.accumulate)])
            progress.step += 1
            yield Step(progress.epoch, self.done, self.total, loss, point.lr)

    def one_step(self, batches: list[Batch]) -> float:
        """Gradients of the step's batches, each weighted loss divided by the global batch; then the optimiser."""
        import torch

        total = 0.0
        self.optimizer.zero_grad(set_to_none=True)
        for number, batch in enumerate(batches):
            last = number == len(batches) - 1
            quiet = contextlib.nullcontext() if last or self.world.size == 1 else self.raw.no_sync()
            with quiet:
                losses = self.losses(batch)
                # DistributedDataParallel averages over processes: times their number gives the sum that is wanted.
                torch.autograd.backward(losses.sum() * (self.world.size / self.deal.whole))
            values = losses.detach().double().cpu().numpy()
            if not np.isfinite(values).all():
                self._stop(batch, values)
            self._count(batch, values)
            total += float(values.sum())
        with torch.no_grad():
            self.optimizer.step()
        return total / (self.config.batch * len(batches))

    def losses(self, batch: Batch) -> torch.Tensor:
        """The weighted loss of each image of a batch, `(B,)`."""
        import torch

        device = self.world.device
        shares = None
        if self.config.head == "distribution":
            shares = torch.from_numpy(self.material.shares[batch.samples]).to(device)
        with autocast(self.config, device):
            raw = self.raw(as_input(batch.images, device))
        return weighted_losses(self.model, raw, batch.targets.to(device), batch.weights.to(device), shares)

    def _count(self, batch: Batch, values: NDArray[np.float64]) -> None:
        self.progress.loss_sum += float(values.sum())
        self.progress.seen += len(values)
        for number in range(self.material.trained):
            self.progress.set_loss[number] += float(values[batch.sets == number].sum())

    def _stop(self, batch: Batch, values: NDArray[np.float64]) -> None:
        files = [self.material.pool.file(int(sample)) for sample in batch.samples]
        bad = [file for file, value in zip(files, values, strict=True) if not math.isfinite(value)]
        raise ModelFault(
            f"the loss is not a number in epoch {self.progress.epoch + 1}, step {self.progress.step + 1} "
            f"({len(bad)} of {len(files)} images): lower --lr, or look at the batch's files: {', '.join(files)}"
        )

    def _save_in_time(self) -> None:
        """Write a checkpoint when the last is old enough; the first process decides for all."""
        if self.world.size > 1 and self.progress.step % 10:
            return
        due = time.monotonic() - self.saved_at >= 60.0 * self.config.checkpoint_minutes
        if from_first(self.world, due):
            self._save()

    def _save(self) -> None:
        save_checkpoint(self.folder / CHECKPOINT, self.world, self.model, self.optimizer, self.progress, self.config.as_dict())
        self.saved_at = time.monotonic()

    def _end_epoch(self) -> Epoch:
        progress, config = self.progress, self.config
        validation = self.validate()
        lr = one_cycle(self.done - 1, self.total, config.lr, config.warm_share, config.anneal).lr
        row = {
            "epoch": progress.epoch + 1,
            "steps": self.done,
            "lr": lr,
            **self._sums(),
            **validation,
            "seconds": round(progress.seconds, 2),
        }
        value = float(row["select"])
        best = config.select == "last" or value > progress.best_value or progress.best_epoch == 0
        if best:
            progress.best_value, progress.best_epoch = value, progress.epoch + 1
        progress.rows.append(row)
        number = progress.epoch + 1
        self.progress = Progress(
            epoch=number, set_loss=[0.0] * self.material.trained, rows=progress.rows,
            best_value=progress.best_value, best_epoch=progress.best_epoch,
        )  # fmt: skip
        return Epoch(number, row, best)

    def keep(self) -> None:
        """Write the checkpoint of an epoch that is done; called when its weights and rows are on the disk."""
        self._save()

    def _sums(self) -> dict[str, float]:
        """The epoch's mean loss and each set's share of it, over all processes."""
        own = np.array([self.progress.loss_sum, float(self.progress.seen), *self.progress.set_loss])
        total = np.sum(gather(self.world, own), axis=0)
        names = [member.name for member in self.material.training]
        shares = {
            f"loss_share_{name}": float(part / total[0]) if total[0] else 0.0 for name, part in zip(names, total[2:], strict=True)
        }
        return {"train_loss": float(total[0] / total[1]), **shares}

    def validate(self) -> dict[str, float]:
        """PLCC, SROCC and RMSE of each training set's validation part, and the value that selects the epoch."""
        share_buffers(self.model, self.world)
        row: dict[str, float] = {}
        labels, outputs, values = [], [], []
        for member in self.material.training:
            rows = member.rows("val")
            if len(rows) == 0:
                continue
            label, output = member.scores(rows), self.predict(member, rows)
            labels.append(label)
            outputs.append(output)
            values.append(plcc(output, label))
            row[f"val_plcc_{member.name}"], row[f"val_srocc_{member.name}"] = values[-1], srocc(output, label)
            row[f"val_rmse_{member.name}"] = rmse(output, label)
        if self.config.select_by == "pooled" and labels:
            values = [plcc(np.concatenate(outputs), np.concatenate(labels))]
        # An undefined correlation (all outputs equal) counts as -1, so that such an epoch is never the best.
        # Without any validation part the last epoch is taken: its number stands for the value.
        row["select"] = float(np.mean(np.nan_to_num(values, nan=-1.0))) if values else float(self.progress.epoch + 1)
        return row

    def predict(self, member: Member, rows: Ints) -> NDArray[np.float64]:
        """Scores of a set's rows from the evaluation view, `(len(rows),)`; the work is dealt to all processes."""
        return predict(self.model, member, rows, self.config, self.world)


def predict(model: Any, member: Member, rows: Ints, config: Config, world: World) -> NDArray[np.float64]:
    """Scores on [1, 10] (unclipped) of rows of a set, `(len(rows),)` float64."""
    import torch

    model.eval()
    own = rows[world.rank :: world.size]
    found = []
    with torch.inference_mode():
        for batch in eval_batches(Pool([member.as_part(own)]), EVAL_BATCH) if len(own) else ():
            with autocast(config, world.device):
                raw = model(as_input(batch.images, world.device))
            found.append(model.score(raw).double().cpu().numpy())
    mine = np.concatenate(found) if found else np.empty(0)
    out = np.empty(len(rows))
    for rank, values in enumerate(gather(world, mine)):
        out[rank :: world.size] = values
    return out


def share_buffers(model: Any, world: World) -> None:
    """Give every process the first one's BatchNorm averages: each has gathered its own since the last step."""
    if world.size == 1:
        return
    import torch

    for buffer in model.buffers():
        torch.distributed.broadcast(buffer, src=0)


def as_input(pixels: torch.Tensor, device: torch.device) -> torch.Tensor:
    """(B, 3, S, S) uint8 -> float32, 0..255, on the device; the channels-last order stays."""
    return pixels.to(device, non_blocking=True).float()


def autocast(config: Config, device: torch.device) -> Any:
    """bfloat16 autocast where the settings ask for it."""
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16")
