"""The verb mos: opinion scores from a file of votes or from a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import bar, current_workspace, example, hint, json_option, say, say_json, say_table, workspace_option
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
@click.option(
    "--scale-of", "scales", nargs=3, type=(str, float, float), multiple=True, metavar="QUESTION LOW HIGH",
    help="The scale of one question of a file; may be said more than once.",
)  # fmt: skip
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
    scales: tuple[tuple[str, float, float], ...],
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
    reading = read_votes(path, scale, stimuli, {question: (low, high) for question, low, high in scales})
    made = _run(list(reading.parts), [], out, options, _said(path, reading), _bad_table(reading))
    if as_json:
        say_json(made.summary)
    else:
        _tell_reading(reading, out)
        _tell(made, out)
    return 1 if reading.bad else 0


def _score_study(name: str, workspace: Path | None, out: Path, options: Options, as_json: bool) -> int:
    """Score a study's votes: questions on a scale as scores, yes/no and choices as usefulness.

    Observers whom persons or the frozen rule set took out are left out, and the scores with everyone stand beside.
    """
    from dataclasses import replace

    from dermiqa.commands.exports import load_study
    from mos.removal import frozen_rules, gold_counts

    data = load_study(name, workspace, None, None, screened=False)
    frozen = frozen_rules(data.meta.get("screening"))
    options = replace(
        options, reject_by=options.reject_by or frozen, frozen=bool(frozen) and not options.reject_by,
        by_persons=_taken_out(name, workspace),
    )  # fmt: skip
    kinds = dict(zip(data.questions["question"], data.questions["kind"], strict=True))
    asked = [q for q in kinds if (data.votes["question"] == q).any()]
    gold = data.meta.get("gold") or []
    scales = [replace(data.as_votes(question=q), gold=gold_counts(gold, q)) for q in asked if kinds[q] in ("", "scale")]
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


def _taken_out(name: str, workspace: Path | None) -> dict[str, str]:
    """Pseudonym -> reason of every observer of a study whom persons took out; nobody for a file of votes."""
    from annotate_app.review import standings
    from db.engine import open_engine, reading
    from db.queries import studies

    if Path(name).is_file():
        return {}
    with reading(open_engine(current_workspace(workspace).database_url)) as session:
        found = standings(session, studies.frozen_version(session, studies.named(session, name)))
        return {who: one.decisions[-1].reason for who, one in sorted(found.items()) if one.excluded}


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
    images = {name for part in reading.parts for name in part.stimuli}
    people = {name for part in reading.parts for name in part.observers}
    count = sum(len(part) for part in reading.parts)
    say(f"read {count} votes on {len(images)} images by {len(people)} observers, {reading.layout}")
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
    """Means of all images and by variant; with a last column for everyone's votes where observers were removed."""
    import pandas as pd

    keys = ["panel", "question", "grouping", "name"]
    table = pd.read_csv(out / "conditions.csv", keep_default_na=False, na_values={"mean": "", "ci95_low": "", "ci95_high": ""})
    everyone = out / "conditions_all_observers.csv"
    if everyone.exists():
        whole = pd.read_csv(everyone, keep_default_na=False, na_values={"mean": ""})
        table = table.merge(whole[[*keys, "mean"]], on=keys, how="left", suffixes=("", "_all"))
    shown = table[table["grouping"].isin(["all", "variant"])].head(2 * SHOWN_ROWS)
    ends = ["mean", "ci95_low", "ci95_high", *(["mean_all"] if "mean_all" in shown else [])]
    rows = [
        (r["grouping"], r["name"], int(r["images"]), *(f"{r[end]:.2f}" if r[end] == r[end] else "" for end in ends))
        for r in shown.to_dict("records")
    ]
    say_table(rows, ("group", "name", "images", "mean", "low", "high", "with everyone")[: 3 + len(ends)])


def _tell_screening(made: Run, out: Path) -> None:
    import pandas as pd

    from mos.removal import BY_PERSONS

    table = pd.read_csv(out / "observers.csv", dtype={"observer": str})
    verdicts = [c for c in table.columns if c.endswith("_verdict")]
    proposed = {c.removesuffix("_verdict"): table["observer"][table[c] == "reject"].tolist() for c in verdicts}
    for rule, people in proposed.items():
        if people:
            say(f"screening by {rule} would reject {len(people)} of {len(table)}: {', '.join(people[:8])}")
    screening = made.summary["screening"]
    if screening["rule_set"]:
        which = "the study's frozen rule set" if screening["frozen"] else "rule set"
        gone = sorted({entry["observer"] for entry in screening["removed"] if set(entry["rules"]) - {BY_PERSONS}})
        say(f"{which} {' + '.join(screening['rule_set'])} removed: {', '.join(gone) or 'nobody'}")
    for name, why in sorted({entry["observer"]: entry["reason"] for entry in screening["removed"] if "reason" in entry}.items()):
        say(f"persons took out {name}: {why}")
    if screening["removed"]:
        say("scores and means are without them; *_all_observers.csv and the last column are with everyone")
