"""Verbs of advice: diagnose, model faults."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import bar, example, hint, json_option, say, say_json, say_table
from dermiqa.commands.models import ENGINE, MODEL, PathType, about, plain
from dermiqa.commands.outputs import check_folder
from workspace.errors import ModelFault, UsageFault

if TYPE_CHECKING:
    from train.diagnose import Costs, Diagnosis
    from train.faults import FaultHead
    from train.scoring import Score, Scorer


@click.command(**example("dermiqa diagnose photos/ --model models/first --language es"))
@click.argument("photos", nargs=-1, required=True, type=PathType)
@MODEL
@click.option(
    "--costs", "costs_file", type=PathType, help="TOML with accepted_poor, retaken_good, poor_below (default: 4, 1, 4)."
)
@click.option("--language", type=click.Choice(["en", "es"]), default="en", show_default=True, help="Language of the sentences.")
@click.option("--heat-maps", type=PathType, help="Draw where each score comes from into this folder (65 passes per photo).")
@click.option("--batch", type=click.IntRange(1, 1024), default=16, show_default=True, help="Photos at a time.")
@ENGINE
@json_option
def diagnose(
    photos: tuple[Path, ...], model_folder: Path, costs_file: Path | None, language: str, heat_maps: Path | None, batch: int,
    engine: str, as_json: bool,
) -> int:  # fmt: skip
    """Say whether to accept or retake PHOTOS and what is wrong with them; broken photos are listed, exit 1."""
    from train.diagnose import Diagnosis
    from train.diagnose import diagnose as advise
    from train.scoring import open_model, photos_in

    costs = read_costs(costs_file)
    files = photos_in(photos)
    check_folder("--heat-maps", heat_maps)
    scorer = open_model(model_folder, engine)
    if scorer.head is None:
        raise ModelFault(f"{model_folder} can't say what is wrong: run `dermiqa model faults --model {model_folder}` first")
    found: list[Diagnosis | Score] = []
    for item in bar(scorer.score_files(files, batch), total=len(files), what="diagnose", unit="photo"):
        if item.score is None:
            click.echo(f"dermiqa: {item.fault}", err=True)
            found.append(item)
        else:
            found.append(advise(item, scorer.calibration.below(item.score, costs.poor_below), costs))
    told = [item for item in found if isinstance(item, Diagnosis)]
    drawn = _draw(told, scorer, heat_maps) if heat_maps else {}
    if as_json:
        table = {**vars(costs), "retake_from_p_poor": costs.limit}
        say_json({**about(scorer, model_folder), "costs": table, "photos": [_row(item, drawn) for item in found]})
    else:
        _say(told, scorer, costs, language)
    return 1 if len(told) < len(found) else 0


def read_costs(path: Path | None) -> Costs:
    """The table of costs of a TOML file, or the default one. Raises UsageFault."""
    from train.diagnose import Costs

    if path is None:
        return Costs()
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise UsageFault(f"{path} can't be read ({fault.strerror}): a TOML file of costs was expected") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{path} is not valid TOML: {fault}") from None
    known = ("accepted_poor", "retaken_good", "poor_below")
    for key, value in said.items():
        if key not in known or type(value) not in (int, float):
            raise UsageFault(f"{path} has {key} = {value!r}: numbers named {', '.join(known)} were expected")
    return Costs(**{key: float(value) for key, value in said.items()})


def _draw(found: list[Diagnosis], scorer: Scorer, folder: Path) -> dict[str, str]:
    """Heat maps of the photos, one PNG each; says how long one takes."""
    import time

    from distort.png import write_png
    from train import chain
    from train.heat_map import drawn, occlusion

    folder.mkdir(parents=True, exist_ok=True)
    made, began = {}, time.monotonic()
    for number, item in enumerate(bar(found, total=len(found), what="heat maps", unit="photo"), start=1):
        pixels = chain.read(Path(item.score.file), scorer.facts).pixels
        target = folder / f"{number:04d}_{Path(item.score.file).stem}.png"
        write_png(target, drawn(occlusion(scorer.network, pixels), pixels))
        made[item.score.file] = str(target)
    if found:
        hint(f"heat maps: {(time.monotonic() - began) / len(found):.1f} s each, in {folder}")
    return made


def _row(item: Diagnosis | Score, drawn: dict[str, str]) -> dict[str, Any]:
    """A photo's row of `score --json` with the advice; a broken photo's has None there."""
    from train.diagnose import Diagnosis

    if not isinstance(item, Diagnosis):
        return {**plain(item), "advice": None, "p_poor": None, "sentences": None, "heat_map": None}
    told = {"advice": item.advice, "p_poor": item.p_poor, "sentences": dict(item.sentences)}
    return {**plain(item.score), **told, "heat_map": drawn.get(item.score.file)}


def _say(found: list[Diagnosis], scorer: Scorer, costs: Costs, language: str) -> None:
    for item in found:
        say(f"{item.score.file}: {item.score.score:.2f}, {item.advice}")
        for sentence in item.sentences[language]:
            say(f"  {sentence}")
    say(
        f"retake from a probability of {costs.limit:.2f} that the true score is below {costs.poor_below:g} "
        f"(a poor photo kept costs {costs.accepted_poor:g}, a good one taken again {costs.retaken_good:g})"
    )
    for notice in scorer.notices:
        say(notice)


@click.command(name="faults", **example("dermiqa model faults good_photos/ --model models/first"))
@click.argument("photos", nargs=-1, type=PathType)
@MODEL
@click.option("--chains", type=click.IntRange(1, 100), default=20, show_default=True, help="Combined faults made of each photo.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def faults(photos: tuple[Path, ...], model_folder: Path, chains: int, seed: int, as_json: bool) -> None:
    """Teach a model what is wrong with photos, from faults made on good PHOTOS (default: the photographs that ship)."""
    from train.fault_measures import table

    head = teach(model_folder, photos, chains, seed)
    if as_json:
        say_json({"file": str(model_folder / "faults.npz"), **head.facts})
        return
    say_table(table(head), ("fault", "n", "precision", "recall", "F1", "F1 at .5"))
    macro = head.facts["held_out"]["macro_f1"]
    say(
        f"macro F1 {macro['value']:.2f} ({macro['low']:.2f} to {macro['high']:.2f}) on photos held out, "
        f"{head.facts['photos']} photos, {head.facts['examples']} examples; faults were made by formula, not taken by people"
    )


def teach(model_folder: Path, photos: tuple[Path, ...], chains: int, seed: int) -> FaultHead:
    """Train and write a model's fault head behind a bar; without photos on those that ship. Raises ModelFault, PhotoFault."""
    from train.fault_training import train_faults
    from train.faults import FaultHead
    from train.run_folder import read_model
    from train.scoring import photos_in
    from train.use_card import update_card

    read_model(model_folder)
    files = photos_in(photos or (Path(__file__).parents[1] / "demo_photos",))
    *_, head = bar(train_faults(model_folder, files, seed, chains), total=len(files) + 1, what="faults", unit="photo")
    if not isinstance(head, FaultHead):
        raise ModelFault(f"{model_folder} got no fault head: run `dermiqa model faults --model {model_folder}` again")
    update_card(model_folder)
    return head
