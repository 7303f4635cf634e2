"""Denoising: the substitute by its effect, DnCNN by a network whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distort.catalogue import CATALOGUE
from distort.metrics import psnr
from distort.types.denoise import dncnn, non_local_means
from distort.types.noise import white
from tests.distort.types.pictures import grey, smooth
from workspace.errors import ModelFault


def scaling_network(path: Path, factor: float) -> Path:
    """An ONNX file whose output is its input times a factor."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    shape = [1, 1, "h", "w"]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 1, 1], [factor])
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[1, 1])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    model = helper.make_model(
        helper.make_graph([node], "scale", ends[:1], ends[1:], [weight]),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )
    onnx.save(model, path)
    return path


def test_non_local_means_takes_noise_away() -> None:
    """The substitute is nearer to the photo than the noise it was given, and worsens with the noise's variance."""
    image = smooth()
    found = [non_local_means(image, v, rng=np.random.RandomState(1)) for v in CATALOGUE[115].levels]
    noisy = [white(image, v, rng=np.random.RandomState(1)) for v in CATALOGUE[115].levels]
    assert all(psnr(image, f) > psnr(image, n) for f, n in zip(found, noisy, strict=True))
    quality = [psnr(image, f) for f in found]
    assert quality == sorted(quality, reverse=True)


def test_the_network_runs_on_each_channel(tmp_path: Path) -> None:
    """With a network that calls a quarter of its input noise, three quarters of the noisy picture remain; a clean one is taken whole."""
    image = grey(120, 20, 30)
    noisy = white(image, 0.001, rng=np.random.RandomState(2)).astype(float)
    quarter = scaling_network(tmp_path / "quarter.onnx", 0.25)
    found = dncnn(image, 0.001, rng=np.random.RandomState(2), weights=str(quarter))
    assert np.abs(found - 0.75 * noisy).max() <= 0.51
    clean = scaling_network(tmp_path / "half.clean.onnx", 0.5)
    found = dncnn(image, 0.001, rng=np.random.RandomState(2), weights=str(clean))
    assert np.abs(found - 0.5 * noisy).max() <= 0.51


def test_missing_or_wrong_weights_are_named(tmp_path: Path) -> None:
    """Type 15 without weights, with a file that is not there, or with one that is no ONNX, says so in one line."""
    rng = np.random.RandomState(0)
    with pytest.raises(ModelFault, match=r"needs DnCNN's weights: name an ONNX file with --dncnn FILE"):
        dncnn(grey(1), 0.01, rng=rng)
    with pytest.raises(ModelFault, match=r"nothing\.onnx is not there"):
        dncnn(grey(1), 0.01, rng=rng, weights=str(tmp_path / "nothing.onnx"))
    bad = tmp_path / "bad.onnx"
    bad.write_text("not a network")
    with pytest.raises(ModelFault, match=r"bad\.onnx can't be read as ONNX"):
        dncnn(grey(1), 0.01, rng=rng, weights=str(bad))
