"""Stage features: means and log spreads of a backbone's stages, beside a score that is the training pass's own, for any backbone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["lite0", "mobilenetv3_small_050", "resnet18", "vit_tiny_patch16_224"])
def test_the_answer_is_the_training_passs_score_and_five_stages(name: str) -> None:
    """The score with stages equals that without; features are as wide as twice the channels of at most five stages."""
    from train.model import build

    model: Any = build(name, weights="none", input_size=224)[0].eval()
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 224, 224))).float()
    with torch.inference_mode():
        scores, features = model.answer(pixels)
        assert torch.allclose(scores, model.score(model(pixels)), atol=1e-5)
        stages = model.backbone.forward_intermediates((pixels - model.mean) * model.scale)[1]
    five = stages if len(stages) == 5 else [stages[n] for n in (1, 3, 6, 8, 11)]
    assert features.shape == (2, 2 * sum(stage.shape[1] for stage in five))
    width = five[0].shape[1]
    first = five[0].numpy()
    assert np.allclose(features[:, :width], first.mean((2, 3)), atol=1e-4)
    assert np.allclose(features[:, width : 2 * width], np.log(first.std((2, 3)) + 1e-3), atol=1e-3)


def test_a_backbone_that_hides_its_stages_gives_its_pooled_output() -> None:
    """Without `forward_intermediates` features are the pooled output itself."""
    from train.stages import taken, with_stages

    pooled, features = with_stages(lambda ready: ready.mean((2, 3)), torch.ones(2, 3, 4, 4))
    assert torch.equal(pooled, features)
    assert taken(range(12)) == [1, 3, 6, 8, 11]
    assert taken(range(3)) == [0, 1, 2]
