"""A real server process and a real Chromium for the tests of this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from tests.browser.lab import Lab, build
from tests.browser.person import Person

Launch = Callable[..., Browser]
Enter = Callable[..., Person]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Chromium's path; skipped where there is none, a failure when CI is set."""
    found = (
        os.environ.get("CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if not found:
        message = "no Chromium here: apt-get install chromium, or name one in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def playwright(chromium: str) -> Iterator[Playwright]:
    """Playwright's driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def launch(playwright: Playwright, chromium: str) -> Launch:
    """Start a Chromium with switches of its own."""

    def start(*switches: str) -> Browser:
        return playwright.chromium.launch(executable_path=chromium, args=["--force-color-profile=srgb", *switches])

    return start


@pytest.fixture(scope="session")
def browser(launch: Launch) -> Iterator[Browser]:
    """The Chromium that most tests share."""
    started = launch()
    yield started
    started.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, demo_photos: Path) -> Iterator[Lab]:
    """A workspace of five photographs and its server."""
    made = Lab(build(tmp_path_factory.mktemp("lab") / "ws", demo_photos))
    made.start()
    yield made
    made.stop()
    made.engine.dispose()


@pytest.fixture
def study(request: pytest.FixtureRequest) -> str:
    """A name for the test's own study."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    return f"{name[:40].strip('-')}-{crc32(name.encode()):08x}"


@pytest.fixture
def enter(browser: Browser) -> Iterator[Enter]:
    """Sit somebody down at a browser context of their own: 1366 x 768 unless said otherwise. Faults of scripts fail the test."""
    contexts: list[BrowserContext] = []
    people: list[Person] = []

    def sit(*, at: Browser | None = None, **settings: Any) -> Person:
        base: dict[str, Any] = {"viewport": {"width": 1366, "height": 768}, "locale": "en-GB", "timezone_id": "Europe/Madrid"}
        context = (at or browser).new_context(**{**base, **settings})
        contexts.append(context)
        people.append(Person(context.new_page()))
        return people[-1]

    yield sit
    for context in contexts:
        context.close()
    assert [fault for person in people for fault in person.faults] == []
