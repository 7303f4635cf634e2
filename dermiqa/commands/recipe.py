"""The verbs of `dermiqa recipe`: a set as a small file, and the set rebuilt from it."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import click

from dermiqa.cli import LazyGroup
from dermiqa.commands.common import bar, current_workspace, example, hint, json_option, say, say_json, workspace_option
from dermiqa.commands.distort import chosen_recipe, dncnn_option, recipe_option

VERBS = {
    "export": ("dermiqa.commands.recipe:export", "Write a set as a small file without pixels."),
    "build": ("dermiqa.commands.recipe:build", "Rebuild a set from such a file and photos."),
}


@click.group(cls=LazyGroup, verbs=VERBS, **example("dermiqa recipe export --out set.json"))
def recipe() -> None:
    """A set as a small file that others rebuild it from."""


@click.command("export", **example("dermiqa recipe export --out set.json --images to-pass-on"))
@recipe_option
@click.option("--out", type=click.Path(path_type=Path), help="The file (default: exports/RECIPE.json in the workspace).")
@click.option(
    "--images", type=click.Path(path_type=Path), help="Also a folder with images, manifest, dataset card and Croissant."
)
@click.option("--include-closed", is_flag=True, help="With --images: also photos whose may_redistribute is not yes.")
@dncnn_option
@workspace_option
@json_option
def export(
    recipe_name: str | None,
    out: Path | None,
    images: Path | None,
    include_closed: bool,
    dncnn: Path | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Write recipe, versions and the hashes of all photos and results to a file without pixels."""
    from distort.card import export_folder
    from distort.rebuild import export_text
    from workspace.files import write_text

    place = current_workspace(workspace)
    chosen = chosen_recipe(place, recipe_name, dncnn)
    target = out or place.exports / f"{chosen.name}.json"
    write_text(target, export_text(place, chosen))
    found = export_folder(place, chosen, images, include_closed=include_closed) if images else None
    if as_json:
        say_json({"file": str(target), "bytes": target.stat().st_size, "images": str(images) if images else None})
        return
    say(f"{target} ({target.stat().st_size / 1000:,.0f} kB, no pixels)")
    if found:
        say(f"{images}: {found.images} images of {found.photos} photos, README.md, croissant.json")
    hint(f"rebuild it elsewhere: dermiqa recipe build {target.name} --photos DIR")


@click.command("build", **example("dermiqa recipe build set.json --photos photos/ --out rebuilt"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--photos", required=True, type=click.Path(path_type=Path), help="Folder with the originals or the pristine images."
)
@click.option("--out", type=click.Path(path_type=Path), help="The workspace to rebuild in (default: FILE's name, here).")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
@dncnn_option
@json_option
def build(file: Path, photos: Path, out: Path | None, jobs: int, dncnn: Path | None, as_json: bool) -> int:
    """Rebuild the set of FILE and say for each image: equal, same but for rounding, different, or photo missing."""
    from distort.engine import Totals, run
    from distort.rebuild import bring, read_export, recipe_of, tally, target_workspace, verdicts
    from workspace.files import write_rows

    value = read_export(file)
    made_by = recipe_of(value, dncnn)
    place = target_workspace(out or Path(file.stem), value, made_by)
    brought = dict(bar(bring(place, value, photos), total=len(value["photos"]), what="photos", unit="photo"))
    missing = {name: why for name, why in brought.items() if why}
    here = len(brought) - len(missing)
    totals = Totals()
    if here:
        work = (image for _ in run(place, made_by, jobs=jobs, totals=totals) for image in made_by.variants)
        deque(bar(work, total=here * len(made_by.variants), what="distort"), maxlen=0)
    found = list(verdicts(place, value, made_by, missing))
    report = place.reports / f"rebuild_{made_by.name}.csv"
    write_rows(report, [vars(verdict) for verdict in found], ["pristine", "variant", "state", "note"])
    counts = tally(found)
    if as_json:
        say_json({"workspace": str(place.root), **counts, "images": [vars(v) for v in found if v.state != "equal"]})
    else:
        for verdict in (v for v in found if v.state in ("different", "missing")):
            say(f"{verdict.pristine} {verdict.variant or 'pristine'}: {verdict.state} ({verdict.note})")
        say(
            f"{counts['equal']} equal, {counts['rounding']} same but for rounding, {counts['different']} different, "
            f"{counts['missing']} photo missing"
        )
        say(f"{place.root}, every image in {report}")
    return 1 if counts["different"] or counts["missing"] else 0
