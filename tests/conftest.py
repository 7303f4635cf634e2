"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the repository; skipped where it is not there, a failure when CI is set."""
    place = Path(os.environ.get("DERMIQA_REFERENCE", ROOT.parent / "shared"))
    if not (place / "golden").is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"reference data expected at {place}")
        pytest.skip(f"no reference data at {place}")
    return place


@pytest.fixture(scope="session")
def demo_photos() -> Path:
    """The folder of photographs that ship with the package."""
    return ROOT / "dermiqa" / "demo_photos"
