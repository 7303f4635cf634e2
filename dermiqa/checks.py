"""What `dermiqa verify` runs: the checks of each floor, one after another."""

from __future__ import annotations

from collections.abc import Iterator

from annotate_app.verify import database_faults
from workspace.settings import Workspace
from workspace.verify import file_faults


def all_faults(workspace: Workspace) -> Iterator[str]:
    """One line for each fault found in a workspace."""
    yield from file_faults(workspace)
    yield from database_faults(workspace)
