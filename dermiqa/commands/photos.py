"""Verbs of photos: prepare, sources."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

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


@click.command(**example("dermiqa prepare photos/ --metadata credits.csv --jobs 2"))
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--keep-names", is_flag=True, help="Call photos as their files (for public photos: names may tell patients).")
@click.option(
    "--metadata", type=click.Path(path_type=Path, dir_okay=False), help="A CSV with a column file and any of sources.csv's."
)
@click.option("--jobs", "-j", type=click.IntRange(1), default=1, show_default=True, help="Worker processes.")
@click.option(
    "--yunet", type=click.Path(path_type=Path, dir_okay=False), help="OpenCV's YuNet face model, to look for faces with it too."
)
@workspace_option
@json_option
def prepare(
    photos: tuple[Path, ...],
    keep_names: bool,
    metadata: Path | None,
    jobs: int,
    yunet: Path | None,
    workspace: Path | None,
    as_json: bool,
) -> int:
    """Bring PHOTOS (folders or files of any picture format) in as pristine 8-bit sRGB PNG, with a row each in sources.csv.

    Orientation, colour profile, crop, rotation and masks are applied; no metadata comes along. The same command again makes
    only what is new, changed or damaged. Exit 1 when a file was refused.
    """
    from distort.intake.prepare import Preparation

    place = current_workspace(workspace)
    run = Preparation(place, photos, keep_names=keep_names, metadata=metadata, jobs=jobs, yunet=yunet)
    results = list(bar(run, total=len(run), what="prepare", unit="photo"))
    counts = Counter(result.state for result in results)
    flags = Counter(flag.partition(":")[0] for result in results for flag in result.flags)
    faults = [result for result in results if result.state == "refused"]
    twins = [result for result in results if result.state == "same"]
    if as_json:
        say_json(
            {
                "pristine": str(place.pristine),
                **{state: counts[state] for state in ("prepared", "kept", "same", "refused")},
                "files": [
                    {"file": r.label, "state": r.state, "name": r.name, "reason": r.reason, "flags": list(r.flags)}
                    for r in results
                ],
            }
        )
        return 1 if faults else 0
    for result in faults:
        say(f"refused {result.label}: {result.reason}")
    for result in twins:
        say(f"left out {result.label}: the same photo as {result.name}")
    if run.sidecar:
        for line in run.sidecar.hints():
            hint(line)
    for flag, count in sorted(flags.items()):
        hint(f"{count} {'photo is' if count == 1 else 'photos are'} flagged {flag}: see flags in sources.csv")
    left = f"{counts['same']} the same, {counts['refused']} refused"
    say(f"{counts['prepared']} photos prepared, {counts['kept']} kept, {left}: {place.pristine}")
    hint("next: dermiqa sources, then dermiqa distort")
    return 1 if faults else 0
