"""Splits: made once, seeded, by group, kept as files that name each image; no group ever lies on two sides."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from train.datasets.base import PARTS, LoadedSet
from train.groups import pairs_to_groups
from workspace.errors import DatasetFault, UsageFault, nearest
from workspace.files import write_json, write_text

UNUSED = "unused"
RULES = ("random", "folds", "official")
ROLES = ("split", "test", "train_val", "authors", "unused")


@dataclass(frozen=True)
class Rule:
    """How to split: `kind` random (shares of images), folds (n test folds) or official (the authors' where there is one).

    `roles` overrides a set's own role: split; test (always and only test); train_val (never test: cut from the authors' training
    part where there is one); authors (their train for training, their test for validation: the paper's way for BIQ2021).
    `keep_leaks` leaves everything as it was dealt; else an image of an official split, or of another set, whose group or cluster
    is tested (or validated) elsewhere is not trained on.
    """

    kind: str = "random"
    train: float = 0.7
    val: float = 0.1
    roles: Mapping[str, str] = field(default_factory=dict)
    keep_leaks: bool = False

    def checked(self) -> Rule:
        """The rule itself. Raises UsageFault for an unknown kind or role, or shares that leave nothing for a part."""
        if self.kind not in RULES:
            raise UsageFault(f"no rule {self.kind!r}{nearest(self.kind, list(RULES))}: known are {', '.join(RULES)}")
        for name, role in self.roles.items():
            if role not in ROLES:
                raise UsageFault(f"no role {role!r} (for {name}){nearest(role, list(ROLES))}: known are {', '.join(ROLES)}")
        if not (self.train > 0 and self.val > 0 and self.train + self.val < 1):
            raise UsageFault(
                f"shares train {self.train:g} and val {self.val:g}: both above 0, their sum below 1 (the rest is test)"
            )
        return self


def make(
    loaded_sets: Sequence[LoadedSet],
    rule: Rule | str = "random",
    seed: int = 0,
    n: int = 5,
    clusters: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """One frame `file, group, split_1 .. split_n` per set, by set name; values train, val, test or unused.

    A set's splits depend on its own files, the rule and the seed alone. `clusters` (set, file, cluster) names near-duplicates:
    they join groups within a set, and an image whose cluster is tested or validated in another set is not trained on.
    """
    rule = (Rule(kind=rule) if isinstance(rule, str) else rule).checked()
    if n < 1 or (rule.kind == "folds" and n < 3):
        raise UsageFault(f"{n} splits: expected at least 1, and at least 3 folds")
    frames: dict[str, pd.DataFrame] = {}
    for loaded in loaded_sets:
        groups = with_clusters(loaded, clusters)
        frame = pd.DataFrame({"file": loaded.table["file"], "group": groups})
        for number in range(1, n + 1):
            frame[f"split_{number}"] = _one(loaded, groups, rule, seed, number, n)
        frames[loaded.name] = frame
    return frames if clusters is None or rule.keep_leaks else _apart(frames, clusters)


def split_columns(frame: pd.DataFrame) -> list[str]:
    """The columns of a split frame that hold parts: any name with `split` in it."""
    return [c for c in frame.columns if "split" in str(c).lower()]


def part_rows(loaded: LoadedSet, frame: pd.DataFrame, column: str, part: str) -> np.ndarray:
    """Row numbers of `loaded.table` that belong to a part of one split, matched by file name, ascending.

    Raises DatasetFault when a file of the set is not in the split file.
    """
    values = loaded.table["file"].map(dict(zip(frame["file"], frame[column], strict=True)))
    lost = loaded.table["file"][values.isna()]
    if len(lost):
        raise DatasetFault(f"the split of {loaded.name} says nothing about {len(lost):,} images, the first is {lost.iloc[0]!r}")
    return np.flatnonzero((values == part).to_numpy())


def with_clusters(loaded: LoadedSet, clusters: pd.DataFrame | None) -> list[str]:
    """The set's groups, joined where two images share a near-duplicate cluster."""
    groups = loaded.table["group"].tolist()
    if clusters is None:
        return groups
    place = {name: row for row, name in enumerate(loaded.table["file"])}
    pairs = []
    for _, members in clusters[clusters["set"] == loaded.name].groupby("cluster"):
        rows = [place[name] for name in members["file"] if name in place]
        pairs += [(rows[0], row) for row in rows[1:]]
    return pairs_to_groups(groups, pairs)


def random_for(*names: object) -> np.random.Generator:
    """A generator seeded by the words given, the same on every machine."""
    seed = hashlib.sha256("|".join(str(n) for n in names).encode()).digest()[:16]
    return np.random.default_rng(int.from_bytes(seed, "little"))


def _one(loaded: LoadedSet, groups: list[str], rule: Rule, seed: int, number: int, n: int) -> list[str]:
    role = rule.roles.get(loaded.name, loaded.facts.role)
    official = loaded.table["official"].tolist()
    everywhere = {"test": "test", "unused": UNUSED}
    if role in everywhere:
        return [everywhere[role]] * len(groups)
    if role == "authors":
        return _authors(loaded, groups, official, rule)
    key = (loaded.facts.name, seed, rule.kind, number)
    if rule.kind == "official" and set(official) - {""}:
        return _official(groups, official, rule, key)
    if role == "train_val":
        return _train_val(groups, official, rule, key)
    if rule.kind == "folds":
        return _folds(groups, number, n, (*key[:3], 0))
    return _deal(groups, {"test": 1 - rule.train - rule.val, "val": rule.val}, key)


def _deal(groups: list[str], shares: Mapping[str, float], key: tuple[object, ...]) -> list[str]:
    """Whole groups in random order to the parts of `shares` (of all images), each as full as it gets; the rest is train."""
    sizes = Counter(groups)
    order = random_for(*key).permutation(sorted(sizes)).tolist()
    part_of: dict[str, str] = {}
    for part, share in shares.items():
        room = share * len(groups)
        for group in order:
            if group not in part_of and sizes[group] / 2 < room:
                part_of[group] = part
                room -= sizes[group]
    return [part_of.get(group, "train") for group in groups]


def _folds(groups: list[str], number: int, n: int, key: tuple[object, ...]) -> list[str]:
    """Fold `number` tests, the next one validates. Folds are equal in images as far as whole groups allow."""
    sizes = Counter(groups)
    shuffled = random_for(*key).permutation(sorted(sizes)).tolist()
    order = sorted(shuffled, key=lambda group: -sizes[group])
    filled, fold_of = np.zeros(n), {}
    for group in order:
        fold = int(np.argmin(filled))
        fold_of[group] = fold + 1
        filled[fold] += sizes[group]
    roles = {number: "test", number % n + 1: "val"}
    return [roles.get(fold_of[group], "train") for group in groups]


def _train_val(groups: list[str], official: list[str], rule: Rule, key: tuple[object, ...]) -> list[str]:
    """Train and validation alone, in the rule's proportion, cut from the authors' training part where there is one."""
    inside = [part in ("train", "") for part in official]
    share = rule.val / (rule.train + rule.val)
    dealt = iter(_deal([g for g, use in zip(groups, inside, strict=True) if use], {"val": share}, key))
    parts = [next(dealt) if use else UNUSED for use in inside]
    return parts


def _official(groups: list[str], official: list[str], rule: Rule, key: tuple[object, ...]) -> list[str]:
    """The authors' parts; without a validation part of theirs one is cut from their training part, by group."""
    parts = [part or UNUSED for part in official]
    if "val" not in parts:
        chosen = [g for g, part in zip(groups, parts, strict=True) if part == "train"]
        dealt = iter(_deal(chosen, {"val": rule.val / (rule.train + rule.val)}, key))
        parts = [next(dealt) if part == "train" else part for part in parts]
    return parts if rule.keep_leaks else _without_leaks(groups, parts)


def _authors(loaded: LoadedSet, groups: list[str], official: list[str], rule: Rule) -> list[str]:
    if not {"train", "test"} <= set(official):
        raise UsageFault(f"{loaded.title} has no split of its authors' here: role authors needs their train and test tables")
    named = {"train": "train", "val": "val", "test": "val", "": UNUSED}
    parts = [named[part] for part in official]
    return parts if rule.keep_leaks else _without_leaks(groups, parts)


def _without_leaks(groups: list[str], parts: list[str]) -> list[str]:
    """Rows of a group that reaches into a part of higher order (test before val before train) become unused."""
    order = {"test": 2, "val": 1, "train": 0, UNUSED: -1}
    highest: dict[str, int] = {}
    for group, part in zip(groups, parts, strict=True):
        highest[group] = max(highest.get(group, -1), order[part])
    return [part if order[part] in (highest[g], -1) else UNUSED for g, part in zip(groups, parts, strict=True)]


def _apart(frames: dict[str, pd.DataFrame], clusters: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Across sets: an image whose near-duplicate is tested (or validated) elsewhere is used by no lower part."""
    cluster = {(s, f): str(c) for s, f, c in clusters[["set", "file", "cluster"]].itertuples(index=False)}
    out = {name: frame.copy() for name, frame in frames.items()}
    keys = {
        name: [cluster.get((name, file), f"{name}|{group}") for file, group in zip(f["file"], f["group"], strict=True)]
        for name, f in frames.items()
    }
    for column in split_columns(next(iter(frames.values()))):
        groups = [key for name in frames for key in keys[name]]
        parts = [part for name in frames for part in frames[name][column]]
        kept = iter(_without_leaks(groups, parts))
        for name in frames:
            out[name][column] = [next(kept) for _ in range(len(frames[name]))]
    return out


def save(frames: Mapping[str, pd.DataFrame], folder: Path, about: Mapping[str, Any]) -> list[Path]:
    """Write NAME.csv per set and `splits.json`, which says how they were made and holds their hashes."""
    written = []
    for name, frame in frames.items():
        path = folder / f"{name}.csv"
        write_text(path, frame.to_csv(index=False, lineterminator="\n"))
        written.append(path)
    write_json(folder / "splits.json", {**about, "sha256": {name: frame_hash(frame) for name, frame in frames.items()}})
    return written


def read(path: Path) -> pd.DataFrame:
    """A split file: `file` first, columns with `split` in their names. Raises DatasetFault for anything else."""
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        raise DatasetFault(f"{path} can't be read as a split file: {str(fault).splitlines()[0]}") from None
    if "file" not in frame or not split_columns(frame):
        raise DatasetFault(f"{path} is no split file: expected the columns file and split_1, split_2, ...")
    for column in split_columns(frame):
        odd = set(frame[column]) - {*PARTS, UNUSED}
        if odd:
            raise DatasetFault(f"{path}: {column} holds {sorted(odd)[0]!r}, expected {', '.join(PARTS)} or {UNUSED}")
    return frame


def frame_hash(frame: pd.DataFrame) -> str:
    """SHA-256 of a split by content: file and part, sorted by file, so row order and line ends don't matter."""
    columns = ["file", *split_columns(frame)]
    text = frame[columns].sort_values("file").to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def rule_from(settings: Mapping[str, Any]) -> Rule:
    """A rule from a table of settings (kind, train, val, roles, keep_leaks). Raises UsageFault naming an unknown key."""
    known = ["kind", "train", "val", "roles", "keep_leaks"]
    for key in settings:
        if key not in known:
            raise UsageFault(f"no setting {key!r} for splits{nearest(key, known)}: known are {', '.join(known)}")
    return replace(Rule(), **settings).checked()
