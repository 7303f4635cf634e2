"""The verb model train-starter: a small model with interval, range, faults, attributes and ONNX in one go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import example, hint, json_option, say, say_json, say_table
from dermiqa.commands.models import PathType
from workspace.errors import UsageFault

if TYPE_CHECKING:
    from train.attributes import AttributeHead
    from train.faults import FaultHead
    from train.roots import Root

WEIGHT_CAP = 10.0


@click.command("train-starter", **example("dermiqa model train-starter koniq10k exports/dermiqa --out models/starter"))
@click.argument("sets", nargs=-1, metavar="[SETS...]")
@click.option("--out", type=PathType, default=Path("models/starter"), show_default=True, help="The model's folder.")
@click.option("--photos", type=PathType, help="Good photos to make faults on (default: the photographs that ship).")
@click.option("--model", "backbone", default="lite0", show_default=True, help="Backbone, as for `dermiqa train`.")
@click.option("--input", "input_size", type=click.IntRange(32, 2048), help="Input side in px (default: the model's own).")
@click.option("--weights", default="auto", show_default=True, help="auto, packaged, timm, none or a file.")
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True, help="Epochs.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Images at a time.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--splits", "splits_folder", type=PathType, help="Folder of split files, NAME.csv per set.")
@click.option("--cache-dir", type=PathType, help="Where decoded images are kept.")
@json_option
def train_starter(
    sets: tuple[str, ...], out: Path, photos: Path | None, splits_folder: Path | None, cache_dir: Path | None, as_json: bool,
    **said: Any,
) -> None:  # fmt: skip
    """Build a small model from the rated SETS (default: all of datasets.toml that are here whole, rated by people and not for tests
    alone): train, export as ONNX, learn SPAQ's attributes where SPAQ is among them, teach faults on graded photos.

    A stopped build goes on where it stopped. No weights ship with the program: every model is built from sets that you hold, and
    the table at the end says which of them let its weights be passed on.
    """
    from dermiqa.commands.training import require_training, trained_in
    from train.config import make
    from train.parallel import end
    from train.sources import gather
    from train.splits import Rule

    require_training()
    roots, left_out = chosen(sets)
    for name, why in left_out.items():
        hint(f"left out: {name}: {why}")
    values = {key.replace("backbone", "model"): value for key, value in said.items()}
    config = make({**values, "weight_cap": WEIGHT_CAP, "sets": [root.name for root in roots]}, "train-starter")
    inputs = gather(roots, (), Rule(), seed=0, n=5, folder=splits_folder)
    _, world = trained_in(out, config, inputs, cache_dir)
    if world.first:
        gap = exported(out)
        attributes = [with_attributes(out, root) for root in roots if root.kind == "spaq"]
        _say(out, roots, left_out, gap, attributes, _faults(out, photos), as_json)
    end(world, 0)


def chosen(words: tuple[str, ...]) -> tuple[list[Root], dict[str, str]]:
    """The sets that are said, or all of datasets.toml that can be trained on, and why each other one is left out.

    Raises UsageFault when there is none.
    """
    from train.at_hand import look
    from train.roots import FILE_NAME, read_roots
    from train.sources import parse

    roots = read_roots()
    if words:
        return [parse(word, roots) for word in words], {}
    seen = look(roots)
    found, left_out = [item.root for item in seen if item.loaded], {item.root.name: item.why for item in seen if not item.loaded}
    if not found:
        whys = "; ".join(f"{name}: {why}" for name, why in left_out.items()) or f"no {FILE_NAME} names one"
        raise UsageFault(f"no rated set is at hand ({whys}): say SETS, as NAME=FOLDER or the folder of a dermiqa export")
    return found, left_out


def exported(folder: Path) -> float | None:
    """Write model.onnx; gives the largest difference from torch, None where the file is there already, whole."""
    from train.onnx import export
    from train.run_folder import read_model
    from workspace.files import sha256_file

    facts = read_model(folder)
    name = facts.get("onnx")
    if name and (folder / name).is_file() and sha256_file(folder / name) == facts.get("onnx_sha256"):
        return None
    return export(folder)[1]


def with_attributes(folder: Path, root: Root) -> AttributeHead:
    """The attributes of a training set of SPAQ's kind; those that an earlier call learnt from the same labels stay."""
    from dermiqa.commands.attributes import teach_attributes
    from train.attributes import read_attributes

    there = read_attributes(folder)
    if there is not None and there.facts["labels_sha256"] == root.load(images="none").digest():
        return there
    return teach_attributes(folder, root)


def _faults(folder: Path, photos: Path | None) -> FaultHead:
    from dermiqa.commands.advice import teach
    from train.fault_material import CHAINS

    return teach(folder, (photos,) if photos else (), CHAINS, 0)


def _say(
    out: Path, roots: list[Root], left_out: dict[str, str], gap: float | None, attributes: list[AttributeHead], head: FaultHead,
    as_json: bool,
) -> None:  # fmt: skip
    from train.use_card import judged

    rows = judged(out)
    if as_json:
        ship = [{"set": title, "open": free, "why": why} for title, free, why in rows]
        about: dict[str, Any] = {"folder": str(out), "sets": [root.name for root in roots], "left_out": left_out}
        measured = {"faults": head.facts["held_out"], "attributes": attributes[0].facts["held_out"] if attributes else None}
        say_json({**about, "largest_difference": gap, **measured, "passing_on": ship})
        return
    say_table([(title, "yes" if free else "no", why) for title, free, why in rows], ("set", "may be passed on", "why"))
    parts = f"weights, model.onnx, interval, range, faults{', attributes' if attributes else ''}, card"
    say(f"{out} is whole: {parts}")
    hint(f"next: dermiqa diagnose PHOTOS --model {out}")
