"""A model in use: the same score by torch and onnxruntime, the training images' own chain, clear words for bad folders."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from tests.train.graded import write_export
from train import chain
from train.scoring import open_model, photos_in
from workspace.errors import ModelFault, PhotoFault

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one epoch at 32 px on simulated votes."""
    from dermiqa.commands.training import train

    place = tmp_path_factory.mktemp("model")
    export = write_export(place / "export", contents=4)
    words = [str(export), "--model", "lite0", "--input", "32", "--epochs", "1", "--batch", "4", "--out", str(place / "model")]
    done = CliRunner().invoke(train, [*words, "--cache-dir", str(place / "cache"), "--device", "cpu"], catch_exceptions=False)
    assert "SIMULATED" in done.output
    return place / "model"


def test_the_card_and_the_facts_say_simulated(model: Path) -> None:
    """The card, model.json and the results of a model on simulated votes say so, and what it is not for."""
    facts = json.loads((model / "model.json").read_text())
    assert facts["simulated_votes"] is True
    assert any("simulated votes" in notice for notice in facts["notices"])
    card = (model / "README.md").read_text()
    assert "simulated votes" in card
    assert "not a medical device" in card
    assert facts["input"]["largest_side"] == 48


def test_photos_go_through_the_training_images_chain(model: Path) -> None:
    """A photo larger than the training images is shrunk to their largest side first, then made the input's square."""
    facts = open_model(model).facts
    photo = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    small = cv2.resize(photo, (48, 36), interpolation=cv2.INTER_AREA)
    assert np.array_equal(chain.prepared(photo, facts), chain.prepared(small, facts))
    assert chain.prepared(photo, facts).shape == (32, 32, 3)
    assert chain.describe(facts).startswith("upright, sRGB -> largest side at most 48 px -> centre square of 32 px")


@pytest.mark.slow
def test_onnx_gives_torchs_scores(model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """The exported network differs from torch by less than 1e-4 on real photos, also where torch can't be imported."""
    from train.onnx import export

    here = tmp_path / "copy"
    shutil.copytree(model, here)
    by_torch = [item.raw for item in open_model(here).score_files(photos_in([demo_photos]))]
    _, gap = export(here)
    scorer = open_model(here)
    assert scorer.engine == "onnxruntime"
    assert gap < 1e-4
    by_onnx = [item.raw for item in scorer.score_files(photos_in([demo_photos]), batch=3)]
    assert by_onnx == pytest.approx(by_torch, abs=1e-4)
    code = (
        "import sys\nclass Blocked:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'timm', 'torchvision'):\n            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocked())\nfrom pathlib import Path\nfrom train.scoring import open_model, photos_in\n"
        f"print([s.raw for s in open_model(Path({str(here)!r})).score_files(photos_in([Path({str(demo_photos)!r})]))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert json.loads(done.stdout) == pytest.approx(by_torch, abs=1e-4)


def test_broken_photos_are_listed_and_the_rest_is_scored(model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """A text file among photos is one line on stderr and exit 1; the others have scores between 1 and 10."""
    from dermiqa.commands.models import score

    (tmp_path / "broken.jpg").write_text("no image")
    words = [str(tmp_path / "broken.jpg"), str(demo_photos), "--model", str(model), "--json"]
    done = CliRunner().invoke(score, words, standalone_mode=False)
    assert done.return_value == 1
    found = json.loads(done.stdout)
    assert [photo["fault"] != "" for photo in found["photos"]] == [True, *[False] * 11]
    assert all(1 <= photo["score"] <= 10 for photo in found["photos"][1:])
    assert found["simulated_votes"] is True


def test_a_folder_that_is_no_model_says_so(tmp_path: Path, model: Path) -> None:
    """An empty folder, a missing one, and a model without its weights are one clear line each."""
    with pytest.raises(ModelFault, match=r"is not a model folder: it has no model.json"):
        open_model(tmp_path)
    with pytest.raises(ModelFault, match=r"is not a model folder: a folder with model.json was expected"):
        open_model(tmp_path / "none")
    (tmp_path / "part").mkdir()
    shutil.copy(model / "model.json", tmp_path / "part")
    with pytest.raises(ModelFault, match=r"has no best.safetensors: the model folder is not whole"):
        open_model(tmp_path / "part")
    with pytest.raises(ModelFault, match=r"has no exported network: run `dermiqa model export"):
        open_model(model, "onnxruntime")
    with pytest.raises(PhotoFault, match="holds no photo"):
        photos_in([tmp_path / "part"])


def test_without_torch_the_extra_is_named(model: Path) -> None:
    """Training and scoring without torch end with pip's command, exit 2."""
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['timm'] = None\nfrom train.parallel import join\n"
        "from workspace.errors import MissingExtra\ntry:\n    join()\nexcept MissingExtra as fault:\n    print(fault, fault.exit_code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "torch is not installed: pip install 'dermiqa[train]' 2"
