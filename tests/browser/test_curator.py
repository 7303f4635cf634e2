"""The whole way as a curator in Chromium: set-up link, photos, wizard, papers, freezing, observers, review, results, export."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from sqlmodel import select

from db.engine import open_engine, reading
from db.migrate import upgrade
from db.models import Observer
from tests.annotate_app.house import House
from tests.browser.conftest import Enter
from tests.browser.lab import Lab
from workspace.settings import create
from workspace.sources import read_sources

SCREENSHOTS = os.environ.get("DERMIQA_SCREENSHOTS", "")
PASSWORD = "correct horse battery"
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1366, "height": 768}
CELLS = {"source": "clinic", "licence": "CC0-1.0", "credit": "made up", "may_show": "yes", "may_alter": "yes", "may_redistribute": "yes",
         "body_site": "arm", "skin_tone": "Fitzpatrick III"}  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path, demo_photos: Path) -> list[Path]:
    """Fourteen photographs at most 320 pixels wide: the demonstration's, and parts of three of them."""
    made: list[Path] = []
    pictures = [np.asarray(cv2.imread(str(path))) for path in sorted(demo_photos.glob("*.[jp][pn]g"))]
    pictures += [picture[: picture.shape[0] // 2, : picture.shape[1] // 2] for picture in pictures[:3]]
    for number, picture in enumerate(pictures):
        scale = 320 / max(picture.shape[:2])
        made.append(tmp_path / f"photo{number:02}.png")
        cv2.imwrite(str(made[-1]), cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Lab]:
    """A server over an empty workspace that nobody can sign in to yet."""
    place = create(tmp_path / "ws")
    upgrade(open_engine(place.database_url))
    lab = Lab(place)
    lab.start()
    yield lab
    lab.stop()
    lab.engine.dispose()


class Walk:
    """A curator's browser; every page is read by axe, light and dark, looked at in both widths, and must not scroll sideways."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base, self.number = page, base, 0
        self.faults: list[str] = []
        page.emulate_media(reduced_motion="reduce")

    def go(self, path: str, name: str) -> None:
        """Open an address and look at it."""
        self.page.goto(self.base + path)
        self.look(name)

    def look(self, name: str) -> None:
        """axe, both widths, a screenshot of each where wanted."""
        self.number += 1
        for width, size in (("wide", WIDE), ("narrow", NARROW)):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            if SCREENSHOTS:
                self.page.screenshot(path=Path(SCREENSHOTS) / f"{self.number:02}-{name}-{width}.png", full_page=True)
            if not self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                self.faults.append(f"{name}: scrolls sideways ({width})")
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        self.read(name, {})
        self.page.emulate_media(color_scheme="dark")
        self.read(f"{name}, dark", {"runOnly": ["color-contrast"]})
        if SCREENSHOTS:
            self.page.screenshot(path=Path(SCREENSHOTS) / f"{self.number:02}-{name}-dark.png", full_page=True)
        self.page.emulate_media(color_scheme="light")

    def read(self, name: str, options: dict[str, Any]) -> None:
        """Note what axe finds serious or critical."""
        found = Axe().run(self.page, options=options).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        self.faults += [f"{name}: {one['id']}: {one['nodes'][0]['html'][:150]}" for one in serious]

    def press(self, text: str) -> None:
        """Press a button or a link that looks like one, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.locator("main").get_by_role("button", name=text, exact=True).first.click()

    def wait_for_work(self, kind: str) -> None:
        """Stay on the page Work until the newest job is done."""
        self.page.goto(self.base + "/c/jobs")
        row = self.page.locator("tbody tr", has_text=kind).first
        row.locator(".state.done").wait_for(timeout=180_000)


def set_up_link(lab: Lab) -> str:
    """The link that the server printed at its first start."""
    found = re.search(r"/c/setup/[\w-]+", (lab.place.root / "server.log").read_text())
    assert found is not None
    return found.group(0)


def bring_photos_in(walk: Walk, photos: list[Path], lab: Lab) -> None:
    """Upload, prepare, fill the cells in bulk, mask one, refuse one, accept the rest."""
    page = walk.page
    walk.go("/c/collection", "collection-empty")
    page.set_input_files("#files", [str(path) for path in photos])
    page.get_by_text("14 photos are uploaded").wait_for()
    walk.press("Prepare what was uploaded")
    walk.wait_for_work("Preparing photos")
    walk.look("work")
    page.goto(walk.base + "/c/collection")
    for column, value in {**CELLS, "accepted": "yes"}.items():
        for box in page.locator("#grid input[type=checkbox]").all():
            box.check()
        page.select_option("select[name=column]", column)
        page.fill("input[name=value]", value)
        walk.press("Set on ticked")
    walk.look("collection")
    walk.go("/c/variety", "variety")
    names = [row["pristine"] for row in read_sources(lab.place)]
    walk.go(f"/c/collection/{names[0]}", "photo")
    page.fill("input[name=masks]", "10 10 40 30")
    walk.press("Save")
    walk.look("photo-waiting")
    walk.press("Apply them now")
    walk.wait_for_work("Preparing photos")
    page.goto(walk.base + "/c/collection")
    page.locator(f"li[data-name='{names[1]}']").focus()
    page.keyboard.press("r")
    page.get_by_text("13 accepted, 1 refused").wait_for()
    rows = {row["pristine"]: row for row in read_sources(lab.place)}
    assert (rows[names[0]]["masks"], rows[names[1]]["accepted"]) == ("10 10 40 30", "no")


def set_study_up(walk: Walk) -> None:
    """The wizard from the name to freezing, with the papers looked at on the way."""
    page = walk.page
    walk.go("/c/", "studies-empty")
    walk.press("New study")
    page.fill("main input[name=name]", "skin")
    walk.press("Set it up")
    fill = {"images": {"reserve": "3", "training": "4", "gold": "2", "contents": ""}, "method": {"repeats": "1"},
            "panels": {"target1": "5"},
            "design": {}, "viewing": {}, "texts": {}, "screening": {}, "pilot": {"pilot": "0"}}  # fmt: skip
    for step, cells in fill.items():
        assert page.url.endswith(f"/setup/{step}")
        for name, value in cells.items():
            page.fill(f"[name={name}]", value)
        if step == "viewing":
            page.select_option("[name=display]", "none")
            page.select_option("[name=vision]", "not_assessable")
        if step == "screening":
            page.check("input[value=bt500]")
        walk.look(f"wizard-{step}")
        walk.press("Save and go on")
    walk.look("wizard-freeze")
    walk.go("/c/studies/skin/papers", "papers")
    for paper in ("ethics", "information", "data", "preregistration"):
        walk.go(f"/c/studies/skin/papers/{paper}", f"paper-{paper}")
        page.get_by_text("DRAFT, NOT FROZEN").wait_for()
        page.pdf() if not SCREENSHOTS else page.pdf(path=Path(SCREENSHOTS) / f"{paper}.pdf")
    page.goto(walk.base + "/c/studies/skin/setup/freeze")
    page.fill("main input[name=confirm]", "skin")
    walk.press("Freeze")
    walk.wait_for_work("Freezing a study")


def rate(house: House, codes: list[str]) -> None:
    """Simulated observers sit down, rate one sitting after another, each by a value of their own; the last one gives up."""
    for number, code in enumerate(codes):
        sitter = house.sit_down(code)
        if number == len(codes) - 1:
            for _ in range(12):
                sitter.vote(value=5)
            return
        sitter.finish(3 + number)


@pytest.mark.slow
def test_a_curator_walks_the_whole_way(server: Lab, photos: list[Path], enter: Enter) -> None:
    """From the set-up link to an export without a terminal; no page has a serious fault, none scrolls sideways at 360 pixels."""
    person = enter()
    walk = Walk(person.page, server.address)
    page = person.page
    walk.go(set_up_link(server), "set-up")
    page.fill("input[name=name]", "ana")
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    walk.press("Begin")
    bring_photos_in(walk, photos, server)
    page.goto(walk.base + "/c/jobs")
    walk.press("Making variants: start")
    walk.wait_for_work("Making variants")
    set_study_up(walk)
    walk.go(f"/c/collection/{sorted(row['pristine'] for row in read_sources(server.place))[0]}", "ladder")
    walk.go("/c/studies/skin", "board-frozen")
    walk.press("Open for observers")
    walk.go("/c/studies/skin/observers", "observers-empty")
    page.fill("input[name=count]", "2")
    walk.press("Make links")
    assert page.locator(".sheet svg").count() == 2
    walk.look("links")
    house = House(server.place, server.engine, "skin")
    rate(house, [one.code for one in house.invite(5)])
    walk.go("/c/studies/skin/observers", "observers")
    row = page.locator("tr", has_text="S005")
    row.locator("summary").click()
    with page.expect_navigation():
        row.get_by_text("Replace: another person takes over the rest").click()
    link = page.locator(".sheet code").inner_text()
    house.sit_down(link.rsplit("/", 1)[1]).finish(6)
    with reading(server.engine) as session:
        assert session.exec(select(Observer.state).where(Observer.pseudonym == "S005")).one() == "replaced"
    walk.go("/c/studies/skin", "board-open")
    walk.go("/c/studies/skin/results", "results-hidden")
    walk.go("/c/studies/skin/review", "review")
    page.locator("summary", has_text="Decide").first.click()
    page.locator("input[name=reason]").first.fill("gave one value all the time")
    page.locator("button[value=exclude]").first.click()
    page.get_by_text("1 excluded so far").wait_for()
    page.goto(walk.base + "/c/studies/skin")
    page.locator("summary", has_text="Close the study").click()
    page.fill("main input[name=confirm]", "skin")
    walk.press("Close")
    walk.look("board-closed")
    walk.press("See the results")
    walk.look("results")
    with page.expect_navigation():
        page.locator("table a[href*='/results/']").first.click()
    walk.look("image")
    page.goto(walk.base + "/c/studies/skin/results")
    page.select_option("select[name=format]", "long")
    walk.press("Write the export")
    walk.wait_for_work("Writing an export")
    assert list((server.place.exports / "skin" / "long").glob("*.csv"))
    for path, name in (("/c/", "studies"), ("/c/curators", "curators"), ("/c/account", "account"), ("/c/audit", "audit")):
        walk.go(path, name)
    assert "chain of hashes is whole" in page.content()
    assert not walk.faults, "\n".join(walk.faults)
