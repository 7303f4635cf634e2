"""SPAQ's five attributes beside the score, on a SYNTHETIC set in SPAQ's layout: learnt, measured on photos held out, shown, resumed."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tests.train.synthetic_attributes import HEADS, changed, texture, write_synthetic_spaq
from train import attribute_training, run_folder
from train.attribute_measures import held_out, table
from train.attribute_training import PART_FILE, best_penalty, folds_of, parts_for, train_attributes
from train.attributes import ATTRIBUTES, FILE, AttributeHead, read_attributes
from train.datasets import load
from train.datasets.base import LoadedSet
from train.scoring import open_model
from workspace.errors import DatasetFault, ModelFault, UsageFault


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 SYNTHETIC pictures in SPAQ's tree."""
    return write_synthetic_spaq(tmp_path_factory.mktemp("spaq") / "synthetic")


@pytest.fixture(scope="module")
def taught(synthetic: Path, whole_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with attributes learnt from the synthetic set by the verb."""
    from dermiqa.commands.attributes import attributes

    folder = tmp_path_factory.mktemp("taught") / "model"
    shutil.copytree(whole_model, folder)
    done = CliRunner().invoke(attributes, [str(synthetic), "--model", str(folder), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["train"] == 112
    return folder


def test_attributes_follow_known_amounts_on_pictures_held_out(taught: Path) -> None:
    """SYNTHETIC: on 32 pictures that the head has not seen all five follow the amounts, and a new picture's are near its own."""
    head = read_attributes(taught)
    assert head is not None
    assert (head.facts["part"], head.facts["groups"]) == ("test", 32)
    found = head.facts["held_out"]
    assert all(found[name]["n"] == 32 and found[name]["plcc"][0] > 0.75 for name in ATTRIBUTES)
    assert all(found[name]["rmse"][0] < found[name]["sd"] for name in ATTRIBUTES)
    assert all(row["plcc"][1] < row["plcc"][0] < row["plcc"][2] for row in found.values())
    assert [row[0] for row in table(head)] == list(ATTRIBUTES)
    rng = np.random.default_rng(9999)
    pairs = [changed(texture(rng, (96, 72)), rng) for _ in range(30)]
    values = np.array([list(head.of(picture).values()) for picture, _ in pairs])
    assert ((values >= 0) & (values <= 100)).all()
    off = np.abs(values - np.array([truth for _, truth in pairs]))
    assert off.mean(axis=0).max() < 15


def test_attributes_leave_score_and_faults_as_they_are(whole_model: Path, taught: Path, demo_photos: Path) -> None:
    """Score, interval, faults and flags of a photo are the same with the head and without; its attributes come beside them."""
    photo = demo_photos / "tinea_forearm.jpg"
    (plain,), (more,) = (list(open_model(folder).score_files([photo])) for folder in (whole_model, taught))
    before, after = plain.as_row(), more.as_row()
    assert {key: after[key] for key in before} == before
    assert list(after)[len(before) :] == [f"a_{name}" for name in ATTRIBUTES]
    assert plain.faults == more.faults
    assert sorted(path.name for path in taught.iterdir()) == sorted([*(p.name for p in whole_model.iterdir()), FILE])


def test_attributes_show_wherever_scores_do(taught: Path, demo_photos: Path, tmp_path: Path) -> None:
    """CSV, JSON, the page, the data frame and the server's answer hold them; --no-attributes leaves them out; the card has the table."""
    import dermiqa
    from dermiqa.commands.models import score
    from train.diagnose import Costs
    from train.serving import answer

    photo = demo_photos / "tinea_forearm.jpg"
    words = [str(photo), "--model", str(taught), "--csv", str(tmp_path / "s.csv"), "--html", str(tmp_path / "s.html"), "--json"]
    found = json.loads(CliRunner().invoke(score, words, catch_exceptions=False).stdout)
    assert set(found["photos"][0]["attributes"]) == set(ATTRIBUTES)
    with (tmp_path / "s.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert 0 <= float(row["a_sharpness"]) <= 100
    page = (tmp_path / "s.html").read_text()
    assert "colourfulness" in page
    assert "as people rated photos for SPAQ" in page
    assert dermiqa.score(photo, taught)["a_noisiness"][0] == float(row["a_noisiness"])
    said = answer(open_model(taught), photo.read_bytes(), Costs())
    assert said["attributes"]["contrast"] == float(row["a_contrast"])
    assert said["attribute_names"]["es"]["sharpness"] == "nitidez"
    CliRunner().invoke(score, [*words, "--no-attributes", "--no-faults"], catch_exceptions=False)
    assert not any(head.startswith(("a_", "p_")) for head in (tmp_path / "s.csv").read_text().splitlines()[0].split(","))
    card = (taught / "README.md").read_text()
    assert "| sharpness | 32 |" in card
    assert "| SPAQ (attributes.npz) | **no** |" in card


def test_a_stopped_call_goes_on(synthetic: Path, whole_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a stop at photo 60 only the rest is read again, the head is that of an unbroken call, and the kept features are gone."""
    for name in ("whole", "stopped"):
        shutil.copytree(whole_model, tmp_path / name)
    monkeypatch.setattr(attribute_training, "fault_features", lambda rgb: cv2.resize(rgb, (5, 4)).ravel() / 255)
    loaded = load("spaq", synthetic)
    *_, head = train_attributes(tmp_path / "whole", loaded, 2)
    call = train_attributes(tmp_path / "stopped", loaded, 2)
    for _ in range(60):
        next(call)
    call.close()  # type: ignore[attr-defined]
    assert (tmp_path / "stopped" / PART_FILE).is_file()
    assert read_attributes(tmp_path / "stopped") is None
    read = []
    real = attribute_training._features
    monkeypatch.setattr(attribute_training, "_features", lambda path, facts: read.append(path) or real(path, facts))
    *_, again = train_attributes(tmp_path / "stopped", loaded, 2)
    assert isinstance(head, AttributeHead)
    assert isinstance(again, AttributeHead)
    assert len(read) == 112 + 32 - 60
    assert np.array_equal(head.weights, again.weights)
    assert not (tmp_path / "stopped" / PART_FILE).exists()


def test_kept_features_of_other_photos_or_broken_ones_are_not_used(tmp_path: Path) -> None:
    """Features are taken up only under their own key; a broken file counts as none."""
    attribute_training._keep(tmp_path / "part.npz", "key", [np.arange(3.0)])
    assert len(attribute_training._kept(tmp_path / "part.npz", "key")) == 1
    assert attribute_training._kept(tmp_path / "part.npz", "other") == []
    for broken in (b"", b"PK\x03\x04 half", b"text"):
        (tmp_path / "part.npz").write_bytes(broken)
        assert attribute_training._kept(tmp_path / "part.npz", "key") == []


def test_broken_and_foreign_files_are_named(taught: Path, tmp_path: Path) -> None:
    """A file that can't be read, one of another version and one for other features are one line with what to do."""
    again = r"make it again with `dermiqa model attributes SPAQ_FOLDER --model .*`, or delete it"
    for broken in (b"", b"PK\x03\x04 half", b"broken"):
        (tmp_path / FILE).write_bytes(broken)
        with pytest.raises(ModelFault, match=rf"attributes.npz can't be read .*: {again}"):
            read_attributes(tmp_path)
    with np.load(taught / FILE) as held:
        parts = dict(held)
    np.savez(tmp_path / FILE, **{**parts, "format": 2})
    with pytest.raises(ModelFault, match=f"is of another version: {again}"):
        read_attributes(tmp_path)
    np.savez(tmp_path / FILE, **{**parts, "probe": parts["probe"] + 3 * parts["spread"]})
    with pytest.raises(ModelFault, match=f"features that this program counts otherwise: {again}"):
        read_attributes(tmp_path)
    np.savez(tmp_path / FILE, **{**parts, "middle": parts["middle"][:-1]})
    with pytest.raises(ModelFault, match=f"features, this program makes .*: {again}"):
        read_attributes(tmp_path)


def test_a_set_without_attributes_or_photos_is_refused(synthetic: Path, whole_model: Path, tmp_path: Path) -> None:
    """Another set, too few photos, an attribute that is no number and a place that is unknown are one line each."""
    from dermiqa.commands.attributes import place_of

    loaded = load("spaq", synthetic)
    bare = LoadedSet("mine", loaded.facts, loaded.root, loaded.folder, loaded.table.drop(columns="contrast"), 0, 100)
    with pytest.raises(DatasetFault, match="mine has no contrast: SPAQ's folder was expected"):
        next(train_attributes(whole_model, bare))
    few = LoadedSet("few", loaded.facts, loaded.root, loaded.folder, loaded.table.iloc[:90], 0, 100)
    with pytest.raises(DatasetFault, match=r"few has 18 photos or groups with attributes in the part test .*: 20 or more"):
        next(train_attributes(whole_model, few))
    frame = pd.DataFrame(
        [("00001.jpg", 50, 50, 50, 50, 50, 50), ("00002.jpg", 50, "bright", 50, 50, 50, 50)], columns=list(HEADS)
    )
    frame.to_excel(tmp_path / "MOS and Image attribute scores.xlsx", index=False)
    with pytest.raises(DatasetFault, match=r"00002\.jpg has Brightness 'bright', a number from 0 to 100 was expected"):
        load("spaq", tmp_path, images="none")
    with pytest.raises(UsageFault, match="only SPAQ"):
        place_of("koniq10k=/data/koniq10k")


def test_the_models_own_split_is_kept(synthetic: Path, whole_model: Path, tmp_path: Path) -> None:
    """Where a model was trained on the same labels its own parts hold, whatever the set is called; without a test part validation."""
    loaded = load("spaq", synthetic)
    frame = pd.DataFrame({"file": loaded.table["file"], "group": "", "split_3": ["train"] * 120 + ["val"] * 40})
    run_folder.write_split(tmp_path, "phones", frame.to_csv(index=False))
    facts = {**run_folder.read_model(whole_model), "split": 3, "sets": [{"name": "phones", "labels_sha256": loaded.digest()}]}
    found = parts_for(tmp_path, facts, loaded)
    assert (found.judged, found.words) == ("val", "the model's own split 3")
    assert (found.part == "train").sum() == 120
    assert parts_for(tmp_path, {**facts, "sets": []}, loaded).words == "split 1 of the random rule, seed 0"


def test_a_penalty_is_chosen_on_groups_that_the_fit_has_not_seen() -> None:
    """Rows of ten equal copies: folds hold whole groups; noise alone takes the largest penalty, a clean line the smallest."""
    rng = np.random.default_rng(0)
    groups = [f"g{n // 10}" for n in range(400)]
    fold = folds_of(groups)
    assert all(len(set(fold[n : n + 10])) == 1 for n in range(0, 400, 10))
    rows = np.repeat(rng.normal(size=(40, 30)), 10, axis=0)
    assert best_penalty(rows, np.repeat(rng.normal(size=40), 10), fold) == 1e5
    line = rng.normal(size=(400, 5))
    assert best_penalty(line, line @ np.arange(5.0), fold) == 0.1


def test_measures_resample_groups() -> None:
    """Values worked by hand: a constant error of 2 has PLCC 1 and RMSE 2 sqrt(n / (n - 1)); copies in groups do not narrow intervals."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(20, 80, (30, 5))
    found = held_out(truth + 2, truth, [str(n) for n in range(30)], 50)
    assert found["brightness"]["plcc"][0] == pytest.approx(1)
    assert found["brightness"]["rmse"][0] == pytest.approx(2 * (30 / 29) ** 0.5, abs=1e-3)
    noisy = truth + rng.normal(0, 15, truth.shape)
    single = held_out(noisy, truth, [str(n) for n in range(30)], 200)["contrast"]["plcc"]
    copied = held_out(np.repeat(noisy, 8, axis=0), np.repeat(truth, 8, axis=0), [str(n // 8) for n in range(240)], 200)[
        "contrast"
    ]["plcc"]
    assert copied == pytest.approx(single, abs=0.02)
