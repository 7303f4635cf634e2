"""Every verb is documented."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_commands_is_current() -> None:
    """docs/commands.md is what the verbs' own help says today; `scripts/docs` rewrites it."""
    page = subprocess.run(
        [sys.executable, "-m", "dermiqa.reference"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == page
