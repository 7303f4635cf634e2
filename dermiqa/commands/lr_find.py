"""Verb of the learning-rate range test: lr-find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dermiqa.commands.common import bar, counted, example, json_option, say, say_json
from dermiqa.commands.training import PathType, data_options, settings_options


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
    trainer = trainer_for(config, inputs, [], out, cache_dir, join(config.device), counted("cache"))[0]
    tried = list(bar(range_test(trainer, low=low, high=high, steps=steps), total=steps, what="lr-find", unit="step"))
    found = suggest(tried)
    files = write(tried, found, out)
    if as_json:
        say_json({**found, "files": [str(path) for path in files]})
    else:
        say(f"suggested peak learning rate {found['suggested']:.1e} (steepest at {found['steepest']:.1e}; the paper: 2e-04)")
        say(f"{files[1]}")
