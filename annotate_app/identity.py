"""A person's word for each photo that is not from a public source: no name, face or tattoo in it identifies anybody.

The words stand in `identity.csv`, each for a photo with its crop, rotation and masks: whoever changes those looks again. A photo
with a `source_url` counts as public.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from workspace.errors import WorkspaceFault
from workspace.files import lock, read_rows, sha256_bytes, write_rows
from workspace.settings import Workspace
from workspace.sources import read_sources, row_hash

COLUMNS = ["pristine", "looked_at", "by", "on"]
FILE = "identity.csv"


def looked_at(row: Mapping[str, str]) -> str:
    """A short hash of what is seen of a photo: its original and the edits of it."""
    cells = [row.get(column, "").strip() for column in ("sha256", "crop", "rotation", "masks")]
    return sha256_bytes(json.dumps(cells).encode())[:16]


def unconfirmed(workspace: Workspace, rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Photos, refused ones left out, that need a person's word and have none for what is seen of them now."""
    said = {row["pristine"]: row["looked_at"] for row in _read(workspace)}
    return [
        row["pristine"]
        for row in rows
        if row["accepted"] != "no" and not row["source_url"].strip() and said.get(row["pristine"]) != looked_at(row)
    ]


def confirm(workspace: Workspace, names: Sequence[str], by: str, *, seen: Mapping[str, str]) -> None:
    """Keep a person's word for photos; `seen` holds each row's hash as it was shown. Words for photos that are gone go too.

    Raises WorkspaceFault for a photo that was changed since.
    """
    with lock(workspace.root, "identity", wait=10):
        known = {row["pristine"]: row for row in read_sources(workspace)}
        kept = {row["pristine"]: row for row in _read(workspace)}
        for name in names:
            if name not in known or row_hash(known[name]) != seen.get(name):
                raise WorkspaceFault(f"{name} was changed meanwhile by somebody else: look at it again")
            today = datetime.now(UTC).date().isoformat()
            kept[name] = {"pristine": name, "looked_at": looked_at(known[name]), "by": by, "on": today}
        write_rows(workspace.root / FILE, (row for name, row in kept.items() if name in known), COLUMNS)


def _read(workspace: Workspace) -> list[dict[str, str]]:
    path = workspace.root / FILE
    return read_rows(path, COLUMNS) if path.exists() else []
