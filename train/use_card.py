"""The card's part on a model in use: interval, range, faults, attributes and who may have the weights, as the folder's files say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from train import run_folder
from train.attribute_measures import table as attribute_table
from train.attributes import read_attributes
from train.calibration import LEAST, read_interval
from train.fault_measures import table
from train.faults import read_head
from train.range_check import read_range
from train.shipping import shipping
from workspace.errors import ModelFault
from workspace.files import write_text

HEADING = "## In use"


def update_card(folder: Path) -> None:
    """Write the part anew at the end of README.md; whatever stands before it stays."""
    path = folder / run_folder.CARD
    before = path.read_text(encoding="utf-8").partition(HEADING)[0].rstrip() if path.is_file() else f"# {folder.name}"
    write_text(path, f"{before}\n\n{use_text(folder)}")


def use_text(folder: Path) -> str:
    """The part in Markdown."""
    facts = run_folder.read_model(folder)
    lines = [HEADING, "", *_interval(folder), *_told(_range, folder, "- Range check", "range")]
    onnx = facts.get("onnx")
    lines.append(f"- Without torch: {f'yes, by {onnx}' if onnx else 'not yet; dermiqa model export writes it'}")
    lines += ["", "| set | weights may be passed on | why |", "|---|---|---|"]
    lines += [f"| {title} | {'yes' if free else '**no**'} | {why} |" for title, free, why in judged(folder)]
    return "\n".join([*lines, *_told(_faults, folder, "\nFaults", "faults"), *_attributes(folder)]) + "\n"


def _told(part: Callable[[Path], list[str]], folder: Path, title: str, verb: str) -> list[str]:
    """A part's lines; where its file can't be read, what makes it again: one part's old file doesn't hold up the others."""
    try:
        return part(folder)
    except ModelFault:
        return [f"{title}: broken or of another version; `dermiqa model {verb}` makes it again."]


def judged(folder: Path) -> list[tuple[str, bool, str]]:
    """`shipping` of everything in the folder: the training sets, and the set of the attributes where it is none of them."""
    sets, head = run_folder.read_model(folder)["sets"], read_attributes(folder)
    rows = shipping(sets)
    if head is None or head.facts["labels_sha256"] in [row["labels_sha256"] for row in sets]:
        return rows
    return [*rows, *((f"{title} (attributes.npz)", free, why) for title, free, why in shipping([head.facts["set"]]))]


def _interval(folder: Path) -> list[str]:
    found = read_interval(folder)
    if found.missing:
        return ["- Interval: none; calibration.json and predictions.csv are not in the folder"]
    if found.half_width is None:
        return [f"- Interval: none; {found.groups} groups of validation images are fewer than {LEAST}"]
    said = (
        f"- 90 % interval: ± {found.half_width:.2f}, from {len(found.residuals)} validation images in {found.groups} groups (conformal; "
        "a group counts once)"
    )
    test = found.facts.get("test_coverage")
    if test is None:
        return [said]
    held = f"{said}; it held {test['share']:.2f} ({test['low']:.2f} to {test['high']:.2f}) of {test['n']} test images"
    if "group_share" not in test:
        return [held]
    ends = f"({test['group_low']:.2f} to {test['group_high']:.2f})"
    return [f"{held}, {test['group_share']:.2f} {ends} on the mean of {test['groups']} groups"]


def _range(folder: Path) -> list[str]:
    found = read_range(folder)
    if found is None:
        return ["- Range check: none"]
    return [
        f"- Range check: distance from {found.images} training images' features; set so that 5 % of images held out are out of range"
    ]


def _faults(folder: Path) -> list[str]:
    head = read_head(folder)
    if head is None:
        return ["", "Faults: not taught; `dermiqa model faults` does it."]
    macro = head.facts["held_out"]["macro_f1"]
    lines = [
        "",
        f"Faults: taught on {head.facts['photos']} photos ({head.facts['examples']} examples, faults made by formula), measured on "
        f"photos held out; macro F1 at .5 {macro['value']:.2f} ({macro['low']:.2f} to {macro['high']:.2f}).",
        "",
        "| fault | n | precision as said | recall | F1 | F1 at .5 |",
        "|---|---|---|---|---|---|",
    ]
    return [*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in table(head))]


def _attributes(folder: Path) -> list[str]:
    head = read_attributes(folder)
    if head is None:
        return []
    found = head.facts
    return [
        "",
        f"Attributes, 0 to 100 as people rated them: a linear head on the features of faults, taught on {found['train']:,} photos of "
        f"{found['set']['title']}, measured on its part {found['part']} ({found['split']}; {found['groups']:,} groups). "
        "It changes no score. SPAQ's photos show everyday scenes; on skin nothing was measured.",
        "",
        "| attribute | n | PLCC (95 %) | SROCC | RMSE | SD of people's scores |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(str(cell) for cell in row)} |" for row in attribute_table(head)),
    ]
