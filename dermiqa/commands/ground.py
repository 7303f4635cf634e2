"""Verbs of the ground floor: init, verify."""

from __future__ import annotations

from pathlib import Path

import click

from dermiqa.commands.common import current_workspace, example, hint, json_option, say, say_json, workspace_option


@click.command(**example("dermiqa init skin-study"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="The project's name (default: the folder's).")
def init(folder: Path, name: str | None) -> None:
    """Make a workspace in FOLDER: a commented dermiqa.toml, checked on every read."""
    from workspace.places import require_safe_for_sqlite
    from workspace.settings import Workspace, create

    require_safe_for_sqlite(Workspace(folder.resolve()).database_url)
    made = create(folder, name=name)
    say(f"made {made.root / 'dermiqa.toml'}")
    hint(f"next: cd {folder} && dermiqa prepare PHOTOS")


@click.command(**example("dermiqa verify"))
@workspace_option
@json_option
def verify(workspace: Path | None, as_json: bool) -> int:
    """Check every file against its hashes and every table against every other; one line per fault, exit 1."""
    from dermiqa.checks import all_faults

    place = current_workspace(workspace)
    faults = list(all_faults(place))
    if as_json:
        say_json({"workspace": str(place.root), "faults": faults})
    else:
        for fault in faults:
            say(fault)
        say(f"{len(faults)} faults in {place.root}" if faults else f"{place.root}: everything agrees")
    return 1 if faults else 0
