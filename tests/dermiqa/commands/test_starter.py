"""The starting model: built from whatever rated sets are at hand, stopped at every step and gone on with, whole at the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from dermiqa.commands.starter import chosen, train_starter
from tests.train.graded import write_export
from tests.train.synthetic_attributes import write_synthetic_spaq
from train import attribute_training, run_folder
from train.attribute_training import PART_FILE
from train.shipping import shipping
from workspace.errors import UsageFault

pytest.importorskip("torch")


@pytest.fixture
def place(tmp_path: Path, demo_photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a roots file of four sets, of which one can be trained on, and five small photos to make faults on."""
    write_synthetic_spaq(tmp_path / "synthetic")
    write_export(tmp_path / "export", contents=3)
    (tmp_path / "datasets.toml").write_text(
        'koniq10k = "nowhere"\n[synthetic]\nset = "spaq"\nfolder = "synthetic"\n'
        '[wild]\nset = "live_itw"\nfolder = "wild"\n[ours]\nset = "dermiqa"\nfolder = "export"\n'
    )
    (tmp_path / "photos").mkdir()
    for path in sorted(demo_photos.glob("*.*g"))[:5]:
        small = cv2.resize(cv2.imread(str(path)), (160, 120), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(tmp_path / "photos" / f"{path.stem}.png"), small)
    monkeypatch.delenv("DERMIQA_DATASETS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


WORDS = (
    "--out", "starter", "--photos", "photos", "--input", "32", "--epochs", "2", "--weights", "none", "--device", "cpu",
    "--cache-dir", "cache", "--json",
)  # fmt: skip


def test_whatever_is_at_hand_is_taken_and_the_rest_is_said(place: Path) -> None:
    """Without SETS the whole, rated sets of datasets.toml are taken; a missing one, one for tests alone and simulated votes are
    left out with the reason; sets that are said are taken as they are, simulated or not."""
    found, left_out = chosen(())
    assert [root.name for root in found] == ["synthetic"]
    assert "is not a folder" in left_out["koniq10k"]
    assert left_out["wild"] == "always a test set: models are compared on it"
    assert left_out["ours"].startswith("its votes are simulated: name it among the SETS")
    assert [root.name for root in chosen(("ours", "synthetic"))[0]] == ["ours", "synthetic"]
    (place / "datasets.toml").write_text('koniq10k = "nowhere"\n')
    with pytest.raises(
        UsageFault, match=r"no rated set is at hand \(koniq10k: .*nowhere is not a folder.*\): say SETS, as NAME=FOLDER"
    ):
        chosen(())
    (place / "datasets.toml").unlink()
    with pytest.raises(UsageFault, match=r"no datasets.toml names one\): say SETS"):
        chosen(())


def test_a_set_is_judged_by_its_kind_not_by_its_name() -> None:
    """A set of one's own that is called koniq10k is not open, and KonIQ-10k under another name is."""
    row = {"title": "t", "licence": "yours", "labels_sha256": ""}
    assert not shipping([{**row, "name": "koniq10k", "kind": "custom"}])[0][1]
    assert shipping([{**row, "name": "photos", "kind": "koniq10k"}])[0][1]


def stop(*_: Any, **__: Any) -> NoReturn:
    """What Ctrl-C does."""
    raise KeyboardInterrupt


def built(*words: str) -> Result:
    """One call of the verb, as a user makes it."""
    return CliRunner().invoke(train_starter, [*WORDS, *words])


@pytest.mark.slow
def test_a_build_stopped_at_every_step_goes_on_and_ends_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it trains, then stopped in the export, in the attributes and in the faults: each call goes on, nothing that was
    done is done again, and the folder holds weights, model.onnx, interval, range, attributes, faults and a card that says it all."""
    folder = place / "starter"
    monkeypatch.setattr("train.fault_material.CHAINS", 2)
    process = subprocess.Popen([sys.executable, "-m", "dermiqa", "model", "train-starter", *WORDS], stdout=subprocess.DEVNULL)
    while process.poll() is None and not (folder / "metrics.csv").is_file():
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with monkeypatch.context() as patch:
        patch.setattr("train.onnx.export", stop)
        assert built().exit_code == 1
    assert run_folder.finished(folder)
    assert len((folder / "metrics.csv").read_text().splitlines()) == 3
    assert not (folder / "model.onnx").exists()
    real, calls = attribute_training._features, []
    with monkeypatch.context() as patch:
        patch.setattr(attribute_training, "_features", lambda *a: calls.append(a) or (stop() if len(calls) > 60 else real(*a)))
        assert built().exit_code == 1
    assert (folder / PART_FILE).is_file()
    with monkeypatch.context() as patch:
        patch.setattr("train.fault_training.train_faults", stop)
        assert built().exit_code == 1
    done = {
        name: (folder / name).stat().st_mtime_ns for name in ("best.safetensors", "model.onnx", "attributes.npz", "results.json")
    }
    assert not (folder / PART_FILE).exists()
    last = built()
    assert last.exit_code == 0, last.output
    assert {name: (folder / name).stat().st_mtime_ns for name in done} == done
    _whole(folder, json.loads(last.stdout))


def _whole(folder: Path, said: dict[str, Any]) -> None:
    """Everything is in the folder, in the answer and in the card, and photos are scored without torch's help."""
    from train.scoring import open_model

    assert said["sets"] == ["synthetic"]
    assert set(said["left_out"]) == {"koniq10k", "wild", "ours"}
    assert said["attributes"]["sharpness"]["n"] == 32
    assert said["faults"]["macro_f1"]["value"] > 0
    assert [(row["set"], row["open"]) for row in said["passing_on"]] == [("synthetic", False)]
    card = (folder / "README.md").read_text()
    for words in (
        "not a medical device", "| synthetic | 112 | 16 | 32 |", "90 % interval", "Range check: distance",
        "Without torch: yes, by model.onnx", "| synthetic | **no** |", "Faults: taught on 5 photos",
        "measured on its part test (the model's own split 1", "| sharpness | 32 |",
    ):  # fmt: skip
        assert words in card, words
    scorer = open_model(folder)
    assert scorer.engine == "onnxruntime"
    (found,) = scorer.score_files([np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)])
    assert found.low is not None
    assert len(found.faults) == 8
    assert len(found.attributes) == 5
