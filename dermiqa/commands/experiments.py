"""Verbs of experiments: experiment, evaluate, lr-find."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import example, hint, is_quiet, json_option, say, say_json, say_table
from dermiqa.commands.training import PathType, data_options, models_folder, settings_options

if TYPE_CHECKING:
    from train.experiment import Experiment
    from train.roots import Root


@click.command(**example("dermiqa experiment paper --dry-run"))
@click.argument("config", metavar="CONFIG", type=PathType)
@click.option("--out", type=PathType, help="The experiment's folder; several machines may share it (default: its name).")
@click.option("--datasets", "roots_file", type=PathType, help="The file that says where sets lie (default: datasets.toml).")
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
    from train.experiment import SHIPPED, inputs_of, read_experiment, state, without_test_only
    from train.parallel import in_turn, join, leave
    from train.roots import read_roots

    made = read_experiment(SHIPPED if str(config) == "paper" else config)
    roots = read_roots(roots_file)
    if dry_run:
        return _dry_run(made, roots, device, timed, as_json)
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
    return 1 if faults else 0


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
    for planned, event in run_all(made, inputs, folder, cache_dir, world):
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


def _dry_run(made: Experiment, roots: dict[str, Root], device: str, timed: int, as_json: bool) -> int:
    """Print sets, models and totals; sets that are missing are taken at their published size."""
    from train.dry_run import costs, counts, disk, summary
    from train.experiment import without_test_only
    from train.parallel import join

    kinds, images, rows = _sets(made, roots)
    made = without_test_only(made, kinds)
    parts = counts(made, kinds, images)
    world = join(device)
    hint(f"timing {timed} steps of each model on {world.device} (at most a minute each) ...")
    found = costs(made, parts, world, timed=timed)
    totals = summary(made, found, disk(made, images, found))
    if as_json:
        say_json({**totals, "sets": [dict(zip(("set", "images", "parts", "place"), row, strict=True)) for row in rows]})
        return 0
    say_table(
        [(name, f"{n:,}", *(f"{v:,}" for v in parts[name]), place) for name, n, place in rows],
        ("set", "images", "train", "val", "test", "where"),
    )
    say("")
    heads = ("model", "input px", "runs", "steps", "ms a step", "timed", "hours")
    say_table(
        [
            (c.model, c.size, c.runs, f"{c.steps:,}", f"{1000 * c.timing.step:,.0f}", c.timing.steps, f"{c.hours:,.1f}")
            for c in found
        ],
        heads,
    )
    say("")
    sizes = totals["gigabytes"]
    say(
        f"{totals['runs']} runs, {totals['hours']:,.1f} hours on {world.device} alone (divide by the machines that share the folder)"
    )
    say(
        f"disk: cache {sizes['cache']} GB, finished runs {sizes['runs']} GB, checkpoint of a run in work {sizes['checkpoint']} GB"
    )
    missing = [name for name, _, place in rows if place.startswith("missing")]
    if missing:
        say(f"missing: {', '.join(missing)} (counted at their published size); write where they lie into datasets.toml")
    return 0


def _sets(made: Experiment, roots: dict[str, Root]) -> tuple[dict[str, str], dict[str, int], list[tuple[str, int, str]]]:
    """Reader, image count and place of each set; a user's set that is missing counts as the paper's 1,900 images."""
    from train.datasets import facts, names

    kinds, images, rows = {}, {}, []
    for name in made.sets:
        root = roots.get(name)
        kinds[name] = root.kind if root else name if name in names() else "dermiqa"
        known = facts(kinds[name])
        images[name] = len(root.load().table) if root else known.count or 1900
        where = str(root.folder) if root else f"missing{': ' + known.address if known.address else ''}"
        rows.append((name, images[name], where))
    return kinds, images, rows


@click.command(**example("dermiqa evaluate models/ --compare"))
@click.argument("runs", nargs=-1, type=PathType)
@click.option("--predictions", type=PathType, help="Measure another model's outputs: a CSV file,score[,split].")
@click.option("--set", "set_name", metavar="SET", help="The set that --predictions is about.")
@click.option("--name", default="other model", show_default=True, help="The other model's name in tables.")
@click.option("--trained-on", default="", help="What the other model was trained on, for tables.")
@click.option("--splits", "splits_folder", type=PathType, help="Folder of split files, NAME.csv per set.")
@click.option("--baselines", metavar="SET", help="Fit and measure the baselines on this set's splits.")
@click.option("--out", type=PathType, help="Where --predictions and --baselines leave their folders (default: models/).")
@click.option("--compare", is_flag=True, help="Paired tests between the models of RUNS.")
@click.option("--by", is_flag=True, help="Results per variant, axis, level, source, subject, skin tone.")
@json_option
def evaluate(
    runs: tuple[Path, ...], predictions: Path | None, set_name: str | None, name: str, trained_on: str, splits_folder: Path | None,
    baselines: str | None, out: Path | None, compare: bool, by: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure finished RUNS with intervals; or another model's predictions, or the baselines, into the same tables."""
    from train.tables import find_runs
    from workspace.errors import UsageFault

    places: Sequence[Path] = runs or [models_folder()]
    if predictions:
        if not set_name:
            raise UsageFault("--predictions needs --set SET: which images are these outputs of?")
        places = _measured(predictions, set_name, {"model": name, "training": trained_on, "kind": "external"}, splits_folder, out)
    elif baselines:
        places = _baselines(baselines, splits_folder, out)
    found = find_runs(places)
    if compare:
        _say_comparison(found, as_json)
    elif as_json:
        say_json(found)
    else:
        _say_results(found, by)


