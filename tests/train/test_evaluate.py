"""Measures with intervals by groups, floors and ceilings, other models' predictions, comparisons, baselines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.train.graded import write_export
from train import splits
from train.baselines import scene, svr
from train.bounds import bounds, noise_ceiling, variant_means
from train.compare import compare
from train.datasets import load
from train.evaluate import by_kind, collapsed, measures, wild, within_contents
from train.outside import measure, read_predictions, write
from train.tables import find_runs
from workspace.errors import DatasetFault, TableFault


def test_intervals_resample_groups() -> None:
    """Twenty images of each of ten groups with one error per group: the interval by groups is far wider than by images."""
    rng = np.random.default_rng(0)
    labels = rng.uniform(1, 10, 200)
    outputs = labels + np.repeat(rng.normal(0, 3, 10), 20)
    grouped = measures(labels, outputs, [str(n // 20) for n in range(200)])
    alone = measures(labels, outputs, [str(n) for n in range(200)])
    assert grouped["plcc"] == alone["plcc"]
    assert grouped["plcc_high"] - grouped["plcc_low"] > 1.2 * (alone["plcc_high"] - alone["plcc_low"])
    assert (grouped["groups"], grouped["n"]) == (10, 200)


def test_mapped_and_raw_plcc_are_two_figures() -> None:
    """A curved but perfectly monotone output has SROCC 1, a raw PLCC below 1, and a mapped one near 1."""
    outputs = np.linspace(-6, 6, 60)
    found = measures(1 + 9 / (1 + np.exp(-1.5 * outputs)), outputs, [str(n) for n in range(60)], resamples=0)
    assert found["srocc"] == pytest.approx(1)
    assert found["plcc"] < 0.98 < 0.999 < found["plcc_mapped"]


def test_wild_and_collapsed_outputs_are_told_apart() -> None:
    """A few outputs far outside [1, 10] are wild; constant outputs are collapsed; neither holds for good ones."""
    labels = np.linspace(1, 10, 100)
    outputs = labels.copy()
    outputs[3] = 400.0
    groups = [str(n) for n in range(100)]
    spoilt, constant, good = (measures(labels, o, groups, resamples=0) for o in (outputs, np.full(100, 5.0), labels))
    assert wild(spoilt)
    assert not collapsed(good)
    assert not wild(good)
    assert constant["plcc"] is None
    assert collapsed(constant)
    assert spoilt["outside"] == pytest.approx(0.01)


def test_the_variants_label_alone_is_hard_to_beat(shared: Path) -> None:
    """On KADID-10k's real labels an oracle that knows only type and level reaches PLCC .94, above the paper's best model, .910."""
    table = load("kadid10k", shared / "labels" / "kadid10k", images="none").table
    found = variant_means(table, table)
    assert found is not None
    assert found["plcc"] == pytest.approx(0.942, abs=0.003)


def test_the_noise_ceiling_agrees_with_a_known_truth() -> None:
    """Votes simulated around known qualities: the correlation of the means with the truth is the ceiling that is stated."""
    rng = np.random.default_rng(1)
    truth, n = rng.normal(5.5, 1.5, 400), 8
    votes = truth[:, None] + rng.normal(0, 2.5, (400, n))
    table = pd.DataFrame(
        {"file": [f"{k}.png" for k in range(400)], "score": votes.mean(1), "sd": votes.std(1, ddof=1), "votes": n}
    )
    found = noise_ceiling(table, np.arange(400), None)
    assert found is not None
    assert found["plcc"] == pytest.approx(np.corrcoef(truth, votes.mean(1))[0, 1], abs=0.02)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graded set of ten contents with votes."""
    return write_export(tmp_path_factory.mktemp("set") / "export", contents=10)


def test_bounds_of_an_export_use_its_votes(export: Path) -> None:
    """The floors and ceilings of our own export: no correlation for the mean, the oracle high, the ceiling by split-half."""
    table = load("dermiqa", export).table
    part = np.where(table["content"].isin(["C0", "C1", "C2"]), "test", "train")
    found = bounds(table, part, export / "votes.csv")
    assert found["mean predictor"]["plcc"] is None
    assert found["variant's mean (oracle)"]["plcc"] > 0.9
    assert found["noise of the votes (ceiling)"]["how"] == "split-half"
    assert found["noise of the votes (ceiling)"]["plcc"] > 0.95


