"""What a trained model gets besides its weights: the interval from validation residuals, and the range of its training images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from train.calibration import write_interval
from train.material import Material
from train.networks import torch_function
from train.pixels import Pixels
from train.range_check import MOST, Range, write_range
from train.use_card import update_card


def equip(folder: Path, model: Any, material: Material, device: Any) -> None:
    """Write calibration.json, range.npz and the card's part on them into a run's folder (which holds predictions.csv and model.json).

    At most 600 training and 600 validation images, evenly taken, go through the network once more, each with a poorer copy.
    """
    write_interval(folder)
    equip_range(folder, model, material, device)
    update_card(folder)


def equip_range(folder: Path, model: Any, material: Material, device: Any) -> Range | None:
    """Write range.npz alone; None where the training images are of a single group, from which no range can be known."""
    train, groups = inputs(material, "train")
    if len(set(groups)) < 2:
        return None
    return write_range(folder, train, groups, inputs(material, "val")[0], torch_function(model, device))


def inputs(material: Material, part: str) -> tuple[list[Pixels], list[str]]:
    """Evaluation views `(S, S, 3)` of at most 600 images of a part of the training sets, evenly taken, and their groups."""
    places = [(member, int(row)) for member in material.training for row in member.rows(part)]
    taken = places[:: max(1, len(places) // MOST)][:MOST]
    groups = [f"{member.name}/{member.table['group'].iloc[row]}" for member, row in taken]
    return [np.asarray(member.cache.eval_view[row]) for member, row in taken], groups
