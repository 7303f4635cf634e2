"""The verb prepare: photos come in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dermiqa.commands.common import bar, current_workspace, example, hint, json_option, say, say_json, workspace_option

if TYPE_CHECKING:
    from distort.intake.prepare import Preparation, Result
    from workspace.settings import Workspace


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
    told = _Told(keep_all=as_json)
    for result in bar(run, total=len(run), what="prepare", unit="photo"):
        told.add(result)
    if as_json:
        say_json({"pristine": str(place.pristine), **told.counts(), "files": told.files})
    else:
        _say_told(told, place, run)
    return 1 if told.states["refused"] else 0


class _Told:
    """What a run told, counted as it came; results that ask for a line (refused, same) are kept, all of them for JSON."""

    def __init__(self, *, keep_all: bool) -> None:
        self.keep_all = keep_all
        self.states: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.files: list[dict[str, Any]] = []

    def add(self, result: Result) -> None:
        """Count one file."""
        self.states[result.state] += 1
        self.flags.update(flag.partition(":")[0] for flag in result.flags)
        if self.keep_all or result.state in ("refused", "same"):
            self.files.append(
                {
                    "file": result.label,
                    "state": result.state,
                    "name": result.name,
                    "reason": result.reason,
                    "flags": list(result.flags),
                }
            )

    def counts(self) -> dict[str, int]:
        """How many files became what."""
        return {state: self.states[state] for state in ("prepared", "kept", "same", "refused")}


def _say_told(told: _Told, place: Workspace, run: Preparation) -> None:
    """The run in lines: refused files, photos that are there already, passed-over columns, flags, counts."""
    for file in (file for file in told.files if file["state"] == "refused"):
        say(f"refused {file['file']}: {file['reason']}")
    for file in (file for file in told.files if file["state"] == "same"):
        say(f"left out {file['file']}: the same photo as {file['name']}")
    for line in run.sidecar.hints() if run.sidecar else ():
        hint(line)
    for flag, count in sorted(told.flags.items()):
        hint(f"{count} {'photo is' if count == 1 else 'photos are'} flagged {flag}: see flags in sources.csv")
    counts = told.counts()
    left = f"{counts['same']} the same, {counts['refused']} refused"
    say(f"{counts['prepared']} photos prepared, {counts['kept']} kept, {left}: {place.pristine}")
    hint("next: dermiqa sources, then dermiqa distort")
