"""Training the attribute head on SPAQ's photos, and measuring it on the part of them that it has not seen."""

from __future__ import annotations

import os
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train import chain, run_folder, splits
from train.attribute_measures import held_out
from train.attributes import ATTRIBUTES, FORMAT, AttributeHead, write_attributes
from train.baselines.ridge import ridge
from train.datasets.base import LoadedSet
from train.fault_features import fault_features
from train.faults import standardised
from train.material import parts_of, with_groups
from workspace.errors import DatasetFault
from workspace.files import replacing, sha256_bytes

Floats = NDArray[np.float64]
PART_FILE = "attributes.part.npz"
PENALTIES = tuple(10.0**k for k in range(-1, 6))
FOLDS = 5
LEAST = 20
KEEP_EVERY = 200


@dataclass(frozen=True)
class Parts:
    """Which of the set's photos are for training and which are held out; `words` say where the split comes from."""

    part: NDArray[np.str_]
    groups: list[str]
    judged: str
    words: str


def train_attributes(folder: Path, loaded: LoadedSet, workers: int | None = None) -> Iterator[Path | AttributeHead]:
    """Read each photo that is needed (yielding it), fit on the training part, measure on the part held out, write attributes.npz;
    yields the head.

    A stopped call goes on: features are kept in the folder every 200 photos. Memory holds features alone, never photos. Raises
    DatasetFault where the set lacks attributes or photos for a part, PhotoFault for a broken photo.
    """
    facts = run_folder.read_model(folder)
    split = parts_for(folder, facts, loaded)
    targets = _targets(loaded)
    rows = np.flatnonzero(np.isin(split.part, ("train", split.judged)) & np.isfinite(targets).all(axis=1))
    _check(loaded, split, rows)
    features = np.empty((0, 0))
    for done in feature_rows(folder, facts, loaded, rows, workers):
        if isinstance(done, Path):
            yield done
        else:
            features = done
    part, groups = split.part[rows], [split.groups[row] for row in rows]
    head = fitted(features, targets[rows], part == "train", part == split.judged, groups, about(loaded, split))
    write_attributes(folder, head)
    (folder / PART_FILE).unlink(missing_ok=True)
    yield head


def parts_for(folder: Path, facts: Mapping[str, Any], loaded: LoadedSet) -> Parts:
    """The model's own split where it was trained on these labels, else split 1 of the random rule, seed 0; the test part is held
    out, the validation part where there is no test part."""
    own = [row for row in facts["sets"] if row["labels_sha256"] == loaded.digest()]
    if own:
        frame, number = splits.read(folder / "splits" / f"{own[0]['name']}.csv"), int(facts["split"])
        words = f"the model's own split {number}"
    else:
        frame, number = splits.make([loaded], seed=0, n=1)[loaded.name], 1
        words = "split 1 of the random rule, seed 0"
    part = parts_of(loaded.table, frame, number, loaded.name)
    groups = with_groups(loaded.table, frame)["group"].astype(str).tolist()
    return Parts(part, groups, "test" if (part == "test").any() else "val", words)


def _targets(loaded: LoadedSet) -> Floats:
    """The five attributes `(N, 5)`, nan where the table says none. Raises DatasetFault for a set without them."""
    lacking = [name for name in ATTRIBUTES if name not in loaded.table.columns]
    if lacking:
        raise DatasetFault(
            f"{loaded.title} has no {lacking[0]}: SPAQ's folder was expected, whose table rates {len(ATTRIBUTES)} attributes"
        )
    return loaded.table[list(ATTRIBUTES)].to_numpy(np.float64)


def _check(loaded: LoadedSet, split: Parts, rows: NDArray[np.int64]) -> None:
    """Raise DatasetFault when a part has too few photos or groups to fit or to measure on."""
    for part in ("train", split.judged):
        inside = [split.groups[row] for row in rows if split.part[row] == part]
        if len(set(inside)) < LEAST:
            raise DatasetFault(
                f"{loaded.title} has {len(set(inside))} photos or groups with attributes in the part {part} ({split.words}): "
                f"{LEAST} or more were expected"
            )


def feature_rows(
    folder: Path, facts: Mapping[str, Any], loaded: LoadedSet, rows: NDArray[np.int64], workers: int | None = None
) -> Iterator[Path | Floats]:
    """The features of the rows' photos through scoring's own chain, several at a time; yields each path, then all `(N, F)`."""
    paths = [Path(loaded.table["path"].iloc[row]) for row in rows]
    key = _key(facts, loaded, rows)
    found = _kept(folder / PART_FILE, key)
    yield from paths[: len(found)]
    try:
        for path, values in zip(paths[len(found) :], _computed(paths[len(found) :], facts, workers), strict=True):
            found.append(values)
            if len(found) % KEEP_EVERY == 0:
                _keep(folder / PART_FILE, key, found)
            yield path
    finally:
        _keep(folder / PART_FILE, key, found)
    yield np.stack(found)


