"""A model folder's network as one function: pixels in, scores and features out; by onnxruntime or by torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train import run_folder
from train.pixels import Pixels
from workspace.errors import MissingExtra, ModelFault, UsageFault, nearest
from workspace.files import sha256_file

Floats = NDArray[np.float64]
ENGINES = ("auto", "onnxruntime", "torch")
Network = Callable[[Pixels], tuple[Floats, Floats]]
"""`(B, S, S, 3)` uint8 RGB to scores `(B,)`, unclipped, and the range check's features `(B, G)` (`train.stages`)."""


def open_network(folder: Path, facts: Mapping[str, Any], engine: str) -> tuple[Network, str]:
    """The network and what runs it. `engine`: auto (onnxruntime where model.onnx lies, else torch), onnxruntime or torch.

    Raises ModelFault for a missing, broken or foreign file, MissingExtra when the engine is not installed, UsageFault for an unknown one.
    """
    if engine not in ENGINES:
        raise UsageFault(f"there is no engine {engine!r}{nearest(str(engine), list(ENGINES))}: {', '.join(ENGINES)} are known")
    has_onnx = bool(facts.get("onnx")) and (folder / str(facts["onnx"])).is_file()
    if engine == "auto":
        engine = "onnxruntime" if has_onnx and _installed("onnxruntime") else "torch"
    if engine == "onnxruntime":
        if not has_onnx:
            raise ModelFault(
                f"{folder} has no exported network: run `dermiqa model export --model {folder}` where torch is installed"
            )
        path = folder / str(facts["onnx"])
        if "onnx_sha256" in facts and sha256_file(path) != facts["onnx_sha256"]:
            raise ModelFault(
                f"{path} is not the one that {run_folder.MODEL} names: `dermiqa model export --model {folder}` writes it again"
            )
        return _onnx_network(path), engine
    if not _installed("torch"):
        raise MissingExtra("onnxruntime" if has_onnx else "torch", "score" if has_onnx else "train")
    return _torch_network(folder, facts), engine


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ValueError, ModuleNotFoundError):  # a module that was blocked on purpose
        return False


def _onnx_network(path: Path) -> Network:
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise MissingExtra("onnxruntime", "score") from None
    options = onnxruntime.SessionOptions()
    # Threads that spin on between batches take the processor from those that decode the next photos.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # onnxruntime raises kinds of its own
        raise ModelFault(f"{path} can't be run by onnxruntime: {str(fault).splitlines()[0]}") from None

    def network(pixels: Pixels) -> tuple[Floats, Floats]:
        scores, features = session.run(["score", "features"], {"pixels": pixels})
        return np.asarray(scores, dtype=np.float64), np.asarray(features, dtype=np.float64)

    return network


def _torch_network(folder: Path, facts: Mapping[str, Any]) -> Network:
    import torch

    return torch_function(torch_model(folder, facts), torch.device("cpu"))


def torch_model(folder: Path, facts: Mapping[str, Any]) -> Any:
    """The QualityModel of a model folder with its reported weights, in evaluation mode. Raises MissingExtra and ModelFault."""
    import torch

    from train.model import Shape, from_shape

    try:
        shape = Shape.from_dict(dict(facts["shape"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise ModelFault(f"{folder / run_folder.MODEL} has a broken shape ({fault}): {run_folder.WHOLE}") from None
    model = from_shape(shape).eval().to(memory_format=torch.channels_last)
    run_folder.read_weights(folder / str(facts["weights"]), model)
    return model


def torch_function(model: Any, device: Any) -> Network:
    """A QualityModel in evaluation mode on a device as a Network; the model's mode is put back after each call."""
    import torch

    def network(pixels: Pixels) -> tuple[Floats, Floats]:
        was = model.training
        model.eval()
        with torch.inference_mode():
            scores, features = model.answer(torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float())
        model.train(was)
        return scores.double().cpu().numpy(), features.double().cpu().numpy()

    return network
