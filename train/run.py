"""One run from settings to a finished folder: read the sets, train, predict, measure, write the model and its card."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from train import run_folder as folder_of
from train.bounds import bounds
from train.card import card_text
from train.config import Config
from train.datasets.base import LoadedSet
from train.equip import equip
from train.evaluate import KINDS, collapsed, set_results
from train.fit import CHECKPOINT, Epoch, Step, Trainer, predict
from train.material import Material, Member, join, parts_of, with_groups, without_axis
from train.model import Shape, build, native_input, short_name
from train.parallel import World, from_first, in_turn
from train.splits import frame_hash
from workspace.files import lock, write_json, write_text

if TYPE_CHECKING:
    from train.cache import Cache

PRINTED = ("resize", "weighting", "weight_cap", "mixing", "select", "select_by", "epochs", "batch", "accumulate", "lr")
NOTICE = "Research use only; not a medical device; not for diagnosis or for refusing a patient's photo."
Building = Callable[[str, int, int], None]
"""Told `(set's title, images cached, images to cache)` while a cache is built."""
SIMULATED = "Trained on simulated votes: its scores say nothing about what people see."


@dataclass(frozen=True)
class Inputs:
    """The sets of a run by name, their split frames, and the names that are tested without being trained on."""

    loaded: Mapping[str, LoadedSet]
    splits: Mapping[str, pd.DataFrame]
    tested: Sequence[str] = ()

    def hashes(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """What identifies each set's labels and splits."""
        return {
            name: {
                "labels": self.loaded[name].digest(),
                "splits": frame_hash(self.splits[name]),
                "scale": self.loaded[name].scale,
            }
            for name in names
        }


@dataclass(frozen=True)
class Finished:
    """A run that is done, and what it measured."""

    folder: Path
    results: dict[str, Any]


def members(
    inputs: Inputs, names: Sequence[str], config: Config, size: int, cache_dir: Path | None, world: World,
    building: Building | None = None,
) -> list[Member]:  # fmt: skip
    """The named sets with their cached views, parts and labels; `building` is told how far a cache is that must be built."""
    from train.cache import open_cache

    def opened(loaded: LoadedSet) -> Cache:
        told = partial(building, loaded.title) if building else None
        return open_cache(loaded, size, config.resize, cache_dir, progress=told)

    found = []
    for name in names:
        loaded = inputs.loaded[name]
        part = parts_of(loaded.table, inputs.splits[name], config.split, name)
        if config.leave_out_axis and name in config.sets:
            part = without_axis(loaded.table, part, config.leave_out_axis, name)
        cache = in_turn(world, partial(opened, loaded))
        table = with_groups(loaded.table, inputs.splits[name])
        found.append(Member(name, loaded.title, table, part, cache, loaded.simulated))
    return found


def run(
    config: Config, inputs: Inputs, out: Path, cache_dir: Path | None, world: World, building: Building | None = None
) -> Iterator[Step | Epoch | Finished]:
    """Train in `out`, going on where an earlier call stopped; a finished folder is given back as it is.

    Raises ModelFault (other settings in the folder, no weights, loss not finite), DatasetFault, UsageFault, WorkspaceFault (locked).
    """
    tested = [name for name in inputs.tested if name not in config.sets]
    if world.first:
        folder_of.open_folder(out, config, inputs.hashes(list(config.sets)))
    if folder_of.finished(out):
        yield Finished(out, folder_of.read_json(out / folder_of.RESULTS, "a finished run"))
        return
    with lock(out, f"run{world.rank}", doing="training"):
        trainer, origin = trainer_for(config, inputs, tested, out, cache_dir, world, building)
        yield from _train(trainer, origin, inputs, out)


