"""What is wrong with a photo: features that follow the fault, thresholds by precision, measures on held-out contents, advice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from distort.recipes import load_recipe
from train.diagnose import LANGUAGES, SENTENCES, Costs, diagnose
from train.fault_features import fault_features
from train.fault_material import FAULTS, chain, contents_of, examples, variant_faults
from train.fault_measures import agreement, measures, table
from train.fault_training import made_head, train_faults
from train.faults import NEVER, FaultHead, fit_head, out_of_fold, read_head, threshold, write_head
from train.heat_map import drawn, occlusion
from train.scoring import OUT_OF_RANGE, Score
from workspace.errors import ModelFault, PhotoFault, UsageFault


def test_every_variant_has_its_fault() -> None:
    """The 18 known variants name one fault each, brightness by its direction."""
    found = {variant.name: FAULTS[int(variant_faults(variant).argmax())] for variant in load_recipe("paper").variants}
    assert len(found) == 18
    assert found["jpeg_2"] == "compression"
    assert found["brighten_1"] == "too_bright"
    assert found["darken_2"] == "too_dark"
    assert found["sharpen_3"] == "over_sharpening"
    assert all(variant_faults(variant).sum() == 1 for variant in load_recipe("paper").variants)


def test_chains_are_the_same_for_the_same_seed(demo_photos: Path) -> None:
    """A photo gives itself, its 13 clear variants and its chains, twice the same; no chain is both too bright and too dark."""
    rgb = cv2.resize(cv2.imread(str(demo_photos / "tinea_forearm.jpg"))[..., ::-1], (96, 72), interpolation=cv2.INTER_AREA)
    first, again = (list(examples("a", rgb, seed=1, chains=4)) for _ in range(2))
    assert len(first) == 18
    assert first[0].faults.sum() == 0
    assert all(np.array_equal(a.rgb, b.rgb) and np.array_equal(a.faults, b.faults) for a, b in zip(first, again, strict=True))
    drawn_chains = [chain(np.random.default_rng(seed)) for seed in range(300)]
    bright, dark = FAULTS.index("too_bright"), FAULTS.index("too_dark")
    assert not any(faults[bright] and faults[dark] for _, faults in drawn_chains)
    assert {int(faults.sum()) for _, faults in drawn_chains} == {0, 1, 2, 3}


@pytest.mark.parametrize("shape", [(1, 1, 3), (9, 200, 3), (64, 64, 3)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_features_are_finite_for_any_photo(shape: tuple[int, int, int], value: int) -> None:
    """Tiny, narrow, black, grey and white photos have features as many as any other, all of them numbers."""
    found = fault_features(np.full(shape, value, np.uint8))
    assert len(found) == len(fault_features(np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)))
    assert np.isfinite(found).all()


def test_a_threshold_holds_the_precision_by_its_lower_bound() -> None:
    """By hand, Wilson one-sided at 95 %: 11 hits of 11 (.803) and 38 of 41 (.83) hold .8; 10 of 10 (.787) and 37 of 41 (.7996) do not."""
    values = np.linspace(1.0, 0.02, 50)
    truth = np.array([1] * 11 + [0] * 39)
    assert threshold(values, truth) == pytest.approx(values[10])
    assert threshold(values[:10], truth[:10]) == NEVER
    assert threshold(values, np.zeros(50, int)) == NEVER
    flat = np.full(41, 0.7)
    assert threshold(flat, np.array([1] * 38 + [0] * 3)) == 0.7
    assert threshold(flat, np.array([1] * 37 + [0] * 4)) == NEVER


def test_nothing_is_said_that_is_likelier_absent_than_there() -> None:
    """Forty hits without a miss from .9 down to .12: the precision would hold to the last, the threshold stays at .5 or above."""
    values = np.linspace(0.9, 0.12, 40)
    found = threshold(values, np.ones(40, int))
    assert found == values[values >= 0.5][-1]
    assert threshold(values - 0.41, np.ones(40, int)) == NEVER


def test_a_fault_that_misses_its_precision_on_photos_held_out_is_never_said() -> None:
    """Where a fault's feature lies for a fifth of the photos, its held-out precision is below .8: no threshold, and the table says why."""
    rng = np.random.default_rng(3)
    rows, truth, contents = made(contents=40)
    lying = np.repeat(rng.random(40) < 0.4, 10)
    rows[lying, 0] = rng.normal(size=int(lying.sum())) + 3.0
    head = made_head(rows, truth, contents, ["chain"] * len(contents))
    precision = head.facts["held_out"]["faults"]["blur"]["said"]["precision"][0]
    assert precision is None or precision < 0.8
    assert head.thresholds[0] == NEVER
    assert (head.thresholds[1:] < NEVER).all()
    assert table(head)[0][2].startswith("never said")
    assert head.said(dict.fromkeys(FAULTS, 1.0)) == FAULTS[1:]


