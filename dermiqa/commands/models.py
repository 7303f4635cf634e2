"""Verbs of a model in use: score, model export."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.cli import LazyGroup
from dermiqa.commands.common import bar, example, hint, json_option, say, say_json, say_table
from dermiqa.commands.outputs import check_files

if TYPE_CHECKING:
    from train.scoring import Score, Scorer, Wanted


class _Named(click.Path):
    """A path; an empty text is no name, and not the folder that one is in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. An empty text is a fault of usage."""
        if not str(value):
            self.fail("an empty name was given: name a file or a folder", param, ctx)
        return super().convert(value, param, ctx)


PathType = _Named(path_type=Path)
MODEL = click.option("--model", "model_folder", type=PathType, required=True, help="The model's folder.")
ENGINE = click.option("--engine", type=click.Choice(["auto", "onnxruntime", "torch"]), default="auto", show_default=True)
MODEL_VERBS = {
    "export": ("dermiqa.commands.models:export", "Write the network as ONNX into the folder."),
    "range": ("dermiqa.commands.model_range:model_range", "Make its range check again."),
    "faults": ("dermiqa.commands.advice:faults", "Teach it what is wrong with photos."),
    "attributes": ("dermiqa.commands.attributes:attributes", "Teach it SPAQ's five attributes."),
    "train-starter": ("dermiqa.commands.starter:train_starter", "Build a small model from the sets at hand."),
}


@click.command(**example("dermiqa score photos/ --model models/first --html scores.html"))
@click.argument("photos", nargs=-1, required=True, type=PathType)
@MODEL
@click.option("--csv", "csv_file", type=PathType, help="Write the rows here as well; the file is there once all are scored.")
@click.option("--html", "html_file", type=PathType, help="Write a page here: thumbnails, the lowest score first.")
@click.option("--full-size", is_flag=True, help="Measure the sharpness of tiles at native size too.")
@click.option("--flags/--no-flags", default=True, show_default=True, help="Judge photos by prepare's table of flags.")
@click.option("--faults/--no-faults", default=True, show_default=True, help="Say what is wrong, where the model can.")
@click.option("--attributes/--no-attributes", default=True, show_default=True, help="Give SPAQ's five, where the model can.")
@click.option("--batch", type=click.IntRange(1, 1024), default=16, show_default=True, help="Photos at a time.")
@ENGINE
@json_option
def score(
    photos: tuple[Path, ...], model_folder: Path, csv_file: Path | None, html_file: Path | None, full_size: bool, flags: bool,
    faults: bool, attributes: bool, batch: int, engine: str, as_json: bool,
) -> int:  # fmt: skip
    """Score PHOTOS (files or folders) from 1, poor, to 10, excellent; broken photos are listed, exit 1."""
    from train.score_page import write_page
    from train.scoring import Wanted, open_model, photos_in

    files = photos_in(photos)
    check_files({"--csv": csv_file, "--html": html_file}, files)
    scorer = open_model(model_folder, engine)
    wanted = Wanted(flags, faults, attributes, full_size, thumbnails=html_file is not None)
    found: list[Score] = []
    with _table(csv_file, scorer, wanted) as writer:
        for item in bar(scorer.score_files(files, batch, wanted), total=len(files), what="score", unit="photo"):
            if writer:
                writer.writerow(item.as_row())
            if item.fault:
                click.echo(f"dermiqa: {item.fault}", err=True)
            found.append(item)
    if html_file:
        write_page(html_file, found, scorer.facts, scorer.notices)
    _say(found, scorer, model_folder, as_json)
    return 1 if any(item.fault for item in found) else 0


@contextmanager
def _table(path: Path | None, scorer: Scorer, wanted: Wanted) -> Iterator[csv.DictWriter[str] | None]:
    """A CSV that grows row by row and takes its name when it is whole."""
    from workspace.files import replacing

    if path is None:
        yield None
        return
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream:
        writer = csv.DictWriter(stream, scorer.columns(wanted))
        writer.writeheader()
        yield writer


def about(scorer: Scorer, folder: Path) -> dict[str, Any]:
    """What every JSON answer says of the model first."""
    from train.chain import describe

    told = {"model": str(folder), "engine": scorer.engine, "chain": describe(scorer.facts)}
    return {**told, "simulated_votes": scorer.simulated, "notices": scorer.notices}


def plain(item: Score) -> dict[str, Any]:
    """A photo's row in a JSON answer: lists of flags and said faults, probabilities and attributes by name."""
    return {name: value for name, value in vars(item).items() if name != "thumbnail"}


def _say(found: list[Score], scorer: Scorer, folder: Path, as_json: bool) -> None:
    from train.chain import describe

    if as_json:
        say_json({**about(scorer, folder), "photos": [plain(item) for item in found]})
        return
    rows_shown = [
        (item.file, f"{item.score:.2f}", "" if item.low is None else f"{item.low:.1f} to {item.high:.1f}",
         *((f"{item.sharpness:.2f}",) if item.sharpness is not None else ()), " ".join(item.said), " ".join(item.flags))
        for item in found if item.score is not None
    ]  # fmt: skip
    if rows_shown:
        sharp = ("sharpness",) if len(rows_shown[0]) == 6 else ()
        even = [row if len(row) == 5 + len(sharp) else (*row[:3], "", *row[3:]) for row in rows_shown]
        say_table(even, ("photo", "score", "90 % interval", *sharp, "faults", "flags"))
    for notice in scorer.notices:
        say(notice)
    hint(f"{scorer.engine}: {describe(scorer.facts)}")


@click.group(cls=LazyGroup, verbs=MODEL_VERBS, **example("dermiqa model export --model models/first"))
def model() -> None:
    """Work on a model folder."""


@click.command(name="export", **example("dermiqa model export --model models/first"))
@MODEL
@click.option("--onnx", is_flag=True, default=True, help="As ONNX (the only form).")
@json_option
def export(model_folder: Path, onnx: bool, as_json: bool) -> None:
    """Write model.onnx into the model's folder, checked against torch within 1e-4; then scoring needs no torch."""
    from train.onnx import export as write_onnx

    path, gap = write_onnx(model_folder)
    if as_json:
        say_json({"file": str(path), "largest_difference": gap, "bytes": path.stat().st_size})
    else:
        say(f"{path} ({path.stat().st_size / 1e6:.1f} MB), differs from torch by at most {gap:.1e}")
