"""Verb of experiments: experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import counted, example, hint, is_quiet, json_option, say, say_json
from dermiqa.commands.training import PathType

if TYPE_CHECKING:
    from train.experiment import Experiment
    from train.roots import Root


@click.command(**example("dermiqa experiment paper --dry-run"))
@click.argument("config", metavar="CONFIG", type=PathType)
@click.option("--out", type=PathType, help="The experiment's folder; several machines may share it (default: its name).")
@click.option(
    "--roots", "--datasets", "roots_file", type=PathType, help="The file that says where sets lie (default: datasets.toml)."
)
@click.option("--cache-dir", type=PathType, help="Where decoded images are kept.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--dry-run", is_flag=True, help="Say what it would take: runs, disk, hours from steps timed here.")
@click.option("--timed", type=click.IntRange(1, 1000), default=50, show_default=True, help="Steps timed per model by --dry-run.")
@json_option
def experiment(
    config: Path,
    out: Path | None,
    roots_file: Path | None,
    cache_dir: Path | None,
    device: str,
    dry_run: bool,
    timed: int,
    as_json: bool,
) -> int:
    """Do the matrix of CONFIG (a TOML file, or `paper`): models x training sets x splits; it goes on after a stop."""
    from dermiqa.commands.dry_run import dry_run as dry_run_of
    from train.experiment import SHIPPED, inputs_of, read_experiment, state, without_test_only
    from train.parallel import end, in_turn, join, leave
    from train.roots import read_roots

    made = read_experiment(SHIPPED if str(config) == "paper" else config)
    roots = read_roots(roots_file)
    if dry_run:
        return dry_run_of(made, roots, device, timed, cache_dir, as_json)
    chosen = _present(made, roots)
    made = without_test_only(made, {root.name: root.kind for root in chosen})
    folder = out or Path(made.name)
    world = join(device)
    try:
        inputs = in_turn(world, lambda: inputs_of(made, chosen, folder))
        faults = _do(made, inputs, folder, cache_dir, world)
    finally:
        leave(world)
    found = state(made, folder)
    if as_json and world.first:
        say_json({"folder": str(folder), "faults": faults, **found})
    elif world.first:
        say(f"{len(found['finished'])} of {len(made.runs())} runs finished, {len(found['claimed'])} in work elsewhere")
        hint(f"next: dermiqa tables {folder}")
    code = 1 if faults else 0
    end(world, code)
    return code


def _present(made: Experiment, roots: dict[str, Root]) -> list[Root]:
    from workspace.errors import UsageFault

    missing = [name for name in made.sets if name not in roots]
    if missing:
        raise UsageFault(
            f"datasets.toml says nothing about {', '.join(missing)}: add where they lie, or take them out of a copy of the experiment"
        )
    return [roots[name] for name in made.sets]


def _do(made: Experiment, inputs: Any, folder: Path, cache_dir: Path | None, world: Any) -> list[str]:
    """Run behind two bars: the matrix, and the steps of the run in work. Gives the faults, one line each."""
    from tqdm import tqdm

    from train.experiment import Skipped, run_all
    from train.fit import Step
    from train.run import Finished

    runs = made.runs()
    quiet = is_quiet() or not world.first
    matrix = tqdm(total=len(runs), desc="experiment", unit="run", disable=quiet, ncols=100)
    steps: Any = tqdm(total=1, desc="run       ", unit="step", disable=quiet, ncols=100, leave=False)
    faults = []
    for planned, event in run_all(made, inputs, folder, cache_dir, world, counted("cache")):
        if isinstance(event, Step):
            steps.total, steps.n = event.total, event.number
            steps.set_postfix_str(planned.key, refresh=False)
            steps.update(0)
        elif isinstance(event, Finished):
            matrix.update(1)
        elif isinstance(event, Skipped) and event.fault:
            faults.append(f"{event.key}: {event.fault}")
            click.echo(f"dermiqa: {faults[-1]}", err=True)
    steps.close()
    matrix.close()
    return faults
