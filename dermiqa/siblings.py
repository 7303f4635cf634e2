"""Generic names can be hidden by a user's own `train.py` or `db.py`: the sibling packages must be our own."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path

from workspace.errors import UsageFault

SIBLINGS = ("workspace", "distort", "annotate_app", "train", "db", "mos")


def check_siblings() -> None:
    """Raise UsageFault naming the file that hides one of the sibling packages, or the package that is missing."""
    home = Path(__file__).resolve().parent.parent
    for name in SIBLINGS:
        loaded = sys.modules.get(name)
        origin = getattr(loaded, "__file__", None)
        if origin is None:
            spec = PathFinder.find_spec(name)
            origin = spec.origin if spec else None
        if origin is None:
            raise UsageFault(f"the package {name} of dermiqa is not installed: install dermiqa again")
        found = Path(origin).resolve()
        if home not in found.parents:
            raise UsageFault(f"{found} hides dermiqa's own package {name!r}: rename it or start in another folder")
