"""Verbs of a model in use: score, model export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dermiqa.commands.common import bar, example, hint, json_option, say, say_json, say_table

MODEL = click.option("--model", "model_folder", type=click.Path(path_type=Path), required=True, help="The model's folder.")


@click.command(**example("dermiqa score photos/ --model models/first"))
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@MODEL
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write file,score,raw,fault here as well.")
@click.option("--batch", type=click.IntRange(1, 1024), default=16, show_default=True, help="Photos at a time.")
@click.option("--engine", type=click.Choice(["auto", "onnxruntime", "torch"]), default="auto", show_default=True)
@json_option
def score(photos: tuple[Path, ...], model_folder: Path, csv_file: Path | None, batch: int, engine: str, as_json: bool) -> int:
    """Score PHOTOS (files or folders) from 1, poor, to 10, excellent; broken photos are listed, exit 1."""
    from train.chain import describe
    from train.scoring import open_model, photos_in
    from workspace.files import write_rows

    files = photos_in(photos)
    scorer = open_model(model_folder, engine)
    found = list(bar(scorer.score_files(files, batch), total=len(files), what="score", unit="photo"))
    faults = [item for item in found if item.fault]
    for item in faults:
        click.echo(f"dermiqa: {item.fault}", err=True)
    rows: list[dict[str, Any]] = [vars(item) for item in found]
    if csv_file:
        write_rows(csv_file, rows, ["file", "score", "raw", "fault"])
    if as_json:
        about = {"model": str(model_folder), "engine": scorer.engine, "chain": describe(scorer.facts)}
        say_json({**about, "simulated_votes": scorer.simulated, "notices": scorer.notices, "photos": rows})
        return 1 if faults else 0
    say_table([(item.file, f"{item.score:.2f}") for item in found if item.score is not None], ("photo", "score"))
    for notice in scorer.notices:
        say(notice)
    hint(f"{scorer.engine}: {describe(scorer.facts)}")
    return 1 if faults else 0


@click.group(**example("dermiqa model export --model models/first"))
def model() -> None:
    """Work on a model folder."""


@model.command(name="export", **example("dermiqa model export --model models/first"))
@MODEL
@click.option("--onnx", is_flag=True, default=True, help="As ONNX (the only form so far).")
@json_option
def export(model_folder: Path, onnx: bool, as_json: bool) -> None:
    """Write model.onnx into the model's folder, checked against torch within 1e-4; then scoring needs no torch."""
    from train.onnx import export as write_onnx

    path, gap = write_onnx(model_folder)
    if as_json:
        say_json({"file": str(path), "largest_difference": gap, "bytes": path.stat().st_size})
    else:
        say(f"{path} ({path.stat().st_size / 1e6:.1f} MB), differs from torch by at most {gap:.1e}")
