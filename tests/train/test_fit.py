"""The training loop: a resumed run is the same run; several processes give one process's gradients; a bad loss stops it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.train.graded import write_export
from workspace.errors import ModelFault, UsageFault

torch = pytest.importorskip("torch")
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six contents, 54 images."""
    return write_export(tmp_path_factory.mktemp("set") / "export")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Torch on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def events(export: Path, out: Path, **changes: Any) -> Iterator[Any]:
    """A run of two epochs at 32 px."""
    from train.config import make
    from train.parallel import join
    from train.roots import Root
    from train.run import run
    from train.sources import gather
    from train.splits import Rule

    values = {
        "sets": ["set"],
        "model": "lite0",
        "input_size": 32,
        "epochs": 2,
        "batch": 8,
        "checkpoint_minutes": 0.0,
        "device": "cpu",
    }
    inputs = gather([Root("set", "dermiqa", export)], [], Rule(), seed=0, n=2)
    return run(make({**values, **changes}), inputs, out, export.parent / "cache", join("cpu"))


def outcome(folder: Path) -> tuple[bytes, bytes, str, str]:
    """What must be equal: both weights, the table without seconds, the predictions."""
    table = pd.read_csv(folder / "metrics.csv").drop(columns="seconds").to_csv()
    return (
        (folder / "best.safetensors").read_bytes(),
        (folder / "last.safetensors").read_bytes(),
        table,
        (folder / "predictions.csv").read_text(),
    )


@pytest.fixture(scope="module")
def unbroken(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    list(events(export, out))
    torch.set_num_threads(before)
    return out


@pytest.mark.parametrize("stop", [1, 3, 6])
def test_a_run_that_stops_and_goes_on_gives_the_same_bytes(export: Path, unbroken: Path, tmp_path: Path, stop: int) -> None:
    """Stopped within the first epoch, within it later, and in the second, a run ends with the same weights, table and predictions."""
    list(islice(events(export, tmp_path / "run"), stop))
    torch.randn(5)
    list(events(export, tmp_path / "run"))
    assert outcome(tmp_path / "run") == outcome(unbroken)


def test_loader_processes_change_nothing(export: Path, unbroken: Path, tmp_path: Path) -> None:
    """A run begun without loader processes and ended with two gives the same bytes."""
    list(islice(events(export, tmp_path / "run"), 2))
    list(events(export, tmp_path / "run", workers=2))
    assert outcome(tmp_path / "run") == outcome(unbroken)


def test_a_run_refuses_other_settings(export: Path, unbroken: Path) -> None:
    """A folder is not resumed under another configuration; the message names the setting and both values."""
    with pytest.raises(ModelFault, match=r"is a run with other settings \(lr: 0.0002 -> 0.001\)"):
        list(events(export, unbroken, lr=1e-3))


def test_a_loss_that_is_no_number_stops_and_names_the_files(export: Path, tmp_path: Path) -> None:
    """One weight that is no number ends training with one line that says the epoch, the step and the batch's files."""
    from train.config import make
    from train.parallel import join
    from train.roots import Root
    from train.run import trainer_for
    from train.sources import gather
    from train.splits import Rule

    config = make({"sets": ["set"], "model": "lite0", "input_size": 32, "batch": 4, "device": "cpu"})
    inputs = gather([Root("set", "dermiqa", export)], [], Rule(), seed=0, n=1)
    trainer, _ = trainer_for(config, inputs, [], tmp_path, export.parent / "cache", join("cpu"))
    with torch.no_grad():
        trainer.model.head[-1].weight[0, 0] = float("nan")
    with pytest.raises(ModelFault, match=r"the loss is not a number in epoch 1, step 1 \(4 of 4 images\): .*set/C\d_\d\d.png"):
        list(trainer.run())


def test_a_training_part_smaller_than_a_step_is_refused(export: Path, tmp_path: Path) -> None:
    """A batch larger than the training part is refused with both numbers."""
    with pytest.raises(UsageFault, match=r"36 training images are fewer than one step of 64: lower the batch"):
        list(events(export, tmp_path / "run", batch=64))


def test_another_number_of_processes_is_refused(export: Path, tmp_path: Path) -> None:
    """A checkpoint of one process is not resumed by two."""
    from train.checkpoint import load
    from train.parallel import World

    list(islice(events(export, tmp_path / "run"), 2))
    two = World(0, 2, torch.device("cpu"))
    with pytest.raises(ModelFault, match="was written by 1 processes and 2 are here"):
        load(tmp_path / "run" / "checkpoint.pt", two, None, None)


def start(words: list[str], size: int, port: int) -> list[subprocess.Popen[bytes]]:
    """Processes of one group."""
    made = []
    for rank in range(size):
        place = {
            "WORLD_SIZE": str(size),
            "RANK": str(rank),
            "LOCAL_RANK": "0",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
        env = {**os.environ, **place, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        made.append(subprocess.Popen([sys.executable, str(HERE / "processes.py"), *words], env=env, cwd=ROOT))
    return made


def group(words: list[str], size: int) -> None:
    """Run a group to its end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert [process.wait(300) for process in start(words, size, port)] == [0] * size


@pytest.mark.slow
def test_two_processes_give_the_gradients_of_one_that_accumulates(export: Path, tmp_path: Path) -> None:
    """Two gloo processes of batch 8 have to 1e-5 the gradients of one process that accumulates two batches of 8."""
    group([str(export), str(tmp_path / "two.pt"), "gradients", "0", "8", "1"], 2)
    group([str(export), str(tmp_path / "one.pt"), "gradients", "0", "8", "2"], 1)
    two, one = (torch.load(tmp_path / name, weights_only=True) for name in ("two.pt", "one.pt"))
    assert set(two) == set(one)
    scale = max(float(g.abs().max()) for g in one.values())
    assert max(float((two[name] - one[name]).abs().max()) for name in one) <= 1e-5 * max(1.0, scale)
    assert scale > 1e-3


@pytest.mark.slow
def test_two_processes_resume_to_the_same_bytes(export: Path, tmp_path: Path) -> None:
    """A run on two processes that stops after three events and goes on ends like one that never stopped."""
    group([str(export), str(tmp_path / "whole"), "run", "0", "8", "1"], 2)
    group([str(export), str(tmp_path / "broken"), "run", "3", "8", "1"], 2)
    group([str(export), str(tmp_path / "broken"), "run", "0", "8", "1"], 2)
    assert outcome(tmp_path / "broken") == outcome(tmp_path / "whole")


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(export: Path, unbroken: Path, tmp_path: Path) -> None:
    """Killed with -9 three times at any moment, a run ends with the bytes of one that was never killed."""
    words = [str(export), str(tmp_path / "run"), "run", "0", "8", "1"]
    for _ in range(3):
        process = start(words, 1, 0)[0]
        before = (tmp_path / "run" / "checkpoint.pt").stat().st_mtime_ns if (tmp_path / "run" / "checkpoint.pt").exists() else 0
        for _ in range(1200):
            now = tmp_path / "run" / "checkpoint.pt"
            if process.poll() is not None or (now.exists() and now.stat().st_mtime_ns > before):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(words, 1, 0)[0].wait(300) == 0
    assert outcome(tmp_path / "run") == outcome(unbroken)