def made(seed: int = 0, contents: int = 20) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Rows whose first eight features follow the eight faults."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (10 * contents, len(FAULTS)))
    rows = rng.normal(size=(10 * contents, 12))
    rows[:, : len(FAULTS)] += 3.0 * truth
    return rows, truth, [f"c{i // 10}" for i in range(10 * contents)]


def test_a_head_learns_comes_back_from_its_file_and_says_what_is_likely(tmp_path: Path) -> None:
    """A head finds faults on new rows of the same law, is the same after reading, and says nothing below its thresholds."""
    rows, truth, contents = made()
    head = made_head(rows, truth, contents, ["chain"] * len(contents))
    new_rows, new_truth, _ = made(1)
    found = head.probabilities(new_rows)
    assert ((found >= 0.5) == (new_truth == 1)).mean() > 0.85
    write_head(tmp_path, head)
    back = read_head(tmp_path)
    assert back is not None
    assert back.probabilities(new_rows) == pytest.approx(found, abs=1e-5)
    assert back.facts["held_out"]["macro_f1"]["value"] > 0.8
    likely = dict.fromkeys(FAULTS, 0.0) | {"blur": 0.999, "contrast": 0.99}
    assert back.said(likely) == ("blur", "contrast")
    assert back.said(dict.fromkeys(FAULTS, 0.0)) == ()
    (tmp_path / "faults.npz").write_bytes(b"broken")
    with pytest.raises(ModelFault, match="make it again with `dermiqa model faults"):
        read_head(tmp_path)


def test_held_out_means_another_content() -> None:
    """Labels that are random but the same within a content are not found out of fold, though a head that saw them finds them."""
    rng = np.random.default_rng(0)
    contents = [f"c{i // 10}" for i in range(200)]
    truth = np.repeat(rng.integers(0, 2, (20, len(FAULTS))), 10, axis=0)
    rows = np.repeat(rng.normal(size=(20, 30)), 10, axis=0) + 0.01 * rng.normal(size=(200, 30))
    held, fold = out_of_fold(rows, truth, contents)
    assert ((fit_head(rows, truth).probabilities(rows) >= 0.5) == (truth == 1)).mean() > 0.95
    assert ((held >= 0.5) == (truth == 1)).mean() < 0.65
    assert all(len(set(fold[i : i + 10])) == 1 for i in range(0, 200, 10))
    with pytest.raises(ModelFault, match="3 photos with faults made on them: at least 5 were expected"):
        out_of_fold(rows[:30], truth[:30], contents[:30])


