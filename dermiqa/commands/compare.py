"""The verb compare: two panels on the same images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import example, hint, json_option, say, say_json, say_table, workspace_option
from dermiqa.commands.exports import SCALE, STIMULI, load_study
from workspace.errors import UsageFault

if TYPE_CHECKING:
    from mos.panels import Comparison
    from mos.votes import Votes


@click.command(**example("dermiqa compare lay expert --study first --margin 0.9 --out comparison"))
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--study", help="A study (or a file of votes) whose panels A and B are; without it A and B are files of votes.")
@click.option("--margin", type=float, help="Points within which the panels count as equivalent, stated before the votes.")
@click.option("--question", "questions", multiple=True, help="The question; said twice, A's and then B's.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for images.csv, groups.csv and comparison.json.")
@SCALE
@STIMULI
@workspace_option
@json_option
def compare(
    first: str, second: str, study: str | None, margin: float | None, questions: tuple[str, ...], out: Path | None,
    scale: tuple[float, float] | None, stimuli: Path | None, workspace: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Compare panels A and B: bias, slope, disagreement by variant, and whether they are equivalent within a margin.

    Differences are A - B in points. "Could not decide" is the answer where the margin was out of reach.
    """
    from mos.panels import compare as run

    if len(questions) > 2:
        raise UsageFault(f"--question was said {len(questions)} times: once for both panels, or twice")
    sides = [
        _votes(name, study, questions[min(i, len(questions) - 1)] if questions else None, scale, stimuli, workspace)
        for i, name in enumerate((first, second))
    ]
    found = run(sides[0][0], sides[1][0], margin=margin, tasks=(sides[0][1], sides[1][1]))
    if out is not None:
        _write(found, out)
    if as_json:
        say_json(found.as_dict())
        return
    _tell(found, first, second)
    if out is not None:
        say(f"tables: {out}")


def _votes(
    name: str,
    study: str | None,
    question: str | None,
    scale: tuple[float, float] | None,
    stimuli: Path | None,
    workspace: Path | None,
) -> tuple[Votes, str]:
    """A panel's votes and what it was asked."""
    if study is None and not Path(name).is_file():
        raise UsageFault(f"{name} is no file of votes: for a panel of a study say --study STUDY")
    data = load_study(study or name, workspace, scale, stimuli)
    panels = sorted(set(data.votes["panel"]))
    if study is not None and name not in panels:
        raise UsageFault(f"study {data.name} has no panel {name!r}; it has: {', '.join(panels)}")
    asked = question or data.main_question
    tasks = data.meta.get("panel_tasks") or {}
    votes = data.as_votes(name if study is not None else None, asked)
    if not len(votes):
        raise UsageFault(f"{name} has no votes on the question {asked!r}")
    return votes, str(tasks.get(name, ""))


def _write(found: Comparison, out: Path) -> None:
    from mos.exports.tables import write_csv
    from workspace.files import write_json

    write_csv(out / "images.csv", found.images)
    write_csv(out / "groups.csv", found.groups)
    write_json(out / "comparison.json", found.as_dict())


def _tell(found: Comparison, first: str, second: str) -> None:
    say(f"{found.verdict.upper()}: {found.reason}")
    if found.confounded:
        say(f"CONFOUNDED BY TASK: {'; '.join(found.confounded)}: a difference may come from what was asked")
    bias = found.bias
    rows: list[tuple[Any, ...]] = [
        ("common images", found.common),
        ("observers", f"{found.observers[0]} and {found.observers[1]}"),
        (f"{first} - {second}, these images", f"{bias.value:.2f} [{bias.low:.2f}, {bias.high:.2f}]"),
        (f"{first} - {second}, images like these", f"{bias.value:.2f} [{bias.wide_low:.2f}, {bias.wide_high:.2f}]"),
        ("slope (Deming)", str(found.slope)),
        ("PLCC, SROCC of the panels' MOS", f"{found.plcc:.3f}, {found.srocc:.3f}"),
        ("smallest margin with 80 % power", f"{found.smallest_margin:.2f}"),
        (f"votes of {first} worth one of {second}", _exchange(found)),
    ]
    say_table(rows, ("what", "value"))
    marked = found.groups.loc[found.groups["p_holm"] < 0.05]
    if len(marked):
        columns = ["grouping", "name", "images", "difference", "ci95_low", "ci95_high"]
        lines = marked[columns].itertuples(index=False, name=None)
        table = [
            (grouping, name, images, f"{gap:.2f} [{low:.2f}, {high:.2f}]") for grouping, name, images, gap, low, high in lines
        ]
        say("")
        say_table(table, ("grouping", "name", "images", "difference"))
    if any(found.only):
        hint(f"images rated by one panel only, left out: {found.only[0]} and {found.only[1]}")


def _exchange(found: Comparison) -> str:
    rate = found.exchange
    if rate.votes is None:
        return f"- ({rate.reason})"
    ends = f" [{rate.low:.1f}, {rate.high:.1f}]" if rate.low is not None and rate.high is not None else ""
    return f"{rate.votes:.1f}{ends}"
