"""A run's figures for TensorBoard, and the bar of a cache that training builds: optional, and told in one line when missing."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from tests.train.graded import write_export

pytest.importorskip("torch")


class Recorder:
    """Stands for TensorBoard's writer: keeps what it is told."""

    made: list[Recorder]

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step, self.rows, self.closed = folder, purge_step, [], False
        Recorder.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Keep one value."""
        self.rows.append((name, value, step))

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def trained(export: Path, out: Path, *words: str) -> Any:
    """`dermiqa train` of one small epoch."""
    from dermiqa.commands.training import train

    small = ["--model", "lite0", "--input", "32", "--epochs", "1", "--batch", "4", "--device", "cpu"]
    place = ["--out", str(out), "--cache-dir", str(out.parent / "cache")]
    return CliRunner().invoke(train, [str(export), *small, *place, *words])


def test_the_board_gets_every_epoch_and_every_tenth_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --tensorboard loss and rate of tenth steps and each column of metrics.csv go to OUT/tensorboard; the cache has a bar."""
    stand_in = ModuleType("torch.utils.tensorboard")
    stand_in.SummaryWriter = Recorder  # type: ignore[attr-defined]
    Recorder.made = []
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", stand_in)
    done = trained(write_export(tmp_path / "export", contents=8), tmp_path / "run", "--tensorboard")
    assert done.exit_code == 0, done.output
    assert "cache export: 100%" in done.stderr
    (writer,) = Recorder.made
    assert writer.closed
    assert writer.folder == str(tmp_path / "run" / "tensorboard")
    names = {name for name, _, _ in writer.rows}
    assert {"step/loss", "step/lr", "epoch/train_loss", "epoch/val_plcc_export", "epoch/lr"} <= names
    assert [step for name, _, step in writer.rows if name == "step/loss"] == [10]


def test_without_tensorboard_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for and not installed, training does not begin."""
    from workspace.errors import UsageFault

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    export = write_export(tmp_path / "export", contents=8)
    done = trained(export, tmp_path / "run", "--tensorboard")
    assert isinstance(done.exception, UsageFault)
    assert str(done.exception) == "TensorBoard is not installed: pip install tensorboard, or leave out --tensorboard"
    assert not (tmp_path / "run").exists()
