"""Which sets a command means: `NAME`, `NAME=FOLDER` or the folder of a dermiqa export; read, with their splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from train import splits
from train.datasets import names
from train.datasets.base import LoadedSet
from train.roots import Root
from train.run import Inputs
from workspace.errors import DatasetFault, UsageFault, nearest


def parse(text: str, roots: Mapping[str, Root]) -> Root:
    """A set from one word of the command line; `roots` are those of the roots file. Raises UsageFault."""
    if text in roots:
        return roots[text]
    kind, equals, place = text.partition("=")
    if equals and kind in names():
        return Root(kind, kind, Path(place))
    if text in names():
        raise UsageFault(f"where {text} lies is not known: say {text}=FOLDER, or write it into datasets.toml")
    folder = Path(text)
    if (folder / "scores.csv").is_file():
        return Root(folder.resolve().name, "dermiqa", folder)
    if folder.is_dir():
        raise UsageFault(
            f"{text} holds no scores.csv, so it is no dermiqa export: say NAME={text} with NAME one of {', '.join(names())}"
        )
    raise UsageFault(
        f"no data set {text!r}{nearest(text, [*roots, *names()])}: say NAME=FOLDER, or the folder of a dermiqa export"
    )


def gather(
    trained: Sequence[Root], tested: Sequence[Root], rule: splits.Rule, *, seed: int, n: int, folder: Path | None = None
) -> Inputs:
    """All sets with their splits: read from `folder` (NAME.csv per set) when it is given, else made by the rule.

    Raises UsageFault when two sets bear one name, DatasetFault for a folder without a set's splits.
    """
    loaded: dict[str, LoadedSet] = {}
    for root in (*trained, *tested):
        if root.name in loaded:
            raise UsageFault(f"two sets are called {root.name!r}: name each folder differently")
        loaded[root.name] = root.load()
    frames = (
        {name: _kept(folder, name) for name in loaded} if folder else splits.make(list(loaded.values()), rule, seed=seed, n=n)
    )
    return Inputs(loaded, frames, [root.name for root in tested])


def _kept(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise DatasetFault(f"{folder} has no splits of {name} ({name}.csv): make them with `dermiqa splits make`")
    return splits.read(path)
