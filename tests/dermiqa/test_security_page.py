"""docs/security.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (?!promise|---)(.+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_each_promise_names_tests_that_exist() -> None:
    """Every row has at least one test; each is found in its file."""
    rows = ROW.findall((ROOT / "docs" / "security.md").read_text())
    assert len(rows) > 25
    assert [promise for promise, tests in rows if not NAMED.search(tests)] == []
    named = [pair for _, tests in rows for pair in NAMED.findall(tests)]
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or f"def {name}(" not in (ROOT / file).read_text()
    ]
    assert missing == []
