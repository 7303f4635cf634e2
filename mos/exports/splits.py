"""Split columns for exports: train, val and test by subject (else by content), never across."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mos.exports.tables import Options


def group_key(stimuli: pd.DataFrame) -> list[str]:
    """What must stay together: the subject, else the content, else the image itself."""
    return [
        f"subject {s}" if s else f"content {c}" if c else f"image {i}"
        for s, c, i in zip(_texts(stimuli, "subject"), _texts(stimuli, "content"), _texts(stimuli, "stimulus"), strict=True)
    ]


def split_columns(stimuli: pd.DataFrame, options: Options) -> dict[str, list[str]]:
    """Columns `ratio712_seed123_split_01` ...: `train`, `val` or `test` per row, seeded, grouped by `group_key`.

    With fewer than three groups there is no test part that shares nothing with training: all rows are `train`.
    """
    keys = group_key(stimuli)
    names = sorted(set(keys))
    ratio = "".join(str(round(10 * share)) for share in options.split_shares)
    columns = {}
    for index in range(1, options.splits + 1):
        order = np.random.default_rng([options.split_seed, index]).permutation(len(names))
        part = _parts(len(names), options.split_shares)
        of = {names[group]: part[place] for place, group in enumerate(order)}
        columns[f"ratio{ratio}_seed{options.split_seed}_split_{index:02d}"] = [of[key] for key in keys]
    return columns


def _parts(groups: int, shares: tuple[float, float, float]) -> list[str]:
    if groups < 3:
        return ["train"] * groups
    validation = max(1, round(groups * shares[1]))
    test = max(1, round(groups * shares[2]))
    return ["train"] * (groups - validation - test) + ["val"] * validation + ["test"] * test


def _texts(stimuli: pd.DataFrame, column: str) -> list[str]:
    return ["" if pd.isna(value) else str(value) for value in stimuli[column]]
