"""Verbs of the distortion engine: distort, sheet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import (
    bar,
    current_workspace,
    example,
    hint,
    json_option,
    say,
    say_json,
    workspace_option,
)

if TYPE_CHECKING:
    from distort.recipes import Recipe
    from workspace.settings import Workspace


def recipe_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--recipe`, received as `recipe_name` (None: the workspace's own)."""
    return click.option("--recipe", "recipe_name", help="paper, kadid, kadid-seven, or a TOML file (default: dermiqa.toml's).")(
        function
    )


def chosen_recipe(place: Workspace, name: str | None) -> Recipe:
    """The recipe said, else the one of the settings; a TOML file named there is looked up from the workspace's folder."""
    from distort.recipes import load_recipe

    if name:
        return load_recipe(name)
    own = place.settings.recipe
    return load_recipe(place.root / own if own.endswith(".toml") else own)


@click.command(**example("dermiqa distort --recipe paper --jobs 2"))
@recipe_option
@click.option("--jobs", "-j", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
@click.option("--dask", metavar="ADDRESS", help="A Dask scheduler that computes instead, e.g. tcp://host:8786.")
@workspace_option
@json_option
def distort(recipe_name: str | None, jobs: int, dask: str | None, workspace: Path | None, as_json: bool) -> int:
    """Make every variant of every accepted photo, and manifest.csv; run it again to go on after a stop."""
    from distort.engine import Totals, count, run

    place = current_workspace(workspace)
    recipe = chosen_recipe(place, recipe_name)
    photos, left_out = count(place, recipe)
    totals = Totals()
    work = run(place, recipe, jobs=jobs, dask=dask, totals=totals)
    images = (image for _ in work for image in recipe.variants)
    deque(bar(images, total=photos * len(recipe.variants), what="distort"), maxlen=0)
    for fault in totals.faults:
        click.echo(f"dermiqa: {fault}", err=True)
    if as_json:
        say_json({"workspace": str(place.root), "recipe": recipe.name, "left_out": left_out, **vars(totals)})
    else:
        more = f", {totals.removed} former ones removed" if totals.removed else ""
        said = f", {left_out} photos left out by sources.csv" if left_out else ""
        say(f"{totals.photos} photos x {len(recipe.variants)}: {totals.made} images made, {totals.kept} kept{more}{said}")
        say(f"{place.distorted / recipe.name} and {place.manifest} ({totals.rows} rows)")
        hint("next: dermiqa sheet")
    return 1 if totals.faults else 0


@click.command(**example("dermiqa sheet P0001 --axis blur"))
@click.argument("photos", nargs=-1)
@recipe_option
@click.option("--axis", "axes", multiple=True, help="Only this axis (may be said again); no sheets of single photos.")
@click.option("--rows", type=click.IntRange(1, 200), default=12, show_default=True, help="Photos on an axis's sheet.")
@click.option("--size", type=click.IntRange(32, 2048), default=256, show_default=True, help="Largest side of a picture, px.")
@workspace_option
@json_option
def sheet(
    photos: tuple[str, ...],
    recipe_name: str | None,
    axes: tuple[str, ...],
    rows: int,
    size: int,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Draw contact sheets: one for each photo (or of PHOTOS only) and one for each axis, with names and parameters."""
    from distort.sheet import axis_sheets, photo_sheets

    place = current_workspace(workspace)
    recipe = chosen_recipe(place, recipe_name).name
    files: list[Path] = []
    if not axes:
        files += bar(photo_sheets(place, recipe, names=photos, side=size), total=None, what="sheets", unit="sheet")
    if axes or not photos:
        files += axis_sheets(place, recipe, axes=axes, rows=rows, side=size)
    if as_json:
        say_json([str(path) for path in files])
    else:
        say(f"{len(files)} contact sheets in {place.reports / 'sheets' / recipe}")