def test_measures_agree_with_counting() -> None:
    """Precision, recall and F1 at .5 are those counted by hand, inside their intervals."""
    truth = np.tile([1, 1, 1, 0, 0, 0], 10)[:, None].repeat(8, axis=1)
    held = np.tile([0.9, 0.9, 0.2, 0.9, 0.1, 0.1], 10)[:, None].repeat(8, axis=1)
    found = measures(held, np.arange(60) // 6 % 5, truth, [f"c{i // 6}" for i in range(60)])
    blur = found["faults"]["blur"]["at_half"]
    assert blur["precision"] == pytest.approx([2 / 3] * 3, abs=1e-4)
    assert blur["recall"] == pytest.approx([2 / 3] * 3, abs=1e-4)
    assert found["macro_f1"]["value"] == pytest.approx(2 / 3)


def test_agreement_counts_by_content() -> None:
    """By hand: blur said of three photos and there in two of four, two of them hits; a fault never said has no precision."""
    said, truth = np.zeros((4, len(FAULTS)), bool), np.zeros((4, len(FAULTS)), int)
    said[:3, 0], truth[:2, 0], truth[3, 1] = True, 1, 1
    found = agreement(said, truth, ["a", "a", "b", "c"])
    assert found["blur"]["precision"][0] == pytest.approx(2 / 3, abs=1e-4)
    assert found["blur"]["recall"][0] == 1.0
    assert found["blur"]["f1"][0] == pytest.approx(0.8)
    assert found["blur"]["precision"][1:] == [0.0, 1.0]
    assert found["compression"]["precision"] == [None, None, None]
    assert found["compression"]["recall"][0] == 0.0


def test_a_head_of_an_older_version_is_not_read(tmp_path: Path) -> None:
    """A head whose features were others is refused by its version, with the command that makes it again."""
    rows, truth, contents = made()
    path = write_head(tmp_path, made_head(rows, truth, contents, ["chain"] * len(contents)))
    with np.load(path) as held:
        older = {**dict(held), "format": np.array(int(held["format"]) - 1)}
    np.savez(path, **older)
    with pytest.raises(ModelFault, match="is of another version: make it again with `dermiqa model faults"):
        read_head(tmp_path)


def test_advice_follows_the_costs() -> None:
    """Retake where the expected cost of keeping is higher: from 1 in 5 at 4 to 1; out of range and uncalibrated give no advice."""
    score = Score("a.jpg", 5.0, faults={"blur": 0.9}, said=("blur",))
    assert Costs().limit == pytest.approx(0.2)
    assert diagnose(score, 0.2, Costs()).advice == "retake"
    assert diagnose(score, 0.19, Costs()).advice == "accept"
    assert diagnose(score, 0.3, Costs(accepted_poor=1)).advice == "accept"
    assert diagnose(score, None, Costs()).advice == "none"
    assert diagnose(Score("a.jpg", 5.0, flags=(OUT_OF_RANGE,)), 0.9, Costs()).advice == "unsure"
    said = diagnose(score, 0.2, Costs()).sentences
    assert said["en"] == ("Take the photo again.", SENTENCES["blur"]["en"])
    assert said["es"] == ("Repita la foto.", SENTENCES["blur"]["es"])
    assert all(set(texts) == set(LANGUAGES) for texts in SENTENCES.values())
    assert set(SENTENCES) == set(FAULTS)
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageFault, match="numbers above 0 were expected"):
            Costs(accepted_poor=bad)
        with pytest.raises(UsageFault, match="numbers above 0 were expected"):
            Costs(retaken_good=bad)


