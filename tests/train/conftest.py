"""A small trained model, made once for all tests of scoring."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.train.graded import write_export


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one epoch at 32 px on simulated votes; tests that write into it take a copy."""
    pytest.importorskip("torch")
    from dermiqa.commands.training import train

    place = tmp_path_factory.mktemp("model")
    export = write_export(place / "export", contents=20)
    words = [str(export), "--model", "lite0", "--input", "32", "--epochs", "1", "--batch", "4", "--out", str(place / "model")]
    done = CliRunner().invoke(train, [*words, "--cache-dir", str(place / "cache"), "--device", "cpu"], catch_exceptions=False)
    assert "SIMULATED" in done.output
    return place / "model"


@pytest.fixture(scope="session")
def whole_model(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a fault head of random examples: its probabilities mean nothing, its files and ways are the real ones."""
    import shutil

    import numpy as np

    from train.fault_features import fault_features
    from train.fault_material import FAULTS
    from train.fault_training import made_head
    from train.faults import write_head

    place = tmp_path_factory.mktemp("whole") / "model"
    shutil.copytree(model, place)
    width = len(fault_features(np.zeros((40, 40, 3), np.uint8)))
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (100, len(FAULTS)))
    rows = rng.normal(size=(100, width))
    rows[:, : len(FAULTS)] += 3 * truth
    write_head(place, made_head(rows, truth, [f"c{i % 10}" for i in range(100)], ["chain"] * 100))
    return place
