"""Export of a model folder's network as ONNX: uint8 pixels in, score and features out, so that scoring needs no torch."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from train import run_folder
from train.model import Shape, from_shape
from train.parallel import need_torch
from train.use_card import update_card
from workspace.errors import MissingExtra, ModelFault
from workspace.files import replacing, sha256_file

FILE = "model.onnx"
OPSET = 18
TOLERANCE = 1e-4
FEATURE_TOLERANCE = 1e-3


def export(folder: Path) -> tuple[Path, float]:
    """Write `model.onnx` into a model folder and note it in model.json; gives its path and the largest difference from torch.

    Input `pixels` (B, S, S, 3) uint8 RGB; outputs `score` (B,) on 1..10, unclipped, and `features` (B, G) for the range
    check (`train.stages`). Raises MissingExtra without torch or onnx, ModelFault when the exported network's scores differ by more
    than 1e-4, or its features by more than 1e-3.
    """
    torch = need_torch()
    facts = run_folder.read_model(folder)
    network = _network(torch, folder, facts)
    example = torch.zeros((2, facts["input"]["size"], facts["input"]["size"], 3), dtype=torch.uint8)
    with replacing(folder / FILE) as temporary:
        _write(torch, network, example, temporary)
        gap, features = _differences(torch, network, temporary, facts["input"]["size"])
        if gap > TOLERANCE or features > FEATURE_TOLERANCE:
            raise ModelFault(
                f"the exported network differs from torch by {gap:.2g} in scores (at most {TOLERANCE:g} was expected) and by "
                f"{features:.2g} in features (at most {FEATURE_TOLERANCE:g}): not kept"
            )
    path = folder / FILE
    run_folder.write_model(folder, {**facts, "onnx": FILE, "onnx_sha256": sha256_file(path)})
    update_card(folder)
    return path, gap


def _network(torch: Any, folder: Path, facts: dict[str, Any]) -> Any:
    model: Any = from_shape(Shape.from_dict(facts["shape"]))
    run_folder.read_weights(folder / facts["weights"], model)

    class Network(torch.nn.Module):
        """Pixels to score and features."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: Any) -> tuple[Any, Any]:
            scores, features = self.model.answer(pixels.permute(0, 3, 1, 2).float())
            return scores, features

    return Network().eval()


def _write(torch: Any, network: Any, example: Any, path: Path) -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as missing:
        raise MissingExtra(str(missing.name), "train") from None
    quiet = logging.getLogger("torch.onnx")
    before = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch = torch.export.Dim("batch", min=1, max=4096)
            torch.onnx.export(
                network, (example,), str(path), input_names=["pixels"], output_names=["score", "features"],
                dynamic_shapes=({0: batch},), opset_version=OPSET, dynamo=True, external_data=False, verbose=False,
            )  # fmt: skip
    finally:
        quiet.setLevel(before)


def _differences(torch: Any, network: Any, path: Path, size: int) -> tuple[float, float]:
    """The largest differences in score and in features between torch and onnxruntime on three noise images.

    Torch's scores are those of the training's own pass, which never looks at stages.
    """
    import onnxruntime

    pixels = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    score, features = session.run(["score", "features"], {"pixels": pixels})
    with torch.inference_mode():
        given = torch.from_numpy(pixels)
        expected = network.model.score(network.model(given.permute(0, 3, 1, 2).float())).numpy()
        described = network(given)[1].numpy()
    return float(np.abs(score - expected).max()), float(np.abs(features - described).max())
