"""Small workspaces with made pictures, ready to be distorted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from distort.png import write_png
from workspace.files import write_rows
from workspace.settings import Workspace, create
from workspace.tables import SOURCES_COLUMNS


def picture(height: int, width: int, seed: int) -> np.ndarray:
    """Slow waves of colour with grain, different for each seed."""
    draw = np.random.RandomState(seed)
    y, x = np.mgrid[:height, :width]
    phases = draw.uniform(0, 6, 3)
    waves = [128 + 70 * np.sin(x / (7 + seed % 5) + p) * np.cos(y / 9 + k) for k, p in enumerate(phases)]
    grain = draw.randint(-12, 13, (height, width, 3))
    return np.clip(np.stack(waves, axis=-1) + grain, 0, 255).astype(np.uint8)


def source_row(name: str, **cells: Any) -> dict[str, Any]:
    """A row of `sources.csv` for a photo that may be used for everything."""
    open_cells = dict.fromkeys(("may_show", "may_alter", "may_redistribute", "accepted"), "yes")
    own = {"file": f"{name}.jpg", "pristine": name, "subject": name, "source": "made here", "licence": "CC0", "credit": "Nobody"}
    return dict.fromkeys(SOURCES_COLUMNS, "") | open_cells | own | cells


def small_set(root: Path, count: int = 3, height: int = 36, width: int = 48, **cells: Any) -> Workspace:
    """A workspace with `count` prepared photos P1, P2, ... of this size."""
    place = create(root)
    names = [f"P{k}" for k in range(1, count + 1)]
    for k, name in enumerate(names):
        write_png(place.pristine / f"{name}.png", picture(height, width, k))
    write_rows(place.sources, [source_row(name, **cells) for name in names], SOURCES_COLUMNS)
    return place
