"""A stand-in with YuNet's inputs and outputs: it takes any white block of 32 pixels for a face. No weights are learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

STRIDES = (8, 16, 32)
CHANNELS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def write_tiny_yunet(path: Path) -> Path:
    """Write the model: scores are the mean light of a cell at stride 32 and 0 at the finer ones; boxes are the cell itself."""
    nodes, weights, outputs = [], [], []
    for stride in STRIDES:
        for kind, channels in CHANNELS.items():
            name = f"{kind}_{stride}"
            lit = 1 / (255 * 3 * stride * stride) if kind in ("cls", "obj") and stride == 32 else 0.0
            kernel = np.full((channels, 3, stride, stride), lit, dtype=np.float32)
            weights.append(onnx.numpy_helper.from_array(kernel, f"{name}_w"))
            weights.append(onnx.numpy_helper.from_array(np.array([1, -1, channels], dtype=np.int64), f"{name}_s"))
            nodes.append(onnx.helper.make_node("Conv", ["input", f"{name}_w"], [f"{name}_c"], strides=[stride, stride]))
            nodes.append(onnx.helper.make_node("Transpose", [f"{name}_c"], [f"{name}_t"], perm=[0, 2, 3, 1]))
            nodes.append(onnx.helper.make_node("Reshape", [f"{name}_t", f"{name}_s"], [name]))
            outputs.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, None, channels]))
    image = onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1, 3, 320, 320])
    graph = onnx.helper.make_graph(nodes, "tiny_yunet", [image], outputs, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def write_other_model(path: Path) -> None:
    """Write a valid network that is no face model: it gives its input back."""
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, 320, 320]) for name in ("input", "same")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["input"], ["same"])], "other", values[:1], values[1:])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), str(path))
