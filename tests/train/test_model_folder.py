"""A model folder that is damaged says which file and what of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from train.run_folder import read_model
from train.scoring import open_model
from workspace.errors import ModelFault
from workspace.files import sha256_file

GONE = object()


def damaged(model: Path, place: Path, key: str, value: Any) -> Path:
    """model.json alone, with one fact changed or gone; `a.b` is b of the object a."""
    facts = json.loads((model / "model.json").read_text())
    outer, _, name = key.rpartition(".")
    held = facts[outer] if outer else facts
    if value is GONE:
        del held[name]
    else:
        held[name] = value
    (place / "model.json").write_text(json.dumps(facts))
    return place


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("input", GONE, r"lacks input \(an object was expected\)"),
        ("input", 7, r"has input = '7'"),
        ("input.size", "big", r"has input.size = 'big' \(a number of pixels was expected\)"),
        ("input.size", 0, "has input.size = '0'"),
        ("input.size", True, "has input.size = 'True'"),
        ("input.largest_side", None, "has input.largest_side = 'None'"),
        ("input.resize", "stretch", r"has input.resize = 'stretch' \(shorter_side or squash or letterbox was expected\)"),
        ("notices", GONE, r"lacks notices \(a list of texts was expected\)"),
        ("notices", "none", "has notices = 'none'"),
        ("shape", GONE, "lacks shape"),
        ("shape.backbone", GONE, "lacks shape.backbone"),
        ("simulated_votes", GONE, "lacks simulated_votes"),
        ("weights", GONE, "lacks weights"),
    ],
)
def test_a_damaged_fact_is_named_with_its_file(model: Path, tmp_path: Path, key: str, value: Any, words: str) -> None:
    """A fact that scoring relies on is missing or of another kind: the file, the key, what was expected, what to do."""
    folder = damaged(model, tmp_path, key, value)
    with pytest.raises(ModelFault, match=rf"model\.json {words}.*: copy the model folder again, or train anew"):
        read_model(folder)


def test_a_shape_that_lacks_a_part_is_named(model: Path, tmp_path: Path) -> None:
    """A shape from which no network can be made is a fault of model.json."""
    folder = damaged(model, tmp_path, "shape.hidden", GONE)
    with pytest.raises(ModelFault, match=r"model\.json has a broken shape \(.*hidden.*\): copy the model folder again"):
        open_model(folder, "torch")


def test_another_models_network_is_refused(model: Path, tmp_path: Path) -> None:
    """model.onnx with another hash than the one noted is not run; with the noted one it is handed to onnxruntime."""
    pytest.importorskip("onnxruntime")
    (tmp_path / "model.onnx").write_bytes(b"another network")
    damaged(model, tmp_path, "onnx", "model.onnx")
    damaged(tmp_path, tmp_path, "onnx_sha256", "0" * 64)
    with pytest.raises(
        ModelFault, match=r"model\.onnx is not the one that model\.json names: `dermiqa model export --model .*` writes it"
    ):
        open_model(tmp_path)
    damaged(tmp_path, tmp_path, "onnx_sha256", sha256_file(tmp_path / "model.onnx"))
    with pytest.raises(ModelFault, match="can't be run by onnxruntime"):
        open_model(tmp_path)


def test_a_lost_calibration_is_said_to_be_lost(model: Path, tmp_path: Path) -> None:
    """Without calibration.json and predictions.csv the notice names the files; it does not say that there were no images."""
    folder = shutil.copytree(model, tmp_path / "copy")
    for name in ("calibration.json", "predictions.csv"):
        (folder / name).unlink(missing_ok=True)
    notices = open_model(folder).notices
    assert "No interval: the model folder lacks calibration.json and predictions.csv." in notices
    (folder / "calibration.json").write_text('{"level": 0.9, "half_width": null, "residuals": []}')
    assert "No interval: no validation image." in open_model(folder).notices
