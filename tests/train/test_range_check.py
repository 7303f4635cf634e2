"""The range check: foreign photos are far, poor photos of the right kind are not, and a folder of another version says what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.train.graded import write_export
from train import run_folder
from train.networks import open_network
from train.pixels import Pixels
from train.range_check import FILE, described, fit_range, poorer, read_range, write_range
from train.scoring import open_model, photos_in
from workspace.errors import ModelFault

torch = pytest.importorskip("torch")


def names(count: int) -> list[str]:
    """A group of its own for each of `count` rows."""
    return [str(number) for number in range(count)]


def test_photos_unlike_the_training_images_are_out_of_range() -> None:
    """Features off the training images' plane are out of range though none is far; of new ones on it 5 % are, by held-out or by folds."""
    rng = np.random.default_rng(0)
    basis, size = rng.normal(size=(5, 40)), np.geomspace(1e-3, 1e3, 40)

    def on(count: int) -> np.ndarray:
        return (1.0 + 0.2 * rng.normal(size=(count, 5)) @ basis + 0.02 * rng.normal(size=(count, 40))) * size

    train, held, new = on(300), on(200), on(1000)
    for found in (fit_range(train, names(300), held), fit_range(train, names(300))):
        assert 0.01 < (found.distances(new) > 1).mean() < 0.11
        off = on(100) + 0.3 * rng.normal(size=(100, 40)) * size
        assert (found.distances(off) > 1).mean() > 0.95
    with pytest.raises(ModelFault, match="1 training images: two or more were expected"):
        fit_range(train, ["one"] * 300)
    with pytest.raises(
        ModelFault, match=r"range.npz is for 40 features, the model's network gives 7: run `dermiqa model export`"
    ):
        found.distances(np.zeros((1, 7)))


