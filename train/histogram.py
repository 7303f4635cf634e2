"""The distribution of scores of each set, as bars of text and as a figure (the paper's figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from train.datasets.base import LoadedSet
from workspace.files import replacing

WIDTH = 48


def bars(counts: Sequence[int], edges: Sequence[float]) -> list[str]:
    """One line per bin: its lower edge, a bar, the count."""
    top = max([*counts, 1])
    return [
        f"{low:8.3g}  {'#' * round(WIDTH * count / top):<{WIDTH}}  {count:>6,}" for low, count in zip(edges, counts, strict=False)
    ]


def draw(sets: Sequence[LoadedSet], path: Path, bins: int = 40) -> None:
    """One panel per set over its nominal range, in the order given; the format follows the file's suffix (.svg, .png, .pdf)."""
    from matplotlib.figure import Figure

    columns = min(3, len(sets))
    rows = -(-len(sets) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.5 * rows), layout="constrained")
    for number, loaded in enumerate(sets, start=1):
        axis = figure.add_subplot(rows, columns, number)
        scores = loaded.table["score"].to_numpy(np.float64)
        axis.hist(scores, bins=bins, range=(loaded.low, loaded.high), color="#3b6ea5")
        axis.set_title(f"{loaded.title} (n = {len(loaded):,})", fontsize=9)
        axis.set_xlim(loaded.low, loaded.high)
        axis.set_xlabel("score, higher is better" if loaded.facts.better == "higher" else "score", fontsize=8)
        axis.set_ylabel("images", fontsize=8)
        axis.tick_params(labelsize=8)
    with replacing(path) as temporary:
        figure.savefig(
            temporary, format=path.suffix.lstrip(".") or "svg", metadata={"Date": None} if path.suffix == ".svg" else None
        )