def test_the_heat_map_shows_where_the_score_comes_from() -> None:
    """A network that scores the details of one corner has its heat there and nowhere else."""

    def network(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        corner = pixels[:, :8, :8].astype(float)
        return corner.std(axis=(1, 2, 3)), np.zeros((len(pixels), 1))

    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    heat = occlusion(network, pixels)
    assert heat.change.shape == (8, 8)
    assert heat.change[0, 0] > 10
    assert np.abs(heat.change.ravel()[1:]).max() == 0
    picture = drawn(heat, pixels, 128)
    assert picture.shape == (128, 128, 3)
    assert np.array_equal(picture[64:, 64:], cv2.resize(pixels, (128, 128), interpolation=cv2.INTER_CUBIC)[64:, 64:])


def test_diagnose_says_it_in_both_languages(whole_model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """The verb lists advice, sentences and the costs behind them; a heat map is drawn on request; a bad table of costs is refused."""
    from dermiqa.commands.advice import diagnose as verb

    (tmp_path / "costs.toml").write_text("accepted_poor = 9\nretaken_good = 1\n")
    words = [
        str(demo_photos / "tinea_forearm.jpg"),
        "--model",
        str(whole_model),
        "--json",
        "--costs",
        str(tmp_path / "costs.toml"),
    ]
    done = CliRunner().invoke(verb, [*words, "--heat-maps", str(tmp_path / "maps")], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["costs"]["retake_from_p_poor"] == pytest.approx(0.1)
    assert found["photos"][0]["advice"] in ("accept", "retake", "unsure", "none")
    assert len(found["photos"][0]["sentences"]["es"]) == len(found["photos"][0]["sentences"]["en"]) >= 1
    assert Path(found["photos"][0]["heat_map"]).is_file()
    (tmp_path / "costs.toml").write_text("accepted = 9\n")
    with pytest.raises(UsageFault, match="numbers named accepted_poor, retaken_good, poor_below were expected"):
        CliRunner().invoke(verb, words, catch_exceptions=False, standalone_mode=False)


@pytest.mark.slow
def test_faults_are_taught_by_one_command(model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """From five small photos the verb writes faults.npz with measures; the blurred one of a new photo is told from the dark one."""
    from dermiqa.commands.advice import faults

    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "photos").mkdir()
    for path in sorted(demo_photos.glob("*.*g"))[:7]:
        small = cv2.resize(cv2.imread(str(path)), (160, 120), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(tmp_path / "photos" / f"{path.stem}.png"), small)
    words = [str(tmp_path / "photos"), "--model", str(tmp_path / "model"), "--chains", "4", "--json"]
    done = CliRunner().invoke(faults, words, catch_exceptions=False)
    assert json.loads(done.stdout)["examples"] == 7 * 18
    head = read_head(tmp_path / "model")
    assert head is not None
    photo = cv2.resize(cv2.imread(str(demo_photos / "tinea_forearm.jpg"))[..., ::-1], (160, 120), interpolation=cv2.INTER_AREA)
    soft, dark = head.of(cv2.GaussianBlur(photo, (0, 0), 3.0)), head.of((photo * 0.35).astype(np.uint8))
    assert soft["blur"] > dark["blur"]
    assert dark["too_dark"] > soft["too_dark"]
    assert "Faults: taught on 7 photos" in (tmp_path / "model" / "README.md").read_text()


def test_a_content_is_a_photo_not_its_name() -> None:
    """Equal pixels are one content under any name; one folder's sizes and formats of a name are one; two folders' are not."""
    paths = [
        Path(text) for text in ("p1/a.jpg", "p2/a.jpg", "p1/a.png", "p1/a_1024px.jpg", "p3/copy.png", "p3/copy.jpg", "p4/b.jpg")
    ]
    pixels = ["one", "two", "three", "four", "three", "five", "six"]
    assert contents_of(paths, pixels) == [0, 1, 0, 0, 0, 0, 6]
    assert contents_of(paths[:2], ["one", "one"]) == [0, 0]


def test_copies_of_one_photo_are_not_held_out_from_each_other(demo_photos: Path, tmp_path: Path) -> None:
    """Six copies of one photo are refused as one; five photos that five folders call alike are five, and a copy of one adds nothing."""
    copies, folders = [tmp_path / f"{n}.jpg" for n in range(1, 7)], [tmp_path / f"p{n}" / "photo.png" for n in range(5)]
    for path in copies:
        shutil.copy(demo_photos / "tinea_forearm.jpg", path)
    with pytest.raises(ModelFault, match=r"6 photos were given, but they show only 1: five different ones or more were expected"):
        list(train_faults(tmp_path, copies, chains=1))
    for path, photo in zip(folders, sorted(demo_photos.glob("*.jpg")), strict=False):
        path.parent.mkdir()
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(photo)), (80, 60), interpolation=cv2.INTER_AREA))
    shutil.copy(folders[0], tmp_path / "again.png")
    *told, head = train_faults(tmp_path, [*folders, tmp_path / "again.png"], chains=2)
    assert told == [*folders, tmp_path / "again.png"]
    assert isinstance(head, FaultHead)
    assert (head.facts["photos"], head.facts["examples"]) == (5, 5 * 16)


def test_a_broken_photo_is_named_when_faults_are_taught(demo_photos: Path, tmp_path: Path) -> None:
    """What can't be read is said with the file's name."""
    (tmp_path / "broken.jpg").write_text("no image")
    with pytest.raises(PhotoFault, match=r"broken\.jpg: not a photo"):
        list(train_faults(tmp_path, [tmp_path / "broken.jpg"] * 5, chains=1))


@pytest.mark.parametrize("damage", ["empty", "half", "text"])
def test_a_broken_head_is_one_line(whole_model: Path, tmp_path: Path, damage: str) -> None:
    """An empty, a half or a foreign faults.npz is refused with the command that makes it again."""
    data = (whole_model / "faults.npz").read_bytes()
    broken = {"empty": b"", "half": data[: len(data) // 2], "text": b"not an archive"}[damage]
    (tmp_path / "faults.npz").write_bytes(broken)
    with pytest.raises(ModelFault, match=r"can't be read .*make it again with `dermiqa model faults"):
        read_head(tmp_path)
