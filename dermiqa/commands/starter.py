"""The verb model train-starter: a small model with interval, range, faults and ONNX in one go."""

from __future__ import annotations

from pathlib import Path

import click

from dermiqa.commands.common import example, hint, json_option, say, say_json, say_table
from dermiqa.commands.models import PathType


@click.command("train-starter", **example("dermiqa model train-starter koniq10k exports/dermiqa --out models/starter"))
@click.argument("sets", nargs=-1, required=True, metavar="SETS...")
@click.option("--out", type=PathType, default=Path("models/starter"), show_default=True, help="The model's folder.")
@click.option("--photos", type=PathType, help="Good photos to make faults on (default: the photographs that ship).")
@click.option("--model", "backbone", default="lite0", show_default=True, help="Backbone, as for `dermiqa train`.")
@click.option("--input", "input_size", type=click.IntRange(32, 2048), help="Input side in px (default: the model's own).")
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True, help="Epochs.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Images at a time.")
@click.option("--cache-dir", type=PathType, help="Where decoded images are kept.")
@json_option
@click.pass_context
def train_starter(
    ctx: click.Context, sets: tuple[str, ...], out: Path, photos: Path | None, backbone: str, input_size: int | None, epochs: int,
    batch: int, cache_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Build a small model from the rated SETS at hand: train, export as ONNX, teach faults on graded photos; say who may have it.

    A stopped build goes on where it stopped. No weights ship with the program: every model is built from sets that you hold.
    """
    from dermiqa.commands.advice import teach
    from dermiqa.commands.training import train
    from train.onnx import export
    from train.run_folder import read_model
    from train.shipping import shipping

    words = [*sets, "--out", str(out), "--model", backbone, "--epochs", str(epochs), "--batch", str(batch), "--weight-cap", "10"]
    words += ["--input", str(input_size)] if input_size else []
    words += ["--cache-dir", str(cache_dir)] if cache_dir else []
    with train.make_context("train", words, parent=ctx) as inner:
        train.invoke(inner)
    _, gap = export(out)
    head = teach(out, (photos,) if photos else (), 11, 0)
    rows = shipping(read_model(out)["sets"])
    if as_json:
        ship = [{"set": title, "open": free, "why": why} for title, free, why in rows]
        say_json({"folder": str(out), "largest_difference": gap, "faults": head.facts["held_out"], "passing_on": ship})
        return
    say_table([(title, "yes" if free else "no", why) for title, free, why in rows], ("set", "may be passed on", "why"))
    say(f"{out} is whole: weights, model.onnx, interval, range, faults, card")
    hint(f"next: dermiqa diagnose PHOTOS --model {out}")
