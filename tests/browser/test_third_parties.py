"""A browser that can reach this server alone sees every page whole."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request

from annotate_app import curators
from annotate_app.access import ROUTES
from db.engine import writing
from tests.browser.conftest import Enter, Launch
from tests.browser.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
CURATORS = sorted(path for key in ROUTES for method, path in [key.split()] if method == "GET" and path.startswith("/c"))


def test_no_file_for_the_browser_loads_from_elsewhere() -> None:
    """No template, script or style names another host as something to load, connect to or send to."""
    loads = re.compile(r"""(?:src|action|data-[a-z-]+|srcset)\s*=\s*["']?(?:https?:)?//|"""
                       r"""@import|url\(["']?(?:https?:)?//|"""
                       r"""<link[^>]+href\s*=\s*["']?(?:https?:)?//|"""
                       r"""(?:fetch|WebSocket|EventSource|sendBeacon)\(["'](?:https?|wss?):""")  # fmt: skip
    files = [path for folder in ("templates", "static") for path in (ROOT / folder).rglob("*")]
    files = [path for path in files if path.suffix in (".html", ".js", ".css")]
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path in files for hit in loads.finditer(path.read_text())]
    assert len(files) > 40
    assert found == []


@pytest.mark.slow
def test_every_page_asks_this_server_alone(lab: Lab, study: str, launch: Launch, enter: Enter) -> None:
    """Curators' pages and an observer's session in a browser without any other host: no request leaves, none fails."""
    lab.study(study)
    with writing(lab.engine) as session:
        curators.add(session, f"c-{study}"[:60], "a long password for this")
    alone = launch("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    try:
        person = enter(at=alone)
        asked, failed = watch(person.page)
        person.page.goto(f"{lab.address}/c/login")
        person.page.fill("input[name=name]", f"c-{study}"[:60])
        person.page.fill("input[name=password]", "a long password for this")
        person.page.press("input[name=password]", "Enter")
        person.page.wait_for_url("**/c/")
        known = {"name": study, "token": "x", "code": "x", "step": "images", "batch": "x", "variant": "jpeg_1", "size": "small"}
        for path in CURATORS:
            filled = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: known.get(found[1], "x"), path)
            if "/photos/" not in filled and not filled.endswith((".csv", ".zip", ".svg", ".ics")):
                visit(person.page, lab.address + filled)
        other = enter(at=alone)
        asked_there, failed_there = watch(other.page)
        other.arrive(lab.invite(study))
        other.practice()
        other.go("ready")
        other.rate(3)
    finally:
        hosts = {urlsplit(url).netloc for url in [*asked, *asked_there] if not url.startswith(("data:", "blob:"))}
        alone.close()
    assert hosts == {f"127.0.0.1:{lab.port}"}
    assert len(asked) > 3 * len(CURATORS)
    assert [fault for fault in failed + failed_there if "NAME_NOT_RESOLVED" in fault] == []


def visit(page: Page, url: str) -> None:
    """Open a page; one that is a file to keep is passed over."""
    from playwright.sync_api import Error

    try:
        page.goto(url, wait_until="load")
    except Error as fault:
        if "Download is starting" not in str(fault) and "ERR_ABORTED" not in str(fault):
            raise


def watch(page: Page) -> tuple[list[str], list[str]]:
    """Every address that a page asks for from now on, and what failed."""
    asked: list[str] = []
    failed: list[str] = []

    def lost(request: Request) -> None:
        failed.append(f"{request.url}: {request.failure}")

    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lost)
    return asked, failed