def test_folds_keep_a_photos_pictures_together() -> None:
    """Ten nearly equal pictures of each photo give the limit of new photos, not that of new pictures of known photos."""
    rng = np.random.default_rng(0)

    def photos(count: int) -> np.ndarray:
        return np.repeat(rng.normal(size=(count, 60)), 10, axis=0) + 0.01 * rng.normal(size=(10 * count, 60))

    train, new = photos(40), photos(40)
    together, apart = fit_range(train, [str(n // 10) for n in range(400)]), fit_range(train, names(400))
    assert (together.distances(new) > 1).mean() < 0.15
    assert (apart.distances(new) > 1).mean() > 0.5


def test_a_poorer_copy_is_of_the_same_size_and_the_same_each_time() -> None:
    """A copy differs from its image, has its shape, and is drawn by the pixels alone; also at 32 px."""
    rng = np.random.default_rng(0)
    for side in (32, 96):
        images = [np.asarray(rng.integers(0, 256, (side, side, 3)), dtype=np.uint8) for _ in range(12)]
        copies = [poorer(image) for image in images]
        assert all(copy.shape == image.shape and copy.dtype == np.uint8 for copy, image in zip(copies, images, strict=True))
        assert sum(np.array_equal(copy, image) for copy, image in zip(copies, images, strict=True)) <= 2
        assert all(np.array_equal(poorer(image), copy) for image, copy in zip(images, copies, strict=True))


def fields(count: int, start: int) -> Iterator[Pixels]:
    """Smooth colour fields of 64 px."""
    import cv2

    for seed in range(start, start + count):
        noise = np.random.default_rng(seed).integers(60, 200, (5, 5, 3), dtype=np.uint8)
        yield np.asarray(cv2.resize(noise, (64, 64), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


@pytest.mark.slow
def test_foreign_pictures_are_told_and_poor_ones_of_the_kind_are_not(tmp_path: Path) -> None:
    """With pretrained weights: of smooth fields' faulty copies few are out of range, of checkerboards and cuts of a cat nearly all."""
    from skimage import data as photographs

    from train.model import build
    from train.networks import torch_function

    network = torch_function(build("lite0", input_size=64)[0].eval(), torch.device("cpu"))
    write_range(tmp_path, list(fields(80, 0)), names(80), list(fields(40, 1000)), network)
    found = read_range(tmp_path)
    assert found is not None
    assert found.images == 80
    assert (found.distances(described(list(fields(40, 2000)), network)) > 1).mean() < 0.2
    whole: Pixels = np.asarray(photographs.cat())  # type: ignore[no-untyped-call]
    cat = [np.ascontiguousarray(whole[y : y + 64, x : x + 64]) for y in (0, 100, 200) for x in (50, 150, 250, 350)]
    boards = [np.kron(np.indices((64 // n, 64 // n)).sum(0) % 2, np.ones((n, n)))[..., None] * np.full(3, 255) for n in (2, 4, 8)]
    for foreign in (cat, [board.astype(np.uint8) for board in boards]):
        assert (found.distances(network(np.stack(foreign))[1]) > 1).mean() >= 0.9


def test_a_range_of_another_version_or_broken_says_how_to_make_it_again(model: Path, tmp_path: Path) -> None:
    """A file without this version's number, and one that is no such file, are one line each; the model scores without the file."""
    here = tmp_path / "copy"
    shutil.copytree(model, here)
    np.savez(here / FILE, middle=np.zeros(4), axes=np.zeros((1, 4)), along=np.ones(1), rest=1.0, limit=1.0, images=9)
    again = r"run `dermiqa model range SETS... --model .*copy`, or delete it to do without the check"
    with pytest.raises(ModelFault, match=rf"range.npz was made by another version of this program, .*: {again}"):
        open_model(here)
    (here / FILE).write_bytes(b"no archive")
    with pytest.raises(ModelFault, match=rf"range.npz can't be read \(.*\): {again}"):
        open_model(here)
    (here / FILE).unlink()
    assert any("No range check" in notice for notice in open_model(here).notices)


@pytest.mark.slow
def test_the_range_is_made_again_from_the_training_sets(model: Path, demo_photos: Path, tmp_path: Path) -> None:
    """`dermiqa model range` gives the range that training gave, beside older files of other parts, and writes an older model.onnx anew.

    Other sets than the model's are refused.
    """
    from dermiqa.commands.model_range import model_range
    from train.onnx import export

    here, export_folder = tmp_path / "model", write_export(tmp_path / "export", contents=20)
    shutil.copytree(model, here)
    before = {item.file: item.distance for item in open_model(here).score_files(photos_in([demo_photos]))}
    export(here)
    for name in (FILE, "model.onnx", "faults.npz"):
        (here / name).write_bytes(b"older")
    words = [str(export_folder), "--model", str(here), "--cache-dir", str(tmp_path / "cache")]
    done = CliRunner().invoke(model_range, words, catch_exceptions=False)
    assert "training images, each as it is and with faults made by formula" in done.output
    assert "Faults: broken or of another version; `dermiqa model faults` makes it again." in (here / "README.md").read_text()
    (here / "faults.npz").unlink()
    scorer = open_model(here)
    assert scorer.engine == "onnxruntime"
    after = {item.file: item.distance for item in scorer.score_files(photos_in([demo_photos]))}
    assert after == pytest.approx(before, rel=1e-3)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    by_torch = open_network(here, scorer.facts, "torch")[0](pixels)
    for found, expected in zip(scorer.network(pixels), by_torch, strict=True):
        assert found == pytest.approx(expected, abs=1e-4)
    other = write_export(tmp_path / "other", contents=6)
    refused = CliRunner().invoke(model_range, [str(other), *words[1:]])
    assert "has no splits of other (other.csv)" in str(refused.exception)


def test_other_labels_than_the_models_are_refused(model: Path, tmp_path: Path) -> None:
    """A set of the model's name with other scores is one line: the range would be of something else."""
    from train.range_again import range_again
    from train.roots import Root
    from train.sources import gather
    from train.splits import Rule

    folder = write_export(tmp_path / "export", contents=20)
    scores = (folder / "scores.csv").read_text().splitlines()
    (folder / "scores.csv").write_text("\n".join([scores[0], *(line.replace("C0_00", "C0_99") for line in scores[1:])]) + "\n")
    (folder / "images" / "C0_00.png").rename(folder / "images" / "C0_99.png")
    inputs = gather([Root("export", "dermiqa", folder)], [], Rule(), seed=0, n=1)
    with pytest.raises(ModelFault, match=r"the labels of export are not those that .* was trained on"):
        range_again(model, inputs, tmp_path / "cache")
    assert run_folder.read_model(model)["sets"][0]["name"] == "export"