def _one_set(text: str, splits_folder: Path | None) -> tuple[Any, Any]:
    """The set that is meant and its split frame (five random splits by group where no folder is given)."""
    from train.roots import read_roots
    from train.sources import gather, parse
    from train.splits import Rule

    root = parse(text, read_roots())
    inputs = gather([root], [], Rule(), seed=0, n=5, folder=splits_folder)
    return inputs.loaded[root.name], inputs.splits[root.name]


def _measured(path: Path, text: str, row: dict[str, str], splits_folder: Path | None, out: Path | None) -> list[Path]:
    from train.outside import measure, read_predictions, split_numbers, write

    frame = read_predictions(path)
    loaded, split = _one_set(text, splits_folder)
    place = (out or models_folder()) / row["model"].replace(" ", "-").replace("/", "-")
    for number in split_numbers(frame, split):
        results, kept = measure(frame, loaded, split, number, row, str(path))
        write(place / f"split{number}", results, kept, f"Outputs of another model, read from {path.name}.")
    return [place]


def _baselines(text: str, splits_folder: Path | None, out: Path | None) -> list[Path]:
    from dermiqa.commands.common import bar
    from train.baselines import run_baselines

    loaded, split = _one_set(text, splits_folder)
    place = (out or models_folder()) / "baselines"
    work = run_baselines(loaded, split, place)
    list(bar(work, total=None, what="baselines", unit="fit"))
    return [place]


def _say_results(found: list[dict[str, Any]], by: bool) -> None:
    from train.card import number

    def interval(part: dict[str, Any], key: str) -> str:
        low, high = part.get(f"{key}_low"), part.get(f"{key}_high")
        return number(part[key]) + (f" [{low:.3f}, {high:.3f}]" if low is not None else "")

    rows = []
    for run in found:
        for name, results in run["sets"].items():
            for part in ("train", "val", "test"):
                if part in results:
                    m = results[part]
                    rows.append(
                        (run["row"]["model"], run["row"]["training"], run["split"], run["titles"][name], part, m["n"], interval(m, "plcc"),
                         number(m["plcc_mapped"]), interval(m, "srocc"), number(m["krcc"]), number(m["rmse"], 3))
                    )  # fmt: skip
    say_table(rows, ("model", "trained on", "split", "set", "part", "n", "PLCC", "mapped", "SROCC", "KRCC", "RMSE"))
    if by:
        for run in found:
            _say_kinds(run, interval)
    if any(run["simulated"] for run in found):
        say("SIMULATED VOTES are among these: such figures say nothing about what people see")