@pytest.mark.slow
def test_another_models_predictions_enter_the_tables(export: Path, tmp_path: Path) -> None:
    """A CSV of scores is measured on each split like a run, and two such models are compared with both tests."""
    loaded = load("dermiqa", export, title="skin")
    split = splits.make([loaded], "random", seed=0, n=3)["skin"]
    rng = np.random.default_rng(0)
    for name, noise in (("sharp", 0.3), ("vague", 3.0)):
        scores = loaded.table["score10"] + rng.normal(0, noise, len(loaded.table))
        (tmp_path / f"{name}.csv").write_text(pd.DataFrame({"file": loaded.table["file"], "score": scores}).to_csv(index=False))
        frame = read_predictions(tmp_path / f"{name}.csv")
        for number in (1, 2, 3):
            results, kept = measure(frame, loaded, split, number, {"model": name, "training": "", "kind": "external"}, name)
            write(tmp_path / "runs" / name / f"split{number}", results, kept, "made")
    runs = find_runs([tmp_path / "runs"])
    (row,) = compare(runs, "skin")
    assert (row["first"], row["second"], row["splits"]) == ("sharp", "vague", 3)
    assert row["difference"] > 0.1
    assert row["p"] is not None
    assert row["p"] < 0.1
    assert {found["kind"] for found in runs[0]["sets"]["skin"]["by"]} >= {"variant", "axis", "kadid_level"}


def test_missing_predictions_are_named(export: Path, tmp_path: Path) -> None:
    """A test image without a prediction, a missing column and a cell that is no number are one line each."""
    loaded = load("dermiqa", export, title="skin")
    split = splits.make([loaded], "random", seed=0, n=1)["skin"]
    path = tmp_path / "p.csv"
    path.write_text("file,score\nC0_00.png,3\n")
    with pytest.raises(DatasetFault, match=r"p.csv lacks \d+ images of skin's test part of split 1, the first 'C\d_\d\d.png'"):
        measure(read_predictions(path), loaded, split, 1, {"model": "m", "training": "", "kind": "external"}, "p.csv")
    path.write_text("name,score\na,3\n")
    with pytest.raises(TableFault, match="has no column 'file'; it has: name, score"):
        read_predictions(path)
    path.write_text("file,score\na,3\nb,bad\n")
    with pytest.raises(TableFault, match="line 3: score is 'bad', a number was expected"):
        read_predictions(path)


def test_within_contents_and_kinds() -> None:
    """SROCC within contents ignores differences between contents; kinds carry n and the bias."""
    scores, outputs, contents = [1, 2, 3, 4, 7, 8, 9, 10.0], [4, 3, 2, 1, 10, 9, 8, 7.0], list("aaaabbbb")
    frame = pd.DataFrame({"score10": scores, "output": outputs, "content": contents, "group": contents, "axis": ["x", "y"] * 4})
    assert within_contents(frame)["srocc"] == pytest.approx(-1)
    rows = by_kind(frame)
    assert [(row["kind"], row["value"], row["n"]) for row in rows] == [("axis", "x", 4), ("axis", "y", 4)]
    assert rows[0]["bias"] == pytest.approx(1.0)


def test_scene_statistics_recover_known_shapes() -> None:
    """Fits of samples with a known law: a Gaussian has shape 2, a Laplacian 1; white noise normalises to shape near 2."""
    rng = np.random.default_rng(0)
    assert scene.symmetric_fit(rng.normal(0, 3, 200_000)) == pytest.approx((2.0, 9.0), rel=0.03)
    assert scene.symmetric_fit(rng.laplace(0, 1, 200_000)) == pytest.approx((1.0, 2.0), rel=0.03)
    shape, mean, left, right = scene.asymmetric_fit(
        np.concatenate([-np.abs(rng.normal(0, 1, 100_000)), np.abs(rng.normal(0, 2, 100_000))])
    )
    assert (left, right) == pytest.approx((1.0, 4.0), rel=0.03)
    assert mean > 0
    assert 1.5 < shape < 2.5


def test_support_vectors_fit_a_curve() -> None:
    """The regression follows a sine within its tube and keeps every coefficient within the cost."""
    x = np.linspace(-1, 1, 120)[:, None]
    y = 5 + 2 * np.sin(3 * x[:, 0])
    model = svr.fit(x, y, cost=100.0, width=2.0, epsilon=0.1)
    assert np.abs(model.predict(x) - y).max() < 0.15
    assert np.abs(model.coefficients).max() <= 100.0
    assert len(model.rows) < 120


@pytest.mark.slow
def test_baselines_enter_the_tables(export: Path, tmp_path: Path) -> None:
    """Every baseline is fitted on the train part of each split; the full-reference ones follow blur; the tables hold all five."""
    pytest.importorskip("torch")
    from train.baselines import BASELINES, run_baselines
    from train.tables import tables

    loaded = load("dermiqa", export, title="skin")
    split = splits.make([loaded], "random", seed=0, n=2)["skin"]
    assert len(list(run_baselines(loaded, split, tmp_path))) == 2 * len(BASELINES)
    table = tables(find_runs([tmp_path]))[0]
    cells = {row.model: row.cells["skin"] for row in table.rows if row.kind == "baseline"}
    assert set(cells) == set(BASELINES)
    best = cells["SSIM (full reference)"]
    assert best is not None
    assert best.mean is not None
    assert best.mean > 0.4