def _computed(paths: Sequence[Path], facts: Mapping[str, Any], workers: int | None) -> Iterator[Floats]:
    """Features in the order of the paths; at most twice as many photos as threads are in memory."""
    count = workers or min(8, os.cpu_count() or 1)
    waiting: deque[Future[Floats]] = deque()
    ahead = iter(paths)
    with ThreadPoolExecutor(count, thread_name_prefix="attributes") as pool:
        try:
            waiting.extend(pool.submit(_features, path, facts) for path in islice(ahead, 2 * count))
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(_features, path, facts) for path in islice(ahead, 1))
        finally:
            pool.shutdown(cancel_futures=True)


def _features(path: Path, facts: Mapping[str, Any]) -> Floats:
    return fault_features(chain.read(path, facts).working)


def _key(facts: Mapping[str, Any], loaded: LoadedSet, rows: NDArray[np.int64]) -> str:
    """What kept features must agree in: labels, photos in their order, chain, version."""
    files = loaded.table["file"].iloc[rows].tolist()
    words = [str(FORMAT), loaded.digest(), str(loaded.folder), str(facts["input"]["largest_side"]), *files]
    return sha256_bytes("\n".join(words).encode())


def _kept(path: Path, key: str) -> list[Floats]:
    """Features of an earlier call, none when there are none, they are of other photos or the file is broken."""
    try:
        with path.open("rb") as stream, np.load(stream) as held:
            return list(held["features"]) if str(held["key"]) == key else []
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return []


def _keep(path: Path, key: str, found: Sequence[Floats]) -> None:
    if found:
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, key=key, features=np.stack(found))


def fitted(
    features: Floats,
    targets: Floats,
    train: NDArray[np.bool_],
    held: NDArray[np.bool_],
    groups: Sequence[str],
    facts: dict[str, Any],
) -> AttributeHead:
    """A head from features `(N, F)` and attributes `(N, 5)` 0..100: fitted on the rows `train`, measured on the rows `held`.

    Each attribute's penalty is the one with the least squared error in five folds over the training rows' groups.
    """
    middle, spread = features[train].mean(axis=0), features[train].std(axis=0) + 1e-6
    rows = standardised(features, middle, spread)[:, :-1]
    fold = folds_of([group for group, use in zip(groups, train, strict=True) if use])
    weights, penalties = np.empty((rows.shape[1] + 1, len(ATTRIBUTES))), {}
    for column, name in enumerate(ATTRIBUTES):
        penalties[name] = best_penalty(rows[train], targets[train, column], fold)
        weights[:-1, column], weights[-1, column] = ridge(rows[train], targets[train, column], penalties[name])
    head = AttributeHead(middle, spread, weights, {})
    names = [group for group, use in zip(groups, held, strict=True) if use]
    measured = held_out(head.values(features[held]), targets[held], names)
    return AttributeHead(
        middle, spread, weights, {**facts, "train": int(train.sum()), "penalties": penalties, "held_out": measured}
    )


def folds_of(groups: Sequence[str]) -> NDArray[np.int64]:
    """The fold `(N,)` of each row, whole groups dealt to five folds at random, seed 0."""
    names, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    return np.asarray((np.random.default_rng(0).permutation(len(names)) % FOLDS)[codes], dtype=np.int64)


def best_penalty(rows: Floats, target: Floats, fold: NDArray[np.int64]) -> float:
    """The penalty with the least squared error on rows `(N, F)` of folds that the fit has not seen."""
    errors = []
    for penalty in PENALTIES:
        total = 0.0
        for number in range(FOLDS):
            out = fold == number
            beta, offset = ridge(rows[~out], target[~out], penalty)
            total += float(((rows[out] @ beta + offset - target[out]) ** 2).sum())
        errors.append(total)
    return PENALTIES[int(np.argmin(errors))]


def about(loaded: LoadedSet, split: Parts) -> dict[str, Any]:
    """The facts about a set and its split that a head keeps."""
    return {
        "set": {"name": loaded.name, "kind": loaded.facts.name, "title": loaded.title, "licence": loaded.facts.licence},
        "citation": loaded.facts.citation,
        "labels_sha256": loaded.digest(),
        "split": split.words,
        "part": split.judged,
        "groups": len({group for group, part in zip(split.groups, split.part, strict=True) if part == split.judged}),
    }