def _say_kinds(run: dict[str, Any], interval: Any) -> None:
    from train.card import number

    for name, results in run["sets"].items():
        rows = [
            (m["kind"], m["value"], m["n"], interval(m, "plcc"), interval(m, "srocc"), number(m["rmse"], 3), f"{m['bias']:+.2f}")
            for m in results.get("by", [])
        ]
        if rows:
            say(f"\n{run['row']['model']} on {run['row']['training']}, split {run['split']}, test part of {run['titles'][name]}")
            say_table(rows, ("kind", "value", "n", "PLCC", "SROCC", "RMSE", "bias"))


def _say_comparison(found: list[dict[str, Any]], as_json: bool) -> None:
    from train.compare import compare
    from train.tables import tables

    rows = []
    for title in tables(found)[0].columns[:-1]:
        models = {(run["row"]["model"], run["row"]["training"]) for run in found if title in run["titles"].values()}
        if len(models) > 1:
            rows += [row for measure in ("plcc", "srocc") for row in compare(found, title, measure)]
    if as_json:
        say_json(rows)
        return
    signed = ("difference", "low", "high", "within_difference", "within_low", "within_high")
    shown = []
    for r in rows:
        values = [_signed(r[key]) for key in signed]
        shown.append(
            (
                r["test"],
                r["first"],
                r["second"],
                r["measure"],
                r["splits"],
                *values[:3],
                _p(r["p_holm"]),
                *values[3:],
                r["reason"],
            )
        )
    heads = (
        "set",
        "first",
        "second",
        "measure",
        "splits",
        "difference",
        "low",
        "high",
        "p (Holm)",
        "one split",
        "low",
        "high",
        "remark",
    )
    say_table(shown, heads)
    say("difference: first minus second over common splits, Nadeau-Bengio t; one split: the same images, groups resampled")


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


@click.command(name="lr-find", **example("dermiqa lr-find exports/dermiqa --model lite0 --input 128"))
@click.argument("sets", nargs=-1, required=True, metavar="SETS...")
@click.option("--out", type=PathType, default=Path("lr-find"), show_default=True, help="Where table and plot go.")
@click.option("--steps", type=click.IntRange(10), default=100, show_default=True, help="Steps of the test.")
@click.option("--low", type=float, default=1e-7, show_default=True)
@click.option("--high", type=float, default=1.0, show_default=True)
@settings_options
@data_options
@json_option
def lr_find(
    sets: tuple[str, ...], out: Path, steps: int, low: float, high: float, splits_folder: Path | None, cache_dir: Path | None,
    as_json: bool, **said: Any,
) -> None:  # fmt: skip
    """Find a peak learning rate for SETS by a range test: the rate rises until the loss blows up."""
    from dermiqa.commands.common import bar
    from train.config import make
    from train.lr_find import range_test, suggest, write
    from train.parallel import join
    from train.roots import read_roots
    from train.run import trainer_for
    from train.sources import gather, parse
    from train.splits import Rule

    trained = [parse(text, read_roots()) for text in sets]
    config = make({**{k: v for k, v in said.items() if v is not None}, "sets": [root.name for root in trained]}, "the options")
    inputs = gather(trained, [], Rule(), seed=0, n=max(5, config.split), folder=splits_folder)
    trainer = trainer_for(config, inputs, [], out, cache_dir, join(config.device))[0]
    tried = list(bar(range_test(trainer, low=low, high=high, steps=steps), total=steps, what="lr-find", unit="step"))
    found = suggest(tried)
    files = write(tried, found, out)
    if as_json:
        say_json({**found, "files": [str(path) for path in files]})
    else:
        say(f"suggested peak learning rate {found['suggested']:.1e} (steepest at {found['steepest']:.1e}; the paper: 2e-04)")
        say(f"{files[1]}")
