"""A model in use: the same score by torch and onnxruntime, the training images' own chain, clear words for bad folders."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from train import chain
from train.calibration import Calibration, half_width, read_interval
from train.scoring import open_model, photos_in
from train.use_card import update_card
from workspace.errors import ModelFault, PhotoFault, UsageFault

torch = pytest.importorskip("torch")


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


def test_the_interval_is_split_conformal(model: Path) -> None:
    """Half the width is the ceil(.9 (n + 1))-th smallest residual; intervals stay on the scale; few images or groups give none."""
    residuals = np.array([0.1, -0.2, 0.3, -0.4, 0.5, 0.6, -0.7, 0.8, 0.9, -1.0, 1.1])
    assert half_width(residuals) == 1.1
    assert half_width(np.append(residuals, [0.0] * 8)) == 1.0
    assert half_width(residuals[:9]) is None
    known = Calibration(np.sort(residuals), 0.9, 1.1, {})
    assert known.interval(9.5) == (pytest.approx(8.4), 10.0)
    assert known.interval(9.5, known=False) == (1.0, 10.0)
    assert known.below(5.0, 4.0) == pytest.approx((0 + 0.5) / 12)
    assert known.below(3.0, 4.0) == pytest.approx((10 + 0.5) / 12)
    found = read_interval(model)
    assert (found.groups, found.half_width) == (2, None)
    assert any("validation images are of 2 groups, fewer than 10" in notice for notice in open_model(model).notices)


def test_arrays_and_files_have_the_same_scores(model: Path, demo_photos: Path) -> None:
    """`dermiqa.score` takes files and arrays together and gives one row each; an array of another shape is a fault in its row."""
    import dermiqa

    path = demo_photos / "PAT_8_15_820.png"
    pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    frame = dermiqa.score([path, pixels, np.zeros((4, 4), np.uint8)], model)
    assert frame["score"][0] == pytest.approx(frame["score"][1], abs=1e-3)
    assert "(height, width, 3) uint8 RGB was expected" in frame["fault"][2]
    assert any("simulated" in notice for notice in frame.attrs["notices"])


def test_the_page_and_the_table_hold_every_photo(whole_model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """The page has a thumbnail per photo, the lowest score first, and the notices; the CSV has a probability per fault."""
    from dermiqa.commands.models import score

    (tmp_path / "broken.jpg").write_text("no image")
    words = [str(demo_photos), str(tmp_path / "broken.jpg"), "--model", str(whole_model), "--html", str(tmp_path / "page.html")]
    done = CliRunner().invoke(score, [*words, "--csv", str(tmp_path / "scores.csv"), "--full-size"], standalone_mode=False)
    assert done.return_value == 1
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 11
    shown = [float(text.split("<")[0]) for text in page.split("<p><b>")[1:]]
    assert shown == sorted(shown)
    assert "Research use only; not a medical device" in page
    with (tmp_path / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 12
    assert all(0 <= float(row["p_blur"]) <= 1 for row in rows[:11])
    assert rows[11]["fault"].endswith("damaged at its beginning (b'no image')")


def test_names_that_are_no_text_and_outputs_that_are_photos(whole_model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """A file name that is not UTF-8 stands escaped in CSV, page and JSON; a photo is never written over."""
    from dermiqa.cli import cli

    odd = tmp_path / os.fsdecode(b"bad\xff.png")
    odd.write_bytes((demo_photos / "PAT_8_15_820.png").read_bytes())
    words = ["score", str(odd), "--model", str(whole_model)]
    done = CliRunner().invoke(cli, [*words, "--csv", str(tmp_path / "s.csv"), "--html", str(tmp_path / "s.html"), "--json"])
    assert done.exit_code == 0, done.output
    assert "bad\\udcff.png" in (tmp_path / "s.csv").read_text(encoding="utf-8")
    assert "bad\\udcff.png" in (tmp_path / "s.html").read_text(encoding="utf-8")
    nameless = CliRunner().invoke(cli, ["score", "", "--model", str(whole_model)])
    assert (nameless.exit_code, "an empty name was given" in nameless.output) == (2, True)
    before = odd.read_bytes()
    refused = CliRunner().invoke(cli, [*words, "--csv", str(odd)])
    assert isinstance(refused.exception, UsageFault)
    assert "is one of the photos" in str(refused.exception)
    assert odd.read_bytes() == before


def test_both_verbs_give_one_form_of_json(whole_model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """`diagnose --json` is `score --json` with costs and advice, broken photos among the others in their order."""
    from dermiqa.cli import cli

    (tmp_path / "a.jpg").write_text("no image")
    words = [str(tmp_path / "a.jpg"), str(demo_photos / "PAT_8_15_820.png"), "--model", str(whole_model), "--json"]
    scored, advised = (json.loads(CliRunner().invoke(cli, ["-q", verb, *words]).stdout) for verb in ("score", "diagnose"))
    assert set(advised) == {*scored, "costs"}
    for one, other in zip(scored["photos"], advised["photos"], strict=True):
        assert {key: other[key] for key in one} == one
        assert set(other) - set(one) == {"advice", "p_poor", "sentences", "heat_map"}
    assert [row["advice"] is None for row in advised["photos"]] == [True, False]


def test_the_card_says_interval_range_and_shipping(whole_model: Path) -> None:
    """The card's part on use names interval, range, faults with their measures, and that own sets are not passed on."""
    update_card(whole_model)
    update_card(whole_model)
    card = (whole_model / "README.md").read_text()
    assert card.count("## In use") == 1
    assert "Range check: distance from" in card
    assert "| over_sharpening |" in card
    assert "| **no** | its licence (as the folder's README says, per source)" in card