def _train(trainer: Trainer, origin: Mapping[str, str], inputs: Inputs, out: Path) -> Iterator[Step | Epoch | Finished]:
    config, world = trainer.config, trainer.world
    if world.first and not (out / folder_of.RECORD).is_file():
        _write_beginning(config, inputs, out, world, origin)
    for event in trainer.run():
        if isinstance(event, Epoch):
            if world.first:
                _write_epoch(trainer, event, out)
            trainer.keep()
        yield event
    yield _finish(trainer, inputs, out)


def trainer_for(
    config: Config, inputs: Inputs, tested: Sequence[str], out: Path, cache_dir: Path | None, world: World,
    building: Building | None = None,
) -> tuple[Trainer, dict[str, str]]:  # fmt: skip
    """A trainer of this run (going on from the checkpoint in `out`, if any) and the origin of its backbone's weights."""
    size = config.input_size or native_input(config.model)
    trained = members(inputs, config.sets, config, size, cache_dir, world, building)
    material = join(trained, members(inputs, tested, config, size, cache_dir, world, building), config)
    model, shape, origin = build(
        config.model, weights=config.weights, input_size=size, hidden=config.hidden, dropout=config.dropout,
        dropout_place=config.dropout_place, head=config.head, seed=config.seed,
    )  # fmt: skip
    return Trainer(model, shape, material, config, out, world), origin


def _write_beginning(config: Config, inputs: Inputs, out: Path, world: World, origin: Mapping[str, str]) -> None:
    for name in config.sets:
        folder_of.write_split(out, name, inputs.splits[name].to_csv(index=False, lineterminator="\n"))
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    folder_of.write_record(out, str(world.device), world.size, origin, started)


def _write_epoch(trainer: Trainer, event: Epoch, out: Path) -> None:
    """Weights first, then the table: a kill in between repeats the epoch and writes the same bytes."""
    if event.best:
        folder_of.write_weights(out / folder_of.BEST, trainer.model)
    if event.number == trainer.config.epochs:
        folder_of.write_weights(out / folder_of.LAST, trainer.model)
    folder_of.write_metrics(out, trainer.progress.rows)


