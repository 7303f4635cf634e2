"""The card's part on a model in use: interval, range, faults and who may have the weights, as the folder's files say."""

from __future__ import annotations

from pathlib import Path

from train import run_folder
from train.calibration import read_interval
from train.fault_measures import table
from train.faults import read_head
from train.range_check import read_range
from train.shipping import shipping
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
    lines = [HEADING, "", *_interval(folder), *_range(folder)]
    onnx = facts.get("onnx")
    lines.append(f"- Without torch: {f'yes, by {onnx}' if onnx else 'not yet; dermiqa model export writes it'}")
    lines += ["", "| set | weights may be passed on | why |", "|---|---|---|"]
    lines += [f"| {title} | {'yes' if free else '**no**'} | {why} |" for title, free, why in shipping(facts["sets"])]
    return "\n".join([*lines, *_faults(folder)]) + "\n"


def _interval(folder: Path) -> list[str]:
    found = read_interval(folder)
    if found.half_width is None:
        return [f"- Interval: none; {len(found.residuals)} validation images are fewer than 10"]
    said = f"- 90 % interval: ± {found.half_width:.2f}, from {len(found.residuals)} validation images (split conformal)"
    test = found.facts.get("test_coverage")
    if test is None:
        return [said]
    return [f"{said}; it held {test['share']:.2f} ({test['low']:.2f} to {test['high']:.2f}) of {test['n']} test images"]


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
