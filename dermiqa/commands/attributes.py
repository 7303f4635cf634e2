"""The verb model attributes: SPAQ's five attributes for a model, from SPAQ's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dermiqa.commands.common import bar, example, hint, json_option, say, say_json, say_table
from dermiqa.commands.models import MODEL
from workspace.errors import ModelFault, UsageFault

if TYPE_CHECKING:
    from train.attributes import AttributeHead
    from train.roots import Root

KIND = "spaq"


@click.command(name="attributes", **example("dermiqa model attributes /data/spaq --model models/first"))
@click.argument("spaq", required=False, metavar="[SPAQ_FOLDER]")
@MODEL
@click.option("--threads", type=click.IntRange(1, 256), help="Photos read at a time (default: one per core, at most 8).")
@json_option
def attributes(spaq: str | None, model_folder: Path, threads: int | None, as_json: bool) -> None:
    """Teach a model brightness, colorfulness, contrast, noisiness and sharpness as people rated them for SPAQ (default: the one in
    datasets.toml). The score stays as it is; a stopped call goes on."""
    from train.attribute_measures import table

    head = teach_attributes(model_folder, place_of(spaq), threads)
    if as_json:
        say_json({"file": str(model_folder / "attributes.npz"), **head.facts})
        return
    say_table(table(head), ("attribute", "n", "PLCC", "SROCC", "RMSE", "SD of scores"))
    say(f"measured on {head.facts['set']['title']}'s part {head.facts['part']} ({head.facts['split']}), 0 to 100")
    hint(f"next: dermiqa score PHOTOS --model {model_folder}")


def place_of(text: str | None) -> Root:
    """SPAQ's place from a word: a folder, a name of datasets.toml, NAME=FOLDER, or nothing. Raises UsageFault."""
    from train.roots import FILE_NAME, Root, read_roots
    from train.sources import parse

    roots = read_roots()
    if text is None:
        found = [root for root in roots.values() if root.kind == KIND]
        if not found:
            raise UsageFault(f"where SPAQ lies is not known: say its folder, or write {KIND} into {FILE_NAME}")
        return found[0]
    if text not in roots and "=" not in text and Path(text).is_dir():
        return Root(KIND, KIND, Path(text))
    root = parse(text, roots)
    if root.kind != KIND:
        raise UsageFault(f"{text} is a set of the kind {root.kind}: only SPAQ ({KIND}) rates the five attributes")
    return root


def teach_attributes(model_folder: Path, root: Root, threads: int | None = None) -> AttributeHead:
    """Train and write a model's attribute head behind a bar, and its part of the card.

    Raises ModelFault (no model folder), DatasetFault (not SPAQ, not whole, too few photos), PhotoFault (a broken photo).
    """
    from train.attribute_training import train_attributes
    from train.attributes import AttributeHead
    from train.run_folder import read_model
    from train.use_card import update_card

    read_model(model_folder)
    loaded = root.load()
    *_, head = bar(train_attributes(model_folder, loaded, threads), total=len(loaded) + 1, what="attributes", unit="photo")
    if not isinstance(head, AttributeHead):
        raise ModelFault(f"{model_folder} got no attributes: run `dermiqa model attributes --model {model_folder}` again")
    update_card(model_folder)
    return head
