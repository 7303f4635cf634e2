"""Reading the arrays of a model folder: whatever is wrong with such a file is one line that says how to make it again."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from workspace.errors import ModelFault


@contextmanager
def reading(path: Path, again: str) -> Iterator[Any]:
    """The open arrays of an .npz file. Raises ModelFault, ending in `again`, for a file that is empty, cut off or foreign."""
    try:
        with path.open("rb") as stream, np.load(stream) as held:
            yield held
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as fault:
        raise ModelFault(f"{path} can't be read ({fault}): {again}") from None
