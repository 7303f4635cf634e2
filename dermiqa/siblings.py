"""Generic names can be hidden by a user's own `train.py` or `db.py`: the sibling packages must be our own."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path

SIBLINGS = ("workspace", "distort", "annotate_app", "train", "db", "mos")


def hidden_sibling() -> str | None:
    """One line that names the file that hides a sibling package, or the package that is missing; None when all is well."""
    home = Path(__file__).resolve().parent.parent
    for name in SIBLINGS:
        origin = getattr(sys.modules.get(name), "__file__", None)
        if origin is None:
            spec = PathFinder.find_spec(name)
            origin = spec.origin if spec else None
        if origin is None:
            return f"the package {name} of dermiqa is not installed: install dermiqa again"
        found = Path(origin).resolve()
        if home not in found.parents:
            return f"{found} hides dermiqa's own package {name!r}: rename it or start in another folder"
    return None


def check_siblings() -> None:
    """Raise ImportError with that line; where the command line is being started, print it and end with exit 2."""
    fault = hidden_sibling()
    if fault is None:
        return
    if Path(sys.argv[0]).stem == "dermiqa" or sys.orig_argv[1:3] == ["-m", "dermiqa"]:
        sys.stderr.write(f"dermiqa: {fault}\n")
        raise SystemExit(2)
    raise ImportError(fault)
