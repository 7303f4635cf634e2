"""Which of an experiment's sets are here, whole or in part, and what is left to do before it can start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from train.datasets import facts, names
from train.experiment import Experiment
from train.roots import FILE_NAME, Root
from workspace.errors import DatasetFault

OWN_IMAGES = 1900


@dataclass(frozen=True)
class Sight:
    """One set as it was found. `images` is the count that plans rest on: read where labels are here, else as published.

    `state`: ready, labels alone, part of the images, unreadable or not here; `todo` is one line, empty when it is ready.
    """

    name: str
    kind: str
    title: str
    images: int
    state: str
    todo: str = ""
    folder: Path | None = None


def look(made: Experiment, roots: Mapping[str, Root]) -> list[Sight]:
    """Every set of an experiment, in its order; reads label files and lists folders, decodes nothing."""
    return [_seen(name, roots.get(name)) for name in made.sets]


def _seen(name: str, root: Root | None) -> Sight:
    kind = root.kind if root else name if name in names() else "dermiqa"
    known = facts(kind)
    title, published = (name if kind in ("dermiqa", "custom") else known.title), known.count or OWN_IMAGES
    if root is None:
        return Sight(name, kind, title, published, "not here", _wanted(name, kind))
    try:
        return Sight(name, kind, title, len(root.load()), "ready", folder=root.folder)
    except DatasetFault as fault:
        whole = str(fault)
    try:
        rows = len(root.load(images="none"))
    except DatasetFault:
        return Sight(name, kind, title, published, "unreadable", whole, root.folder)
    there = _present(root)
    todo = f"{rows - there:,} of {rows:,} images are missing in {root.folder}: finish the download, then `dermiqa dataset check {name}`"
    return Sight(name, kind, title, rows, "part of the images" if there else "labels alone", todo, root.folder)


def _present(root: Root) -> int:
    try:
        return len(root.load(images="present"))
    except DatasetFault:
        return 0


def _wanted(name: str, kind: str) -> str:
    """What to write into the roots file for a set that it says nothing about."""
    known = facts(kind)
    if kind == name and known.address:
        return f'download from {known.address}, then say {name} = "FOLDER" in {FILE_NAME}'
    return f'your own rated images: say [{name}], set = "dermiqa", folder = "exports/..." in {FILE_NAME} (`dermiqa export` leaves it)'
