"""A run's figures for TensorBoard, where that is installed; metrics.csv holds them in any case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from train.fit import Epoch, Step
from workspace.errors import MissingExtra

FOLDER = "tensorboard"
EVERY = 10


class Board:
    """Writes loss and rate of every tenth step and each epoch's row of metrics.csv into `OUT/tensorboard`.

    A run that goes on overwrites what was written beyond its checkpoint. Raises MissingExtra where TensorBoard is not installed.
    """

    def __init__(self, out: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtra("TensorBoard", "tensorboard") from None
        self._open, self._out = SummaryWriter, out / FOLDER
        self._writer: Any = None

    def add(self, event: object) -> None:
        """Take one event of a run; those that are neither a step nor an epoch are passed over."""
        if isinstance(event, Step) and event.number % EVERY == 0:
            writer = self._writer_from(event.number)
            writer.add_scalar("step/loss", event.loss, event.number)
            writer.add_scalar("step/lr", event.lr, event.number)
        elif isinstance(event, Epoch):
            number = int(event.row["steps"])
            writer = self._writer_from(number)
            for key, value in event.row.items():
                if key not in ("epoch", "steps"):
                    writer.add_scalar(f"epoch/{key}", float(value), number)

    def _writer_from(self, number: int) -> Any:
        if self._writer is None:
            self._writer = self._open(str(self._out), purge_step=number)
        return self._writer

    def close(self) -> None:
        """Flush and close."""
        if self._writer is not None:
            self._writer.close()
