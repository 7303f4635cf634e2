"""Verb model range: the range check of a model that is trained already."""

from __future__ import annotations

from pathlib import Path

import click

from dermiqa.commands.common import counted, example, json_option, say, say_json
from dermiqa.commands.models import MODEL, PathType
from dermiqa.commands.training import require_training


@click.command("range", **example("dermiqa model range exports/dermiqa --model models/first"))
@click.argument("sets", nargs=-1, required=True, metavar="SETS...")
@MODEL
@click.option("--cache-dir", type=PathType, help="Where decoded images are kept.")
@json_option
def model_range(sets: tuple[str, ...], model_folder: Path, cache_dir: Path | None, as_json: bool) -> None:
    """Make the range check anew from the SETS that the model was trained on, as for `dermiqa train`.

    Splits come from the model's folder. Its model.onnx, if any, is written anew as well. Nothing is trained.
    """
    require_training()
    from train.range_again import range_again
    from train.roots import read_roots
    from train.run_folder import read_model
    from train.sources import gather, parse
    from train.splits import Rule

    read_model(model_folder)
    sources = [parse(text, read_roots()) for text in sets]
    inputs = gather(sources, [], Rule(), seed=0, n=1, folder=model_folder / "splits")
    found = range_again(model_folder, inputs, cache_dir, counted("cache"))
    if as_json:
        say_json({"folder": str(model_folder), "images": found.images, "limit": found.limit})
    else:
        say(f"{model_folder / 'range.npz'}: {found.images} training images, each as it is and with faults made by formula")
