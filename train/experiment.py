"""The matrix of models x training sets x splits: planned from one TOML, done run by run, by one machine or several."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train import splits
from train.claims import beating, claim, holder, sweep
from train.config import Config, make
from train.datasets import facts
from train.parallel import World, from_first
from train.roots import Root
from train.run import Building, Finished, Inputs, run
from train.run_folder import finished
from train.splits import Rule
from workspace.errors import DermiqaError, UsageFault, nearest
from workspace.files import lock

KEYS = ("name", "sets", "training", "models", "inputs", "splits", "splits_seed", "splits_rule", "train", "by_model", "seed")
ALL = "all"
SHIPPED = Path(__file__).with_name("paper.toml")


@dataclass(frozen=True)
class Planned:
    """One run of the matrix: `key` names its folder."""

    key: str
    config: Config


@dataclass(frozen=True)
class Experiment:
    """A read configuration. `sets` are tested (and trained on where `training` says so); `training` maps a label to set names."""

    name: str
    sets: tuple[str, ...]
    training: Mapping[str, tuple[str, ...]]
    models: tuple[str, ...]
    inputs: tuple[int | None, ...]
    splits: int
    splits_seed: int
    rule: Rule
    settings: Mapping[str, Any] = field(default_factory=dict)
    by_model: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def runs(self) -> list[Planned]:
        """Every run: split by split, so that early tables cover all models; within a split small models first."""
        planned = []
        for split in range(1, self.splits + 1):
            for model in self.models:
                for size in self.inputs:
                    for label, names in self.training.items():
                        planned.append(self._run(model, size, label, names, split))
        return planned

    def _run(self, model: str, size: int | None, label: str, names: tuple[str, ...], split: int) -> Planned:
        values = {**self.settings, **self.by_model.get(model, {})}
        if size is not None:
            values["input_size"] = size
        shown = "All" if label == ALL else None
        config = make({**values, "model": model, "sets": names, "split": split, "label": shown}, f"experiment {self.name}")
        key = "-".join([model, *([str(size)] if size else []), label, f"split{split}"])
        return Planned(key, config)


@dataclass(frozen=True)
class Skipped:
    """A run that another process is doing, or that failed with `fault`."""

    key: str
    holder: str = ""
    fault: str = ""


def read_experiment(path: Path) -> Experiment:
    """Read a configuration. Raises UsageFault naming the key, what was found and what was expected."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageFault(f"{path} is not there: a TOML file was expected (the paper's ships as `paper`)") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{path} is not valid TOML: {fault}") from None
    for key in table:
        if key not in KEYS:
            raise UsageFault(f"{path} has an unknown key {key!r}{nearest(key, list(KEYS))}")
    for key in ("sets", "training", "models"):
        if not isinstance(table.get(key), list) or not table[key]:
            raise UsageFault(f"{path}: {key} is {table.get(key)!r}, a list with at least one entry was expected")
    made = Experiment(
        name=str(table.get("name", path.stem)), sets=tuple(table["sets"]), training=_training(path, table),
        models=tuple(table["models"]), inputs=tuple(table.get("inputs", [None])), splits=int(table.get("splits", 5)),
        splits_seed=int(table.get("splits_seed", 0)), rule=splits.rule_from(table.get("splits_rule", {})),
        settings=table.get("train", {}), by_model=table.get("by_model", {}),
    )  # fmt: skip
    for model in made.by_model:
        if model not in made.models:
            raise UsageFault(f"{path}: [by_model.{model}] is for none of the models {', '.join(made.models)}")
    made.runs()
    return made


def _training(path: Path, table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Label -> set names: an entry is a set, `all` (every set that may be trained on) or a list of sets."""
    sets = list(table["sets"])
    found: dict[str, tuple[str, ...]] = {}
    for entry in table["training"]:
        names = entry if isinstance(entry, list) else [entry]
        for name in names:
            if name != ALL and name not in sets:
                raise UsageFault(f"{path}: training names {name!r}{nearest(str(name), sets)}, which is not among sets")
        if names == [ALL]:
            found[ALL] = tuple(sets)
        else:
            found["+".join(names)] = tuple(names)
    return found


def without_test_only(made: Experiment, kinds: Mapping[str, str]) -> Experiment:
    """The experiment with `all` reduced to the sets that may be trained on (LIVE In the Wild is test alone).

    `kinds` maps a set's name to its reader. Raises UsageFault when a training entry names a test-only set.
    """

    def trainable(name: str) -> bool:
        return made.rule.roles.get(name, facts(kinds[name]).role) not in ("test", splits.UNUSED)

    training: dict[str, tuple[str, ...]] = {}
    for label, names in made.training.items():
        kept = tuple(name for name in names if trainable(name))
        if label != ALL and kept != names:
            lost = next(name for name in names if name not in kept)
            raise UsageFault(f"experiment {made.name}: {lost} is a test set alone (its role), so it can't be trained on")
        training[label] = kept
    return Experiment(**{**vars(made), "training": training})


def inputs_of(made: Experiment, roots: Sequence[Root], out: Path) -> Inputs:
    """All sets, with splits that are made once and kept in `out/splits`."""
    loaded = {root.name: root.load() for root in roots}
    folder = out / "splits"
    with lock(out, "splits", wait=600.0, doing="making splits"):
        missing = [item for name, item in loaded.items() if not (folder / f"{name}.csv").is_file()]
        if missing:
            frames = splits.make(missing, made.rule, seed=made.splits_seed, n=made.splits)
            about = {"experiment": made.name, "seed": made.splits_seed, "rule": made.rule.kind, "splits": made.splits}
            splits.save(frames, folder, about)
    return Inputs(loaded, {name: splits.read(folder / f"{name}.csv") for name in loaded}, list(made.sets))


def run_all(
    made: Experiment, inputs: Inputs, out: Path, cache_dir: Path | None, world: World, building: Building | None = None
) -> Iterator[tuple[Planned, Any]]:
    """Do every run that is not finished and that no other process is doing; yields (run, event).

    Events are those of `train.run.run`, and `Skipped` for a run that another process holds or that failed (the others go on).
    Start it again, or on another machine with the same folder, to share the rest.
    """
    for planned in made.runs():
        folder = out / "runs" / planned.key
        if from_first(world, finished(folder)):
            if world.first:
                sweep(out / "claims" / planned.key)
            continue
        held = claim(out / "claims" / planned.key) if world.first else None
        if not from_first(world, held is not None):
            yield planned, Skipped(planned.key, holder(out / "claims" / planned.key) or "another process")
            continue
        try:
            with beating(held) if held is not None else nullcontext():
                for event in run(planned.config, inputs, folder, cache_dir, world, building):
                    yield planned, event
        except DermiqaError as fault:
            if world.size > 1:
                raise
            yield planned, Skipped(planned.key, fault=str(fault))


def state(made: Experiment, out: Path) -> dict[str, list[str]]:
    """The keys of finished, claimed and open runs."""
    found: dict[str, list[str]] = {"finished": [], "claimed": [], "open": []}
    for planned in made.runs():
        if finished(out / "runs" / planned.key):
            found["finished"].append(planned.key)
        elif (out / "claims" / planned.key).exists():
            found["claimed"].append(planned.key)
        else:
            found["open"].append(planned.key)
    return found


__all__ = ["ALL", "SHIPPED", "Experiment", "Finished", "Planned", "Skipped", "inputs_of", "read_experiment", "run_all", "state"]
