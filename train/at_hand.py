"""Which sets of datasets.toml a model can be trained on as they lie here, and why the others can't."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from train.datasets import facts
from train.datasets.base import LoadedSet
from train.roots import Root
from workspace.errors import DatasetFault, UsageFault


@dataclass(frozen=True)
class Set:
    """One set as it was found: `loaded` where it can be trained on, else `why` it is left out, in one line."""

    root: Root
    loaded: LoadedSet | None
    why: str = ""


def look(roots: Mapping[str, Root]) -> list[Set]:
    """Every set of a roots file: whole and rated by people, or the reason why it is left out. Reads labels and lists folders."""
    return [_seen(root) for root in roots.values()]


def _seen(root: Root) -> Set:
    if facts(root.kind).role == "test":
        return Set(root, None, "always a test set: models are compared on it")
    try:
        loaded = root.load()
    except (DatasetFault, UsageFault) as fault:
        return Set(root, None, str(fault))
    if loaded.simulated:
        return Set(root, None, "its votes are simulated: name it among the SETS to train on it all the same")
    return Set(root, loaded)
