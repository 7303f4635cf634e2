"""A whole session in Firefox, where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Page

from tests.browser.firefox import Firefox
from tests.browser.lab import Lab
from tests.browser.person import Person
from tests.browser.test_pixels import differing
from tests.browser.test_session import stored

pytestmark = pytest.mark.slow


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    """A Firefox at a pixel ratio of 1.25; skipped where there is none."""
    program = os.environ.get("FIREFOX") or shutil.which("firefox") or shutil.which("firefox-esr")
    if not program:
        pytest.skip("no Firefox here: apt-get install firefox-esr, or name one in FIREFOX")
    started = Firefox(program, tmp_path / "profile", layout__css__devPixelsPerPx="1.25")
    yield started
    started.quit()


def test_thirty_pictures_in_firefox(lab: Lab, study: str, firefox: Firefox) -> None:
    """Thirty pictures by keys and mouse: each on the screen pixel for pixel at a ratio of 1.25, each vote stored as it was meant."""
    lab.study(study)
    person = Person(cast(Page, firefox))
    person.arrive(lab.invite(study))
    person.go("practice")
    assert differing(lab, study, person) == (0, 1)
    person.vote(5)
    person.vote(5)
    person.given.clear()
    person.go("ready")
    for k in range(30):
        person.page.wait_for_selector('#rating[data-open], [data-panel="half"]:not([hidden])', timeout=15000)
        if person.panels() == ["half"]:
            person.go("half")
        assert differing(lab, study, person) == (0, 1)
        person.vote(k % 10 + 1, by="mouse" if k % 3 == 0 else "keys")
    person.leave()
    assert person.step == "remarks"
    assert len(person.given) == 30
    assert stored(lab, study) == person.given
