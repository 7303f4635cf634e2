"""The sets of one run, joined: which image of which set is for training, validation or test, with its score and weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from train.cache import Cache
from train.config import Config
from train.data import Part, Pool
from train.loss import histogram, image_weights
from workspace.errors import DatasetFault, UsageFault

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Member:
    """One set of a run. `table` has file, score10, group, sd and labels; `part` is train, val, test or another word per row."""

    name: str
    title: str
    table: pd.DataFrame
    part: NDArray[np.str_]
    cache: Cache
    simulated: bool = False

    def rows(self, part: str) -> Ints:
        """The row numbers of one part."""
        return np.flatnonzero(self.part == part)

    def scores(self, rows: Ints) -> Floats:
        """The scores on [1, 10] of these rows."""
        return self.table["score10"].to_numpy(np.float64)[rows]

    def as_part(self, rows: Ints, weights: Floats | None = None) -> Part:
        """These rows as a part of a pool; weights of 1 where none are given."""
        files = self.table["file"].iloc[rows].tolist()
        return Part(self.name, self.cache, rows, self.scores(rows), np.ones(len(rows)) if weights is None else weights, files)


@dataclass(frozen=True)
class Material:
    """What a run learns from: the training images of all its sets as one pool, and the sets that are tested as well.

    `shares` (N, 10) are the vote shares of each pooled image's ten levels, for a distribution head.
    """

    members: Sequence[Member]
    trained: int
    pool: Pool
    shares: NDArray[np.float32]

    @property
    def training(self) -> Sequence[Member]:
        """The sets that are trained on; the others are only tested."""
        return self.members[: self.trained]


def parts_of(table: pd.DataFrame, split: pd.DataFrame, number: int, name: str) -> NDArray[np.str_]:
    """The part of each file of `table` by column `split_<number>` of a split file. Raises DatasetFault for files without one."""
    column = f"split_{number}"
    if column not in split.columns:
        have = ", ".join(c for c in split.columns if "split" in c)
        raise UsageFault(f"the splits of {name} have no column {column!r}; they have: {have or 'none'}")
    known = dict(zip(split["file"].astype(str), split[column].fillna("").astype(str), strict=True))
    lost = [file for file in table["file"] if file not in known]
    if lost:
        raise DatasetFault(f"the splits of {name} lack {len(lost)} of its files, the first {lost[0]!r}: make them anew")
    return np.array([known[file] for file in table["file"]], dtype=np.str_)


def with_groups(table: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """The table with the split file's groups, which join near-duplicates too; its own where the file says none."""
    if "group" not in split.columns:
        return table
    known = dict(zip(split["file"].astype(str), split["group"].fillna("").astype(str), strict=True))
    own = table["group"].astype(str)
    return table.assign(group=[known.get(file) or group for file, group in zip(table["file"], own, strict=True)])


def without_axis(table: pd.DataFrame, part: NDArray[np.str_], axis: str, name: str) -> NDArray[np.str_]:
    """The parts with the images of one distortion axis taken out of training and validation. Raises UsageFault."""
    if "axis" not in table.columns:
        raise UsageFault(f"{name} states no distortion axis: leave_out_axis is for sets made of graded distortions")
    known = sorted(set(table["axis"].dropna().astype(str)) - {""})
    if axis not in known:
        raise UsageFault(f"{name} has no axis {axis!r}; it has: {', '.join(known)}")
    return np.where((table["axis"].astype(str).to_numpy() == axis) & (part != "test"), "", part)


def join(members: Sequence[Member], tested_only: Sequence[Member], config: Config) -> Material:
    """Join the sets of a run. Raises DatasetFault when a training set has no image to train on."""
    rows = [member.rows("train") for member in members]
    for member, chosen in zip(members, rows, strict=True):
        if len(chosen) == 0:
            raise DatasetFault(f"{member.title} has no image in the training part of split {config.split}: it can only be tested")
    score = np.concatenate([m.scores(r) for m, r in zip(members, rows, strict=True)])
    sets = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    weight = np.ones(len(score))
    if config.weighting != "none":
        weight = image_weights(score, sets, mode=config.weighting, cap=config.weight_cap)
    sd = np.concatenate([_sd10(m, r) for m, r in zip(members, rows, strict=True)])
    parts = [m.as_part(r, weight[sets == n]) for n, (m, r) in enumerate(zip(members, rows, strict=True))]
    return Material((*members, *tested_only), len(members), Pool(parts), histogram(score, sd))


def _sd10(member: Member, rows: Ints) -> Floats:
    """The votes' SD on the common scale [1, 10]; nan where unknown. The factor is the slope of score10 over score."""
    table = member.table
    if "sd" not in table.columns or "score" not in table.columns:
        return np.full(len(rows), np.nan)
    score, ten = table["score"].to_numpy(float), table["score10"].to_numpy(float)
    spread = np.ptp(score)
    factor = np.ptp(ten) / spread if spread > 0 else np.nan
    return factor * table["sd"].to_numpy(float)[rows]
