"""What a trained model gets besides its weights: the interval from validation residuals, and the range of its training images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from train.calibration import write_interval
from train.material import Material
from train.networks import torch_function
from train.pixels import Pixels
from train.range_check import MOST, write_range
from train.use_card import update_card


def equip(folder: Path, model: Any, material: Material, device: Any) -> None:
    """Write calibration.json, range.npz and the card's part on them into a run's folder (which holds predictions.csv and model.json).

    At most 600 training and 600 validation images, evenly taken, go through the network once more.
    """
    write_interval(folder)
    train = inputs(material, "train")
    if len(train) >= 2:
        write_range(folder, train, inputs(material, "val"), torch_function(model, device))
    update_card(folder)


def inputs(material: Material, part: str) -> list[Pixels]:
    """Evaluation views `(S, S, 3)` of at most 600 images of a part of the training sets."""
    places = [(member, int(row)) for member in material.training for row in member.rows(part)]
    step = max(1, len(places) // MOST)
    return [np.asarray(member.cache.eval_view[row]) for member, row in places[::step][:MOST]]
