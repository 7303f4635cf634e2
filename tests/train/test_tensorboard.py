"""A run's figures as TensorBoard reads them, and the bar of a cache that training builds; told in one line when it is missing."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.train.graded import write_export

pytest.importorskip("torch")


def trained(export: Path, out: Path, *words: str) -> Any:
    """`dermiqa train` of two small epochs."""
    from dermiqa.commands.training import train

    small = ["--model", "lite0", "--input", "32", "--epochs", "2", "--batch", "4", "--device", "cpu"]
    place = ["--out", str(out), "--cache-dir", str(out.parent / "cache")]
    return CliRunner().invoke(train, [str(export), *small, *place, *words])


def read_back(folder: Path) -> dict[str, dict[int, float]]:
    """What TensorBoard itself reads from a folder: values by name and step."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reading.EventAccumulator(str(folder))
    found.Reload()
    return {name: {row.step: row.value for row in found.Scalars(name)} for name in found.Tags()["scalars"]}


def test_tensorboard_reads_every_epoch_and_every_tenth_step(tmp_path: Path) -> None:
    """With --tensorboard the loss and rate of tenth steps and each column of metrics.csv are read back equal; the cache has a bar."""
    done = trained(write_export(tmp_path / "export", contents=8), tmp_path / "run", "--tensorboard")
    assert done.exit_code == 0, done.output
    assert "cache export: 100%" in done.stderr
    found = read_back(tmp_path / "run" / "tensorboard")
    with (tmp_path / "run" / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2
    for row in rows:
        for name in ("train_loss", "val_plcc_export", "lr"):
            assert found[f"epoch/{name}"][int(row["steps"])] == pytest.approx(float(row[name]), rel=1e-5), name
    last = int(rows[-1]["steps"])
    assert sorted(found["step/loss"]) == sorted(found["step/lr"]) == list(range(10, last + 1, 10))


def test_figures_beyond_a_checkpoint_are_overwritten(tmp_path: Path) -> None:
    """A run that goes on from a step shows that step's new values alone, not those that it had written before it was stopped."""
    from train.fit import Step
    from train.tensorboard import Board

    for loss, steps in ((5.0, (10, 20, 30)), (1.0, (20, 30, 40))):
        board = Board(tmp_path)
        for number in steps:
            board.add(Step(1, number, 40, loss, 0.001))
        board.close()
    assert read_back(tmp_path / "tensorboard")["step/loss"] == {10: 5.0, 20: 1.0, 30: 1.0, 40: 1.0}


def test_without_tensorboard_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for and not installed, training does not begin."""
    from workspace.errors import MissingExtra

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    export = write_export(tmp_path / "export", contents=8)
    done = trained(export, tmp_path / "run", "--tensorboard")
    assert isinstance(done.exception, MissingExtra)
    assert str(done.exception) == "TensorBoard is not installed: pip install 'dermiqa[tensorboard]'"
    assert not (tmp_path / "run").exists()
