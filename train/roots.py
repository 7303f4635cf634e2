"""Where the data sets lie: one TOML file for all of them, so that no command and no experiment names a folder twice."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train.datasets import facts, load, names
from train.datasets.base import LoadedSet
from workspace.errors import DatasetFault, UsageFault, nearest

FILE_NAME = "datasets.toml"
VARIABLE = "DERMIQA_DATASETS"
EXAMPLE = """\
# Where the data sets lie; folders are relative to this file.
kadid10k = "/data/kadid10k"
koniq10k = "/data/koniq10k"

# A set with options of its own, or a second one of a kind, gets a table; its name heads the column of the results.
[skin]
set = "dermiqa"
folder = "exports/skin"
question = "quality"

[mine]
set = "custom"
folder = "/data/mine"
low = 0
high = 100
"""


@dataclass(frozen=True)
class Root:
    """One set's place: the user's `name`, the `kind` that reads it, its folder, how scores reach [1, 10], the kind's options."""

    name: str
    kind: str
    folder: Path
    scale: str = "nominal"
    options: Mapping[str, Any] = field(default_factory=dict)

    def load(self, *, images: str = "all") -> LoadedSet:
        """Read the set; errors and `images` as in `train.datasets.load`."""
        return load(self.kind, self.folder, images=images, scale=self.scale, title=self.name, **self.options)


def find_roots(start: Path | None = None) -> Path | None:
    """The roots file in use: `DERMIQA_DATASETS`, else `datasets.toml` in `start` (default: here) or the nearest folder above."""
    said = os.environ.get(VARIABLE)
    if said:
        return Path(said)
    here = (start or Path.cwd()).resolve()
    return next((place / FILE_NAME for place in (here, *here.parents) if (place / FILE_NAME).is_file()), None)


def read_roots(path: Path | None = None) -> dict[str, Root]:
    """All sets of a roots file (default: `find_roots`), by name; empty when there is none.

    Raises DatasetFault for a file that can't be read, UsageFault naming the set, the key and what was expected.
    """
    path = path or find_roots()
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise DatasetFault(f"{path} can't be read ({fault.strerror}): it should say where each data set lies") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise DatasetFault(f"{path} is not valid TOML: {fault}") from None
    return {name: _root(path, name, value) for name, value in content.items()}


def chosen_roots(roots: Mapping[str, Root], wanted: Iterable[str]) -> list[Root]:
    """The named roots in that order, all of them when none is named. Raises UsageFault naming the nearest known one."""
    wanted = list(wanted)
    for name in wanted:
        if name not in roots:
            known = ", ".join(roots) or f"none: write a {FILE_NAME}"
            raise UsageFault(f"where {name} lies is not known{nearest(name, list(roots))}; known are {known}")
    return [roots[name] for name in wanted or roots]


def _root(path: Path, name: str, value: Any) -> Root:
    if isinstance(value, str):
        if name not in names():
            raise UsageFault(f"{path}: no data set {name!r}{nearest(name, names())}; a set of your own is a table with set = ...")
        return Root(name, name, path.parent / value)
    if not isinstance(value, dict):
        raise UsageFault(f"{path}: {name} = {value!r}, a folder or a table was expected")
    kind = value.get("set", name)
    if kind not in names():
        raise UsageFault(f"{path}: [{name}] set = {kind!r}{nearest(str(kind), names())}; known are {', '.join(names())}")
    if not isinstance(value.get("folder"), str):
        raise UsageFault(f"{path}: [{name}] has no folder: where does the set lie?")
    options = {key: option for key, option in value.items() if key not in ("set", "folder", "scale")}
    known = ["set", "folder", "scale", *facts(kind).options]
    for key in options:
        if key not in known:
            raise UsageFault(f"{path}: [{name}] has an unknown key {key!r}{nearest(key, known)}; known are {', '.join(known)}")
    return Root(name, kind, path.parent / value["folder"], str(value.get("scale", "nominal")), options)
