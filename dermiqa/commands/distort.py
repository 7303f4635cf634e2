"""Verbs of the distortion engine: catalogue, preview, distort, sheet, gallery."""

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
    say_table,
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


def dncnn_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--dncnn`, the weights file of type 15."""
    return click.option("--dncnn", type=click.Path(path_type=Path), help="ONNX file with DnCNN's weights, for type 15.")(function)


def chosen_recipe(place: Workspace, name: str | None, dncnn: Path | None = None) -> Recipe:
    """The recipe said, else the one of the settings; a TOML file named there is looked up from the workspace's folder."""
    from distort.recipes import load_recipe

    own = place.settings.recipe
    return load_recipe(name or (place.root / own if own.endswith(".toml") else own), dncnn=dncnn)


def _recipe_id(place: Workspace, name: str | None) -> str:
    """A recipe's name alone: the folder under distorted/ if there is one, so that no weights need to be named again."""
    if name and (place.distorted / name).is_dir():
        return name
    own = name or place.settings.recipe
    return own if not own.endswith(".toml") else chosen_recipe(place, name).name


def _warn_of_substitute(recipe: Recipe) -> None:
    if any(step.number == 115 for variant in recipe.variants for step in variant.steps):
        hint("denoise_nlm stands in for KADID's type 15, whose weights were not named (--dncnn FILE); it is not KADID's")


@click.command(**example("dermiqa catalogue --type jpeg"))
@click.option("--type", "word", help="Only this type, by number or name.")
@json_option
def catalogue(word: str | None, as_json: bool) -> None:
    """Print the catalogue: every distortion with its five levels, unit, and whether it is random."""
    from distort.catalogue import CATALOGUE, find

    found = [find(word)] if word else list(CATALOGUE.values())
    if as_json:
        keys = ("number", "name", "family", "summary", "levels", "unit", "low", "high", "random", "identity_levels", "origin")
        say_json([{key: getattr(d, key) for key in keys} for d in found])
        return
    rows = []
    for d in found:
        levels = [f"{value:g}" + ("=" if k in d.identity_levels else "") for k, value in enumerate(d.levels, start=1)]
        rows.append([f"{d.number:02d}", d.name, *levels, d.unit, "yes" if d.random else ""])
    say_table(rows, ["type", "name", "1", "2", "3", "4", "5", "unit", "random"])
    if word:
        say(f"{found[0].summary}\nSource: {found[0].origin}")
    hint("= changes nothing; what each does, with pictures: docs/distortions.md")


@click.command(**example("dermiqa preview photo.jpg --recipe kadid-seven"))
@click.argument("photo", type=click.Path(path_type=Path))
@recipe_option
@dncnn_option
@click.option("--out", type=click.Path(path_type=Path), help="Where the contact sheet goes (default: PHOTO_RECIPE.png here).")
@click.option("--size", type=click.IntRange(32, 2048), default=256, show_default=True, help="Largest side of a picture, px.")
@workspace_option
@json_option
def preview(
    photo: Path, recipe_name: str | None, dncnn: Path | None, out: Path | None, size: int, workspace: Path | None, as_json: bool
) -> None:
    """Show what a recipe makes of one PHOTO (a file, or a prepared photo's name) before a run; needs no workspace."""
    from distort.png import write_png
    from distort.preview import ladder, prepared
    from distort.recipes import load_recipe
    from workspace.errors import WorkspaceFault
    from workspace.settings import Settings

    try:
        place = current_workspace(workspace)
        recipe, settings = chosen_recipe(place, recipe_name, dncnn), place.settings
        path = photo if photo.exists() else place.pristine / f"{photo.name}.png"
    except WorkspaceFault:
        recipe, settings, path = load_recipe(recipe_name or "paper", dncnn=dncnn), Settings(), photo
    rgb = prepared(path if path.exists() else photo, settings.largest_side)
    rungs, sheet_picture = ladder(rgb, recipe, seed=settings.seed, title=path.stem, side=size)
    target = out or Path(f"{path.stem}_{recipe.name}.png")
    write_png(target, sheet_picture)
    if as_json:
        rows = [{**vars(rung), "psnr": None if rung.psnr == float("inf") else rung.psnr} for rung in rungs]
        say_json({"photo": str(path), "recipe": recipe.name, "sheet": str(target), "variants": rows})
    else:
        table = [[r.variant, r.axis, r.parameters, f"{r.psnr:.1f}", f"{r.ssim:.3f}", f"{r.clipped:.1%}"] for r in rungs]
        say_table(table, ["variant", "axis", "parameter", "PSNR dB", "SSIM", "clipped"])
        say(f"contact sheet: {target}")
    _warn_of_substitute(recipe)


@click.command(**example("dermiqa distort --recipe paper --jobs 2"))
@recipe_option
@click.option("--jobs", "-j", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
@dncnn_option
@click.option("--dask", metavar="ADDRESS", help="A Dask scheduler that computes instead, e.g. tcp://host:8786.")
@workspace_option
@json_option
def distort(
    recipe_name: str | None, jobs: int, dncnn: Path | None, dask: str | None, workspace: Path | None, as_json: bool
) -> int:
    """Make every variant of every accepted photo, and manifest.csv; run it again to go on after a stop."""
    from distort.engine import Totals, count, run

    place = current_workspace(workspace)
    recipe = chosen_recipe(place, recipe_name, dncnn)
    _warn_of_substitute(recipe)
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
        said += f", {len(totals.faults)} photos failed" if totals.faults else ""
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
    recipe = _recipe_id(place, recipe_name)
    files: list[Path] = []
    if not axes:
        files += bar(photo_sheets(place, recipe, names=photos, side=size), total=None, what="sheets", unit="sheet")
    if axes or not photos:
        files += axis_sheets(place, recipe, axes=axes, rows=rows, side=size)
    if as_json:
        say_json([str(path) for path in files])
    else:
        say(f"{len(files)} contact sheet{'s' * (len(files) != 1)} in {place.reports / 'sheets' / recipe}")


@click.command(**example("dermiqa gallery --recipe paper"))
@recipe_option
@click.option("--out", type=click.Path(path_type=Path), help="The folder (default: reports/gallery/RECIPE in the workspace).")
@workspace_option
@json_option
def gallery(recipe_name: str | None, out: Path | None, workspace: Path | None, as_json: bool) -> None:
    """Write a folder that opens from disk: pristine and variant under a slider, filters by axis and flag."""
    from distort.gallery import write_gallery

    place = current_workspace(workspace)
    recipe = _recipe_id(place, recipe_name)
    folder = out or place.reports / "gallery" / recipe
    count = write_gallery(place, recipe, folder)
    if as_json:
        say_json({"folder": str(folder), "images": count})
    else:
        say(f"{count} images: open {folder / 'index.html'}")
