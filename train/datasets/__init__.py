"""The public sets: one module each, found by name; `load` reads any of them as downloaded."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from train.datasets.base import PARTS, Facts, Labels, LoadedSet, find_file, index_images
from train.scale import to_ten
from workspace.errors import DatasetFault, UsageFault, nearest

__all__ = ["Facts", "LoadedSet", "all_facts", "facts", "load", "names", "recognise"]


def names() -> list[str]:
    """The known sets, in the order of the paper's table 1, then our own export and `custom`."""
    return [f.name for f in all_facts()]


def all_facts() -> list[Facts]:
    """The facts of every set, in the order of `names`."""
    modules = [m.name for m in pkgutil.iter_modules(__path__) if m.name != "base"]
    found: list[Facts] = [_module(name).FACTS for name in modules]
    return sorted(found, key=lambda f: (f.rank, f.name))


def facts(name: str) -> Facts:
    """The facts of one set. Raises UsageFault naming the nearest known set."""
    if name not in names():
        raise UsageFault(f"no data set {name!r}{nearest(name, names())}: known are {', '.join(names())}")
    found: Facts = _module(name).FACTS
    return found


def recognise(root: Path) -> str | None:
    """The title of the public set whose label file lies below `root`, if any."""
    for known in all_facts():
        if known.files and known.count and find_file(root, known.files):
            return known.title
    return None


def load(
    name: str,
    root: Path | str,
    *,
    images: str = "all",
    scale: str = "nominal",
    title: str | None = None,
    **options: Any,
) -> LoadedSet:
    """Read the set `name` from the folder `root` as downloaded.

    `images`: "all" needs every labelled image, "present" keeps the rows whose image is there, "none" reads labels alone.
    `scale` maps scores to [1, 10] (`train.scale`); `title` is the user's own name for the set; `options` are the set's own
    (`facts(name).options`). Raises DatasetFault for a wrong, partial or contradictory folder, UsageFault for an unknown option.
    """
    known, root = facts(name), Path(root)
    for option, value in options.items():
        _check_option(known, option, value)
    if images not in ("all", "present", "none"):
        raise UsageFault(f"images={images!r}: expected all, present or none")
    labels: Labels = _module(name).read(root, **options)
    table = _with_paths(_checked(labels, known, root), labels, known, images)
    table["score10"] = to_ten(table["score"].to_numpy(np.float64), labels.low, labels.high, scale, better=labels.better)
    order = ["file", "path", "score", "score10", "group", "sd", "official"]
    table = table[order + [c for c in table.columns if c not in order]].sort_values("file", ignore_index=True)
    return LoadedSet(
        title or name, known, root, labels.folder, table, labels.low, labels.high, scale, labels.simulated, labels.notes
    )


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"train.datasets.{name}")


def _check_option(known: Facts, option: str, value: Any) -> None:
    if option not in known.options:
        listed = ", ".join(known.options) or "none"
        raise UsageFault(f"{known.title} has no option {option!r}{nearest(option, list(known.options))}: it has {listed}")
    allowed = known.options[option]
    if allowed and str(value) not in allowed:
        raise UsageFault(f"{known.title}: {option} = {value!r}, expected {' or '.join(allowed)}")


def _checked(labels: Labels, known: Facts, root: Path) -> pd.DataFrame:
    table = labels.frame.reset_index(drop=True).copy()
    if table.empty:
        raise DatasetFault(f"{root}: the table of {known.title} has no rows")
    for column, empty in (("sd", np.nan), ("official", ""), ("group", None)):
        if column not in table:
            table[column] = table["file"] if empty is None else empty
    twice = table["file"][table["file"].duplicated()]
    if len(twice):
        raise DatasetFault(f"{root}: {twice.iloc[0]!r} stands in {known.title}'s table more than once ({len(twice)} repeats)")
    scores = pd.to_numeric(table["score"], errors="coerce")
    wrong = table.loc[~(scores.ge(labels.low) & scores.le(labels.high)), ["file", "score"]]
    if len(wrong):
        first = wrong.iloc[0]
        raise DatasetFault(
            f"{root}: {first['file']} has the score {first['score']}, outside {known.title}'s [{labels.low:g}, {labels.high:g}] "
            f"({len(wrong)} such rows): another scale or another table?"
        )
    odd = set(table["official"]) - {*PARTS, ""}
    if odd:
        raise DatasetFault(f"{root}: the official split of {known.title} holds {sorted(odd)[0]!r}, expected train, val or test")
    table["score"], table["group"] = scores, table["group"].astype(str)
    return table


def _with_paths(table: pd.DataFrame, labels: Labels, known: Facts, images: str) -> pd.DataFrame:
    index = index_images(labels.folder) if images != "none" else {}
    spelled = [index.get(name.lower()) for name in table["file"]]
    missing = [name for name, there in zip(table["file"], spelled, strict=True) if there is None]
    if images == "all" and missing:
        raise DatasetFault(
            f"{labels.folder}: {len(missing):,} of {len(table):,} images of {known.title} are missing, first {missing[0]!r}: "
            "finish the download, or ask for the images that are present"
        )
    if images == "present" and len(missing) == len(table):
        raise DatasetFault(f"{labels.folder}: not one image of {known.title} is here, for example {missing[0]!r}")
    table["path"] = [str(labels.folder / (there or name)) for name, there in zip(table["file"], spelled, strict=True)]
    if images == "present":
        table = table[[there is not None for there in spelled]].reset_index(drop=True)
    return table
