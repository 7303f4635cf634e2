"""Verb of measuring: evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dermiqa.commands.common import bar, example, json_option, say_json
from dermiqa.commands.training import PathType, models_folder


@click.command(**example("dermiqa evaluate models/ --compare"))
@click.argument("runs", nargs=-1, type=PathType)
@click.option("--predictions", type=PathType, help="Measure another model's outputs: a CSV file,score[,split].")
@click.option("--set", "set_name", metavar="SET", help="The set that --predictions is about.")
@click.option("--name", default="other model", show_default=True, help="The other model's name in tables.")
@click.option("--trained-on", default="", help="What the other model was trained on, for tables.")
@click.option("--splits", "splits_folder", type=PathType, help="Folder of split files, NAME.csv per set.")
@click.option("--baselines", metavar="SET", help="Fit and measure the baselines on this set's splits.")
@click.option("--out", type=PathType, help="Where --predictions and --baselines leave their folders (default: models/).")
@click.option("--compare", is_flag=True, help="Paired tests between the models of RUNS.")
@click.option("--by", is_flag=True, help="Results per variant, axis, level, source, subject, skin tone.")
@json_option
def evaluate(
    runs: tuple[Path, ...], predictions: Path | None, set_name: str | None, name: str, trained_on: str, splits_folder: Path | None,
    baselines: str | None, out: Path | None, compare: bool, by: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure finished RUNS with intervals; or another model's predictions, or the baselines, into the same tables."""
    from dermiqa.commands.results import say_comparison, say_results
    from train.compare import compare_all
    from train.tables import find_runs
    from workspace.errors import UsageFault

    places: Sequence[Path] = runs or [models_folder()]
    if predictions:
        if not set_name:
            raise UsageFault("--predictions needs --set SET: which images are these outputs of?")
        places = _measured(predictions, set_name, {"model": name, "training": trained_on, "kind": "external"}, splits_folder, out)
    elif baselines:
        places = _baselines(baselines, splits_folder, out)
    found = find_runs(places)
    if as_json:
        say_json(compare_all(found) if compare else found)
    elif compare:
        say_comparison(compare_all(found))
    else:
        say_results(found, by)


def _one_set(text: str, splits_folder: Path | None) -> tuple[Any, Any]:
    """The set that is meant and its split frame (five random splits by group where no folder is given)."""
    from train.roots import read_roots
    from train.sources import gather, parse
    from train.splits import Rule

    root = parse(text, read_roots())
    inputs = gather([root], [], Rule(), seed=0, n=5, folder=splits_folder)
    return inputs.loaded[root.name], inputs.splits[root.name]


def _measured(path: Path, text: str, row: dict[str, str], splits_folder: Path | None, out: Path | None) -> list[Path]:
    from train.outside import measure, read_predictions, split_numbers, write

    frame = read_predictions(path)
    loaded, split = _one_set(text, splits_folder)
    place = (out or models_folder()) / row["model"].replace(" ", "-").replace("/", "-")
    for number in split_numbers(frame, split):
        results, kept = measure(frame, loaded, split, number, row, str(path))
        write(place / f"split{number}", results, kept, f"Outputs of another model, read from {path.name}.")
    return [place]


def _baselines(text: str, splits_folder: Path | None, out: Path | None) -> list[Path]:
    from train.baselines import run_baselines

    loaded, split = _one_set(text, splits_folder)
    place = (out or models_folder()) / "baselines"
    work = run_baselines(loaded, split, place)
    list(bar(work, total=None, what="baselines", unit="fit"))
    return [place]
