"""The verb mos: opinion scores from a file of votes or from a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import bar, example, hint, json_option, say, say_json, say_table, workspace_option
from workspace.errors import StudyFault, UsageFault

if TYPE_CHECKING:
    from mos.reading import Reading
    from mos.run import Options, Run
    from mos.votes import Votes

SHOWN_FAULTS = 20
SHOWN_ROWS = 12


@click.command(**example("dermiqa mos votes.csv --stimuli stimuli.csv --scale 1 10 --out scores"))
@click.argument("votes", type=click.Path(path_type=Path), required=False)
@click.option("--study", help="Score this study of the workspace instead of a file.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The folder that the tables go to.")
@click.option("--stimuli", type=click.Path(path_type=Path), help="A table: stimulus, content, is_ref and any label.")
@click.option("--scale", nargs=2, type=float, default=None, metavar="LOW HIGH", help="The scale's ends (default: 1 10).")
@click.option("--reject-by", multiple=True, metavar="RULE", help="Leave out observers whom this screening rule rejects.")
@click.option("--compat", help="sureal: add its own screened scores, faults included.")
@click.option("--crushing", default="none", show_default=True, help="Press differential votes above the top: literal, scaled.")
@click.option("--model", "models", multiple=True, metavar="MODEL", help="Only these score models (default: all).")
@workspace_option
@json_option
def mos(
    votes: Path | None,
    study: str | None,
    out: Path,
    stimuli: Path | None,
    scale: tuple[float, float] | None,
    reject_by: tuple[str, ...],
    compat: str | None,
    crushing: str,
    models: tuple[str, ...],
    workspace: Path | None,
    as_json: bool,
) -> int:
    """Opinion scores with honest intervals from VOTES: a long or matrix CSV or Parquet file, or sureal's data set.

    Cells that are no vote are listed in bad_cells.csv and on the screen, and the exit code is 1. Screening only
    proposes: nobody is left out unless --reject-by says so, and then the scores with everyone stand beside.
    """
    from mos.models import MODELS
    from mos.run import Options

    options = Options(reject_by, compat, crushing, models or tuple(MODELS))
    if (votes is None) == (study is None):
        raise UsageFault("votes come from one place: name a file of votes, or --study NAME")
    if study is not None:
        return _score_study(study, workspace, out, options, as_json)
    from mos.reading import read_votes

    path = Path(str(votes))
    reading = read_votes(path, scale, stimuli)
    made = _run([reading.votes], [], out, options, _said(path, reading), _bad_table(reading))
    if as_json:
        say_json(made.summary)
    else:
        _tell_reading(reading, out)
        _tell(made, out)
    return 1 if reading.bad else 0


def _score_study(name: str, workspace: Path | None, out: Path, options: Options, as_json: bool) -> int:
    """Score a study's votes: questions on a scale as scores, yes/no and choices as usefulness."""
    from dataclasses import replace

    from dermiqa.commands.exports import load_study

    data = load_study(name, workspace, None, None)
    frozen = tuple(_frozen_rules(data.meta.get("screening")))
    options = replace(options, reject_by=options.reject_by or frozen)
    kinds = dict(zip(data.questions["question"], data.questions["kind"], strict=True))
    asked = [q for q in kinds if (data.votes["question"] == q).any()]
    gold = data.meta.get("gold") or []
    scales = [replace(data.as_votes(question=q), gold=_gold_counts(gold, q)) for q in asked if kinds[q] in ("", "scale")]
    answers = [data.as_votes(question=q) for q in asked if kinds[q] in ("yesno", "one")]
    if not scales:
        raise StudyFault(f"study {name} has no votes on a scale yet: open it and let observers rate")
    said = {"source": f"study {name}", "frozen_rule_set": list(frozen) or None}
    made = _run(scales, answers, out, options, said, None)
    if as_json:
        say_json(made.summary)
    else:
        _tell(made, out)
    return 0


def _gold_counts(gold: list[dict[str, Any]], question: str) -> dict[str, tuple[int, int]]:
    """Observer -> (gold votes within their range, gold votes judged) of one question."""
    counted: dict[str, tuple[int, int]] = {}
    for row in gold:
        if row["question"] == question and row["missed"] is not None:
            hits, asked = counted.get(row["observer"], (0, 0))
            counted[row["observer"]] = (hits + (not row["missed"]), asked + 1)
    return counted


