"""Where `static/` and `templates/` lie: inside the installed package, else at the repository's root."""

from __future__ import annotations

from pathlib import Path

from workspace.errors import WorkspaceFault


def asset_folder(name: str) -> Path:
    """The folder `static` or `templates`. Raises WorkspaceFault when the installation lacks it."""
    here = Path(__file__).resolve().parent.parent
    for place in (here / "annotate_app" / name, here / name):
        if place.is_dir():
            return place
    raise WorkspaceFault(f"the folder {name}/ is missing from this installation of dermiqa: install it again")
