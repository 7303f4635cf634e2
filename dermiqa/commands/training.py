"""Verbs of training: train, tables."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dermiqa.commands.common import counted, example, hint, is_quiet, json_option, say, say_json
from workspace.errors import MissingExtra, UsageFault, WorkspaceFault

if TYPE_CHECKING:
    from train.config import Config
    from train.parallel import World
    from train.run import Finished, Inputs
    from train.tensorboard import Board

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
PathType = click.Path(path_type=Path)


def settings_options(function: Decorated) -> Decorated:
    """Add the options that overrule a run's settings; each is None when it was not said."""
    whole = click.IntRange(1)
    options = [
        click.option("--model", help="b0, b3, b5, lite0, lite1, lite2 or any timm model (default: b0)."),
        click.option("--input", "input_size", type=click.IntRange(32, 2048), help="Input side in px (default: the model's own)."),
        click.option("--weights", help="auto, packaged, timm, none or a file (default: auto)."),
        click.option("--epochs", type=whole, help="Epochs (default: 20, the paper's)."),
        click.option("--batch", type=whole, help="Images at a time per process (default: 16)."),
        click.option("--accumulate", type=whole, help="Batches per optimiser step and process (default: 1)."),
        click.option("--lr", type=float, help="Peak learning rate (default: 2e-4, the paper's)."),
        click.option("--split", type=whole, help="Number of the split (default: 1)."),
        click.option("--resize", type=click.Choice(["shorter_side", "squash", "letterbox"]), help="How a photo becomes square."),
        click.option("--weighting", type=click.Choice(["union", "per_set", "none"]), help="Eq. 4 over all sets or within each."),
        click.option("--weight-cap", type=float, help="Upper bound of eq. 4's weights (default: none, the paper)."),
        click.option("--mixing", type=click.Choice(["concatenate", "balanced"]), help="How several sets are mixed."),
        click.option("--select", type=click.Choice(["best", "last"]), help="Which epoch's weights are reported."),
        click.option("--select-by", type=click.Choice(["mean", "pooled"]), help="What makes an epoch the best."),
        click.option("--head", type=click.Choice(["score", "distribution"]), help="One output, or ten levels (NIMA's way)."),
        click.option("--precision", type=click.Choice(["float32", "bfloat16"]), help="Autocast of the network."),
        click.option("--compile/--no-compile", "compile", default=None, help="torch.compile the network."),
        click.option("--leave-out-axis", help="Keep this distortion axis out of training; test on it."),
        click.option("--seed", type=click.IntRange(0), help="Seed of order, crops, head and dropout (default: 0)."),
        click.option("--workers", type=click.IntRange(0), help="Loader processes (default: 0)."),
        click.option("--device", help="auto, cpu or cuda."),
        click.option("--checkpoint-minutes", type=float, help="Minutes between checkpoints within an epoch (default: 5)."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def data_options(function: Decorated) -> Decorated:
    """Add where splits, roots and the cache are."""
    for option in reversed(
        [
            click.option("--splits", "splits_folder", type=PathType, help="Folder of split files, NAME.csv per set."),
            click.option("--cache-dir", type=PathType, help="Where decoded images are kept."),
        ]
    ):
        function = option(function)
    return function


@click.command(**example("dermiqa train exports/dermiqa --model lite0 --input 128 --out models/first"))
@click.argument("sets", nargs=-1, required=True, metavar="SETS...")
@click.option("--out", type=PathType, help="The run's folder (default: models/NAME of the workspace, or here).")
@click.option("--test", "tests", multiple=True, metavar="SET", help="Test on this set as well (may be said again).")
@click.option("--tensorboard", is_flag=True, help="Also write the figures for TensorBoard (if installed) into OUT/tensorboard.")
@click.option("--config", "config_file", type=PathType, help="A TOML file of settings; options overrule it.")
@settings_options
@data_options
@json_option
def train(
    sets: tuple[str, ...], out: Path | None, tests: tuple[str, ...], tensorboard: bool, config_file: Path | None,
    splits_folder: Path | None, cache_dir: Path | None, as_json: bool, **said: Any,
) -> None:  # fmt: skip
    """Train a quality model on SETS: NAME, NAME=FOLDER, or the folder of a dermiqa export.

    A stopped run goes on where it stopped; a finished one is given back. Under torchrun it uses every process.
    """
    require_training()
    from train.config import make
    from train.parallel import end
    from train.roots import read_roots
    from train.sources import gather, parse
    from train.splits import Rule

    roots = read_roots()
    trained, tested = [parse(text, roots) for text in sets], [parse(text, roots) for text in tests]
    values = {**_settings(config_file), **{key: value for key, value in said.items() if value is not None}}
    config = make({**values, "sets": [source.name for source in trained]}, str(config_file or "the options"))
    inputs = gather(trained, tested, Rule(), seed=0, n=max(5, config.split), folder=splits_folder)
    folder = out or models_folder() / f"{config.model}-{'-'.join(config.sets)}-split{config.split}"
    done, world = trained_in(folder, config, inputs, cache_dir, tensorboard)
    if world.first:
        _say_run(done, as_json)
    end(world, 0)


def trained_in(
    folder: Path, config: Config, inputs: Inputs, cache_dir: Path | None, tensorboard: bool = False
) -> tuple[Finished, World]:
    """A run in `folder`, trained to its end behind a bar from wherever it stands, and this process's world."""
    from train.parallel import join, leave
    from train.run import run
    from train.tensorboard import Board

    world = join(config.device)
    board = Board(folder) if tensorboard and world.first else None
    try:
        return _followed(run(config, inputs, folder, cache_dir, world, counted("cache")), world.first, board), world
    finally:
        leave(world)


def require_training() -> None:
    """Raise MissingExtra where the parts that training needs are not installed, before anything else is looked at."""
    from importlib.util import find_spec

    for name in ("torch", "timm", "safetensors"):
        if find_spec(name) is None:
            raise MissingExtra(name, "train")


def _settings(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageFault(f"{path} is not there: a TOML file of settings was expected") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{path} is not valid TOML: {fault}") from None


def models_folder() -> Path:
    """Where runs lie: the workspace's models/, outside a workspace models/ here."""
    from dermiqa.commands.common import current_workspace

    try:
        return current_workspace(None).models
    except WorkspaceFault:
        return Path("models")


def _followed(events: Iterator[Any], first: bool, board: Board | None) -> Finished:
    """Run to the end behind a progress bar over the steps, telling the board; gives the last event."""
    from tqdm import tqdm

    from train.fit import Epoch, Step

    progress: Any = tqdm(total=0, desc="train     ", unit="step", disable=is_quiet() or not first, ncols=100, mininterval=0.2)
    done: Any = None
    for event in events:
        if board:
            board.add(event)
        if isinstance(event, Step):
            progress.total = event.total
            progress.n = event.number
            progress.set_postfix_str(f"epoch {event.epoch + 1} loss {event.loss:.3f}", refresh=False)
            progress.update(0)
        elif isinstance(event, Epoch):
            values = [f"{k.removeprefix('val_')} {v:.3f}" for k, v in event.row.items() if k.startswith("val_plcc")]
            progress.write(
                f"epoch {event.number:>3}: loss {event.row['train_loss']:.4f}  {'  '.join(values)}", file=sys.stderr
            ) if not progress.disable else None
        else:
            done = event
    progress.close()
    if board:
        board.close()
    found: Finished = done
    return found


def _say_run(done: Finished, as_json: bool) -> None:
    from dermiqa.commands.common import say_table
    from train.card import number

    if as_json:
        say_json({"folder": str(done.folder), **done.results})
        return
    rows = [
        (done.results["titles"][name], part, found[part]["n"], *(number(found[part][key]) for key in ("plcc", "srocc", "rmse")))
        for name, found in done.results["sets"].items()
        for part in ("train", "val", "test")
        if part in found
    ]
    say_table(rows, ("set", "part", "images", "PLCC", "SROCC", "RMSE"))
    if done.results["simulated"]:
        say("votes: SIMULATED; these figures say nothing about what people see")
    say(f"{done.folder} (epoch {done.results['reported_epoch']} of {done.results['epochs']})")
    hint(f"next: dermiqa score PHOTOS --model {done.folder}")


@click.command(**example("dermiqa tables models/ --out reports/tables"))
@click.argument("runs", nargs=-1, type=PathType)
@click.option("--out", type=PathType, help="Write CSV, Markdown, LaTeX, HTML and the figures here (default: reports/tables).")
@click.option("--paper", is_flag=True, help="Print the paper's own figures below, as another set's.")
@json_option
def tables(runs: tuple[Path, ...], out: Path | None, paper: bool, as_json: bool) -> None:
    """Print tables 3 and 4 of what is finished in RUNS (default: the workspace's models) and write them in every form."""
    from train.figures import draw_all
    from train.published import published
    from train.table_forms import csv_rows, markdown, write_all
    from train.tables import find_runs
    from train.tables import tables as made

    found = find_runs(runs or [models_folder()])
    both = made(found)
    folder = out or models_folder().parent / "reports" / "tables"
    written = write_all(both, folder) + draw_all(found, folder)
    if as_json:
        say_json({"folder": str(folder), "runs": len(found), "cells": [row for table in both for row in csv_rows(table)]})
        return
    for table in [*both, *(published() if paper else ())]:
        say(markdown(table))
    say(f"{len(found)} finished runs; {len(written)} files in {folder}")
