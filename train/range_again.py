"""The range of a finished model made again from its training sets, where range.npz is missing, broken or of another version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train import run_folder
from train.config import make
from train.equip import equip_range
from train.material import join
from train.networks import torch_model
from train.onnx import export
from train.parallel import World, need_torch
from train.range_check import Range
from train.run import Building, Inputs, members
from train.use_card import update_card
from workspace.errors import ModelFault


def range_again(folder: Path, inputs: Inputs, cache_dir: Path | None, building: Building | None = None) -> Range:
    """Write range.npz from the model's training sets, read with the splits in its folder; also model.onnx where it has one.

    The network's file is made again because an older one may give other features. Raises ModelFault when the sets are not those that
    the model was trained on, or are a single group.
    """
    facts = run_folder.read_model(folder)
    _same(folder, facts, inputs)
    torch = need_torch()
    device = torch.device("cpu")
    config = make(dict(facts["config"]), str(folder / run_folder.MODEL))
    world = World(0, 1, device)
    found = members(inputs, config.sets, config, int(facts["input"]["size"]), cache_dir, world, building)
    made = equip_range(folder, torch_model(folder, facts), join(found, [], config), device)
    if made is None:
        raise ModelFault(f"the training images of {folder} are a single group: two or more were expected to know a range")
    if facts.get("onnx"):
        export(folder)
    else:
        update_card(folder)
    return made


def _same(folder: Path, facts: Mapping[str, Any], inputs: Inputs) -> None:
    """Refuse other sets than the model's, or other labels of theirs."""
    wanted = {row["name"]: row["labels_sha256"] for row in facts["sets"]}
    if set(wanted) != set(inputs.loaded):
        raise ModelFault(f"{folder} was trained on {', '.join(sorted(wanted))}, not on {', '.join(sorted(inputs.loaded))}")
    changed = [name for name, loaded in inputs.loaded.items() if loaded.digest() != wanted[name]]
    if changed:
        raise ModelFault(
            f"the labels of {', '.join(changed)} are not those that {folder} was trained on: give the set as it was then"
        )