def _frozen_rules(screening: Any) -> list[str]:
    """The rules that a frozen study lets remove observers: its list `reject_by`; nothing when it only proposes."""
    found = screening.get("reject_by", []) if isinstance(screening, dict) else []
    return [found] if isinstance(found, str) else [str(rule) for rule in found]


def _run(votes: list[Votes], answers: list[Votes], out: Path, options: Options, said: dict[str, Any], bad: Any) -> Run:
    from mos.run import steps

    total = (len(options.models) + (5 if options.compat else 0)) * len(votes) + 5 + bool(answers)
    *_, (_, made) = bar(steps(votes, out, options, said, answers), total=total, what="mos", unit="table")
    if bad is not None:
        made.table("bad_cells.csv", bad)
    return made


def _said(path: Path, reading: Reading) -> dict[str, Any]:
    return {
        "source": path.name,
        "layout": reading.layout,
        "columns": reading.columns,
        "notes": reading.notes,
        "bad_cells": [vars(cell) for cell in reading.bad],
    }


def _bad_table(reading: Reading) -> Any:
    import pandas as pd

    return pd.DataFrame([vars(cell) for cell in reading.bad]) if reading.bad else None


def _tell_reading(reading: Reading, out: Path) -> None:
    """What was read, and which cells were no votes."""
    votes = reading.votes
    say(f"read {len(votes)} votes on {len(votes.stimuli)} images by {len(votes.observers)} observers, {reading.layout}")
    for note in reading.notes:
        say(f"note: {note}")
    for cell in reading.bad[:SHOWN_FAULTS]:
        say(f"line {cell.line}, {cell.column}: {cell.value!r} is {cell.reason}")
    if len(reading.bad) > SHOWN_FAULTS:
        say(f"... and {len(reading.bad) - SHOWN_FAULTS} more in {out / 'bad_cells.csv'}")


def _tell(made: Run, out: Path) -> None:
    """What the votes gave and where it lies."""
    summary = made.summary
    say(f"{summary['votes']} votes on {summary['stimuli']} images by {summary['observers']} observers")
    _tell_results(made, out)


def _tell_results(made: Run, out: Path) -> None:
    """Scores per variant, references, screening, and where it lies."""
    _tell_conditions(out)
    for line in made.summary.get("references", []):
        say(line)
    _tell_screening(made, out)
    simulated = made.summary["votes_simulated"]
    if simulated:
        say(f"SIMULATED: {simulated} of {made.summary['votes']} votes come from model observers")
    hint(f"{len(made.files)} files in {out}; why a cell is empty: {out / 'undefined.csv'}")


def _tell_conditions(out: Path) -> None:
    import pandas as pd

    table = pd.read_csv(out / "conditions.csv")
    shown = table[table["grouping"].isin(["all", "variant"])]
    rows = [
        (r["grouping"], r["name"], int(r["images"]), f"{r['mean']:.2f}", f"{r['ci95_low']:.2f}", f"{r['ci95_high']:.2f}")
        for r in shown.head(2 * SHOWN_ROWS).to_dict("records")
    ]
    say_table(rows, ("group", "name", "images", "mean", "low", "high"))


def _tell_screening(made: Run, out: Path) -> None:
    import pandas as pd

    table = pd.read_csv(out / "observers.csv", dtype={"observer": str})
    verdicts = [c for c in table.columns if c.endswith("_verdict")]
    proposed = {c.removesuffix("_verdict"): table["observer"][table[c] == "reject"].tolist() for c in verdicts}
    for rule, people in proposed.items():
        if people:
            say(f"screening by {rule} would reject {len(people)} of {len(table)}: {', '.join(people[:8])}")
    screening = made.summary["screening"]
    if screening["rule_set"]:
        gone = ", ".join(sorted({entry["observer"] for entry in screening["removed"]})) or "nobody"
        say(f"rule set {' + '.join(screening['rule_set'])} removed: {gone}")
