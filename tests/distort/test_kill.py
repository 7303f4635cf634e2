"""`kill -9` at any moment loses nothing and leaves nothing half done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from distort.png import read_rgb
from tests.distort.sets import small_set
from workspace.verify import file_faults

PHOTOS = 16


def command(root: Path, jobs: int) -> list[str]:
    """A run of the real command line."""
    return [sys.executable, "-m", "dermiqa", "--quiet", "--workspace", str(root), "distort", "--jobs", str(jobs)]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_ten_kills_then_verify_is_clean(tmp_path: Path, jobs: int) -> None:
    """Ten kills of the whole process group at random moments of a run: every image under its name is whole after each kill, the
    next run finishes, `verify` is clean, and the set equals one that was never killed, byte for byte."""
    place, whole = (small_set(tmp_path / name, PHOTOS, 240, 320) for name in ("w", "whole"))
    begin = time.monotonic()
    subprocess.run(command(whole.root, jobs), check=True, capture_output=True)
    span = time.monotonic() - begin
    draw = random.Random(jobs)
    kills = tries = 0
    while kills < 10 and tries < 30:
        tries += 1
        there = sorted(place.distorted.rglob("[!.]*.png"))
        for path in draw.sample(there, len(there) // 2):
            path.unlink()
        kills += killed_during(command(place.root, jobs), 0.3 + draw.random() * span * 0.8)
        for path in place.distorted.rglob("[!.]*.png"):
            read_rgb(path)
    assert kills == 10
    subprocess.run(command(place.root, jobs), check=True, capture_output=True)
    assert list(file_faults(place)) == []
    assert place.manifest.read_bytes() == whole.manifest.read_bytes()
    for path in whole.distorted.rglob("*.png"):
        assert path.read_bytes() == (place.root / path.relative_to(whole.root)).read_bytes()


def killed_during(words: list[str], seconds: float) -> bool:
    """Start a command, kill its whole process group after a while; whether it was still at work."""
    process = subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    at_work = process.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return at_work
