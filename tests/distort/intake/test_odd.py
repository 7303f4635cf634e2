"""The corpus of odd and broken files: each is prepared or refused with one line; nothing crashes, hangs or swells."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import psutil
import pytest

from distort.intake.prepare import Result, prepare
from workspace.settings import create
from workspace.sources import read_keys
from workspace.verify import file_faults

NOW_DAMAGED = {
    "metadata_extractor_other/png__ImageTestSuite__c-e585afb2ecf50c04eaf0dedb71602cb8.png",
    "pillow/Tests__images__broken_data_stream.png",
}
"""Files whose pixel stream breaks off; the corpus's table calls them readable."""


@pytest.mark.slow
def test_every_odd_file_is_prepared_or_refused(shared: Path, tmp_path: Path) -> None:
    """Readable files are prepared (or are the same as one that is), all others refused in one line, each in time and memory."""
    odd = shared / "images" / "odd"
    place = create(tmp_path / "ws")
    results: dict[str, Result] = {}
    largest, slowest, last = 0, 0.0, time.monotonic()
    for result in prepare(place, [odd], keep_names=True, jobs=2):
        results[result.label] = result
        now = time.monotonic()
        slowest, last = max(slowest, now - last), now
        for child in psutil.Process().children():
            try:
                largest = max(largest, child.memory_info().rss)
            except psutil.Error:
                continue
    text = (odd / "manifest.csv").read_text(encoding="utf-8", errors="replace").replace("\0", "")
    readable = {row["path"] for row in csv.DictReader(text.splitlines()) if row["load"] == "ok"}
    assert {label for label, r in results.items() if r.state != "refused"} == readable - NOW_DAMAGED
    assert all(r.reason and "\n" not in r.reason for r in results.values() if r.state == "refused")
    assert largest < 2_000_000_000
    assert slowest < 60
    assert (
        len(list(place.pristine.glob("*.png"))) == len(read_keys(place)) == sum(r.state == "prepared" for r in results.values())
    )
    assert list(file_faults(place)) == []