def _finish(trainer: Trainer, inputs: Inputs, out: Path) -> Finished:
    """Predict with the reported weights, measure, and write model.json, the card and results.json (last)."""
    config, world, material = trainer.config, trainer.world, trainer.material
    reported = folder_of.LAST if config.select == "last" else folder_of.BEST
    folder_of.read_weights(out / reported, trainer.model)
    frames = [_predicted(trainer, member, number < material.trained) for number, member in enumerate(material.members)]
    results: dict[str, Any] = {}
    if world.first:
        predictions = pd.concat(frames, ignore_index=True)
        results = _results(trainer, predictions, inputs)
        write_text(out / folder_of.PREDICTIONS, predictions.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
        facts = model_facts(trainer, inputs, material, results, reported, out)
        folder_of.write_model(out, facts)
        write_text(out / folder_of.CARD, card_text(facts, results))
        equip(out, trainer.model, material, world.device)
        write_json(out / folder_of.RESULTS, results)
        (out / CHECKPOINT).unlink(missing_ok=True)
    return Finished(out, from_first(world, results))


def row_name(config: Config, shape: Shape) -> str:
    """The model's name in tables; with its input size where that is not the model's own."""
    name = short_name(shape.backbone) + (" (distribution)" if config.head == "distribution" else "")
    return name if shape.input_size == native_input(shape.backbone) else f"{name} at {shape.input_size}"


def row_label(config: Config, inputs: Inputs) -> str:
    """The training sets' name in tables."""
    label = config.label or " + ".join(inputs.loaded[name].title for name in config.sets)
    return f"{label} without {config.leave_out_axis}" if config.leave_out_axis else label


def _predicted(trainer: Trainer, member: Member, trained: bool) -> pd.DataFrame:
    """Outputs of a set's rows: all parts of a training set, the test part of one that is only tested."""
    wanted = ("train", "val", "test") if trained else ("test",)
    rows = np.flatnonzero(np.isin(member.part, wanted))
    output = predict(trainer.model, member, rows, trainer.config, trainer.world)
    labels = [c for c in ("content", *KINDS) if c in member.table.columns]
    frame = member.table.iloc[rows][["file", "group", "score10", *labels]].reset_index(drop=True)
    frame.insert(0, "set", member.name)
    frame.insert(2, "part", member.part[rows])
    frame.insert(5, "output", output)
    return frame


def _results(trainer: Trainer, predictions: pd.DataFrame, inputs: Inputs) -> dict[str, Any]:
    """Measures per set with its floors and ceilings; whether the run collapsed by its own validation parts."""
    config = trainer.config
    sets = {}
    for member in trainer.material.members:
        frame = predictions[predictions["set"] == member.name].dropna(axis=1, how="all")
        if config.leave_out_axis and member.name in config.sets:
            frame = frame[(frame["part"] != "test") | (frame["axis"] == config.leave_out_axis)]
        sets[member.name] = set_results(frame, seed=config.seed)
        votes = inputs.loaded[member.name].root / "votes.csv"
        sets[member.name]["bounds"] = bounds(member.table, member.part, votes, config.seed)
    validated = [found["val"] for name, found in sets.items() if name in trainer.config.sets and "val" in found]
    return {
        "row": {"model": row_name(config, trainer.shape), "training": row_label(config, inputs), "kind": "model"},
        "split": config.split,
        "left_out": config.leave_out_axis,
        "input_size": trainer.shape.input_size,
        "settings": {key: getattr(config, key) for key in PRINTED},
        "reported_epoch": trainer.config.epochs if trainer.config.select == "last" else trainer.progress.best_epoch,
        "epochs": trainer.config.epochs,
        "seconds": round(sum(row["seconds"] for row in trainer.progress.rows), 1),
        "collapsed": bool(validated) and all(collapsed(found) for found in validated),
        "simulated": any(member.simulated for member in trainer.material.training),
        "titles": {member.name: member.title for member in trainer.material.members},
        "kinds": {member.name: inputs.loaded[member.name].facts.name for member in trainer.material.members},
        "sets": sets,
    }


def model_facts(
    trainer: Trainer, inputs: Inputs, material: Material, results: Mapping[str, Any], weights: str, out: Path
) -> dict[str, Any]:
    """What scoring and a reader of the model need: shape, input chain, sets, splits, whether votes were simulated."""
    from train.chain import largest_side

    config, shape = trainer.config, trainer.shape
    sets = []
    for member in material.training:
        loaded = inputs.loaded[member.name]
        counts = {part: int(np.sum(member.part == part)) for part in ("train", "val", "test")}
        sets.append(
            {
                "name": member.name,
                "kind": loaded.facts.name,
                "title": member.title,
                "images": counts,
                "scale": loaded.scale,
                "range": [loaded.low, loaded.high],
                "simulated": member.simulated,
                "licence": loaded.facts.licence,
                "citation": loaded.facts.citation,
                "labels_sha256": loaded.digest(),
                "splits_sha256": frame_hash(inputs.splits[member.name]),
            }
        )
    simulated = bool(results["simulated"])
    side = largest_side([path for m in material.training for path in inputs.loaded[m.name].table["path"].iloc[m.rows("train")]])
    return {
        "name": out.name, "weights": weights, "shape": shape.as_dict(), "scale": [1, 10], "higher_is_better": True,
        "input": {"size": shape.input_size, "resize": config.resize, "largest_side": side, "mean": shape.mean, "std": shape.std},
        "sets": sets, "split": config.split, "simulated_votes": simulated, "config": config.as_dict(),
        "reported_epoch": results["reported_epoch"],
        "backbone_weights": folder_of.read_json(out / folder_of.RECORD, "a run")["backbone_weights"],
        "notices": [NOTICE, *([SIMULATED] if simulated else [])],
    }  # fmt: skip
