"""Five attributes of a photo (brightness, colorfulness, contrast, noisiness, sharpness) as people rated them for SPAQ, 0 to 100.

A linear head on the hand-made features that faults are found by: it touches neither the network nor the score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.datasets.spaq import ATTRIBUTES as COLUMNS
from train.datasets.spaq import FACTS
from train.fault_features import fault_features
from train.faults import standardised
from train.npz import reading
from train.pixels import Pixels
from workspace.errors import ModelFault
from workspace.files import replacing

Floats = NDArray[np.float64]
FILE = "attributes.npz"
FORMAT = 1
ATTRIBUTES = tuple(column.lower() for column in COLUMNS)
PREFIX = "a_"
LEAST_SPREAD = 0.01
DRIFT = 0.5
NAMES: dict[str, dict[str, str]] = {
    "en": dict(zip(ATTRIBUTES, ("brightness", "colourfulness", "contrast", "noisiness", "sharpness"), strict=True)),
    "es": dict(zip(ATTRIBUTES, ("brillo", "colorido", "contraste", "ruido", "nitidez"), strict=True)),
}


@dataclass(frozen=True)
class AttributeHead:
    """Ridge regression over standardised features: `middle` and `spread` `(F,)`, `weights` `(F + 1, 5)` with the offsets last.

    `facts` say the set, its parts and what was measured on photos held out.
    """

    middle: Floats
    spread: Floats
    weights: Floats
    facts: dict[str, Any]

    def values(self, features: Floats) -> Floats:
        """`(B, 5)` attributes 0..100 in the order of ATTRIBUTES for features `(B, F)`."""
        found = standardised(features, self.middle, self.spread) @ self.weights
        return np.asarray(np.clip(found, FACTS.low, FACTS.high), dtype=np.float64)

    def named(self, features: Floats) -> dict[str, float]:
        """The attributes of one photo's features `(F,)` by name."""
        return {name: float(value) for name, value in zip(ATTRIBUTES, self.values(features[None])[0], strict=True)}

    def of(self, rgb: Pixels) -> dict[str, float]:
        """The attributes of one working image `(H, W, 3)` uint8, by name."""
        return self.named(fault_features(rgb))


def as_columns(attributes: Mapping[str, float]) -> dict[str, float]:
    """Cells of a table: `a_brightness` ..., to one decimal."""
    return {f"{PREFIX}{name}": round(value, 1) for name, value in attributes.items()}


def write_attributes(folder: Path, head: AttributeHead) -> Path:
    """Write attributes.npz into a model folder."""
    path = folder / FILE
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream, format=FORMAT, middle=head.middle, spread=head.spread, weights=head.weights, attributes=np.array(ATTRIBUTES),
            probe=_probe(), facts=json.dumps(head.facts),
        )  # fmt: skip
    return path


def read_attributes(folder: Path) -> AttributeHead | None:
    """The head of a model folder; None when it has none. Raises ModelFault for a broken file, or one of another version."""
    path = folder / FILE
    if not path.is_file():
        return None
    again = f"make it again with `dermiqa model attributes SPAQ_FOLDER --model {folder}`, or delete it"
    with reading(path, again) as held:
        if int(held["format"]) != FORMAT or tuple(held["attributes"].tolist()) != ATTRIBUTES:
            raise ModelFault(f"{path} is of another version: {again}")
        head = AttributeHead(held["middle"], held["spread"], held["weights"], json.loads(str(held["facts"])))
        probe = held["probe"]
    now = _probe()
    shapes = {now.shape, probe.shape, head.middle.shape, head.spread.shape}
    if len(shapes) > 1 or head.weights.shape != (len(now) + 1, len(ATTRIBUTES)):
        raise ModelFault(f"{path} is for {len(head.middle)} features, this program makes {len(now)}: {again}")
    if (np.abs(now - probe) / np.maximum(head.spread, LEAST_SPREAD)).max() > DRIFT:
        raise ModelFault(f"{path} was made with features that this program counts otherwise: {again}")
    return head


def _probe() -> Floats:
    """The features `(F,)` of one picture by formula: kept in the file, so that a head never judges features of another making."""
    across, down = np.meshgrid(np.arange(64.0), np.arange(48.0))
    waves = [128 + 60 * np.sin(across / step) + 50 * np.cos(down / (step + 2)) for step in (3.0, 5.0, 9.0)]
    return fault_features(np.stack(waves, axis=2).clip(0, 255).astype(np.uint8))
