"""Every verb is documented."""

from __future__ import annotations

from pathlib import Path

from dermiqa.reference import page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_commands_is_current() -> None:
    """docs/commands.md is what the verbs' own help says today; `scripts/docs` rewrites it."""
    assert (ROOT / "docs" / "commands.md").read_text() == page()
