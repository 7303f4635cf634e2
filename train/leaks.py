"""The proof that a split leaks nothing: no group, and no cluster of near-duplicates, has images on two sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from train.datasets.base import PARTS, LoadedSet
from train.splits import UNUSED, split_columns, with_clusters
from workspace.errors import UsageFault

SHOWN = 3


@dataclass
class Verdict:
    """One row per set and split with the images and groups of each part, and the faults, one line each."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def check(
    frames: Mapping[str, pd.DataFrame],
    loaded: Mapping[str, LoadedSet] | None = None,
    clusters: pd.DataFrame | None = None,
) -> Verdict:
    """Check the split frames of one or several sets against their groups, and against each other by near-duplicate clusters.

    Groups come from `loaded` where a set is there (its files are compared too), else from the column `group` of the frame.
    Raises UsageFault when neither is there: without groups nothing is proved.
    """
    verdict, groups_of = Verdict(), {}
    for name, frame in frames.items():
        known = (loaded or {}).get(name)
        groups_of[name] = _groups(name, frame, known, clusters)
        verdict.faults += _names(name, frame, known)
        for column in split_columns(frame):
            verdict.rows.append(_row(name, frame, column, groups_of[name]))
            verdict.faults += _leaks(name, frame, column, groups_of[name])
        verdict.faults += _repeats(name, frame)
    if clusters is not None and len(frames) > 1:
        verdict.faults += _across(frames, clusters)
    return verdict


def _groups(name: str, frame: pd.DataFrame, known: LoadedSet | None, clusters: pd.DataFrame | None) -> list[str]:
    if known is not None:
        by_file = dict(zip(known.table["file"], with_clusters(known, clusters), strict=True))
        return [by_file.get(file, f"unknown {file}") for file in frame["file"]]
    if "group" not in frame:
        raise UsageFault(
            f"the split of {name} has no column group and where {name} lies is not known: nothing can be proved without"
        )
    return frame["group"].astype(str).tolist()


def _names(name: str, frame: pd.DataFrame, known: LoadedSet | None) -> list[str]:
    faults = []
    twice = frame["file"][frame["file"].duplicated()]
    if len(twice):
        faults.append(f"{name}: {twice.iloc[0]} is listed {int((frame['file'] == twice.iloc[0]).sum())} times")
    if known is not None:
        for there, here, what in (
            (set(known.table["file"]), set(frame["file"]), "images of the set are not in the split file"),
            (set(frame["file"]), set(known.table["file"]), "files of the split are no images of the set"),
        ):
            if there - here:
                faults.append(f"{name}: {len(there - here):,} {what}, the first is {min(there - here)}")
    return faults


def _row(name: str, frame: pd.DataFrame, column: str, groups: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"set": name, "split": column}
    group = pd.Series(list(groups), index=frame.index)
    for part in (*PARTS, UNUSED):
        chosen = frame[column] == part
        row[part] = int(chosen.sum())
        row[f"{part}_groups"] = int(group[chosen].nunique())
    return row


def _leaks(name: str, frame: pd.DataFrame, column: str, groups: Sequence[str]) -> list[str]:
    sides: dict[str, dict[str, str]] = defaultdict(dict)
    for group, file, part in zip(groups, frame["file"], frame[column], strict=True):
        if part != UNUSED:
            sides[group].setdefault(part, file)
    torn = [" / ".join(f"{file} ({part})" for part, file in found.items()) for found in sides.values() if len(found) > 1]
    if not torn:
        return []
    shown = "; ".join(torn[:SHOWN]) + ("; ..." if len(torn) > SHOWN else "")
    return [f"{name}, {column}: {len(torn):,} groups lie on two sides: {shown}"]


def _repeats(name: str, frame: pd.DataFrame) -> list[str]:
    """Splits that are one and the same: five of them would pass for five runs."""
    faults: list[str] = []
    seen: dict[tuple[str, ...], str] = {}
    for column in split_columns(frame):
        parts = tuple(frame[column])
        if len(set(parts) - {UNUSED}) > 1 and parts in seen:
            faults.append(f"{name}: {column} is the same split as {seen[parts]}")
        seen.setdefault(parts, column)
    return faults


def _across(frames: Mapping[str, pd.DataFrame], clusters: pd.DataFrame) -> list[str]:
    """Near-duplicates of one picture in several sets, trained on in one and validated or tested in another."""
    cluster = {(s, f): c for s, f, c in clusters[["set", "file", "cluster"]].itertuples(index=False)}
    shared = [column for column in split_columns(next(iter(frames.values()))) if all(column in f for f in frames.values())]
    faults = []
    for column in shared:
        sides: dict[str, dict[str, str]] = defaultdict(dict)
        for name, frame in frames.items():
            for file, part in zip(frame["file"], frame[column], strict=True):
                if part != UNUSED and (name, file) in cluster:
                    sides[cluster[name, file]].setdefault(part, f"{name}/{file}")
        torn = [found for found in sides.values() if len(found) > 1 and len({v.split("/")[0] for v in found.values()}) > 1]
        if torn:
            shown = " / ".join(f"{file} ({part})" for part, file in torn[0].items())
            faults.append(f"{column}: {len(torn):,} pictures lie on two sides in different sets: {shown}")
    return faults
