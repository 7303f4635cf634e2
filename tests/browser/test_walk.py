"""Every page of the whole way, in both languages: read by axe, and walked over plain http on a local name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from annotate_app import texts, vision
from tests.browser.conftest import Enter, Launch
from tests.browser.lab import QUICK_WAY, Lab
from tests.browser.person import Person

ADULT = {"en": "Are you 18 or older?", "es": "¿Tiene 18 años o más?"}
WAY: dict[str, Any] = {
    "exclusion": [{"name": "adult", "text": ADULT, "choices": ["yes", "no"], "exclude": ["no"]}],
    "fields": [{"name": "town", "text": {"en": "Where do you live?", "es": "¿Dónde vive?"}}],
}  # fmt: skip
SCREENSHOTS = os.environ.get("DERMIQA_SCREENSHOTS", "")
SWITCH = """(name) => {
  document.querySelector(`[data-panel='${name}']`).toggleAttribute("hidden");
  document.querySelector("#picture").toggleAttribute("hidden");
  document.querySelector("#rating").classList.toggle("with-panel");
}"""
STEPS = [
    "consent", "exclusion", "questions", "screen", "card", "patches", "ticks", "acuity", "plates", "instructions", "quiz", "examples",
]  # fmt: skip


def serious(page: Page) -> list[str]:
    """What axe finds serious or critical on a page."""
    faults = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:120]}" for fault in faults if fault["impact"] in ("serious", "critical")]


def answer(person: Person, seed: int) -> None:
    """Fill in the page of the step that is shown."""
    page, step = person.page, person.step
    if step == "consent":
        for box in page.query_selector_all("main input[type=checkbox]"):
            box.check()
    elif step == "quiz":
        for k, check in enumerate(texts.QUIZ):
            page.check(f'input[name=check{k}][value="{check.right}"]')
    elif step == "acuity":
        gap = int(page.get_attribute("input[name=card]", "value") or 0)
        for k, direction in enumerate(vision.signs(seed, gap)):
            page.locator("select[name=sign]").nth(k).select_option(direction)
    elif step == "plates":
        for k, plate in enumerate(vision.plates(seed)):
            page.locator("input[name=digit]").nth(k).fill(plate.digit)
    elif step == "card":
        page.fill("input[name=distance]", "60")
    for name in page.evaluate("[...new Set([...document.querySelectorAll('main input[type=radio]')].map((one) => one.name))]"):
        if step != "quiz":
            page.locator(f"input[name={name}]").first.check()


def seed_of(lab: Lab, study: str) -> int:
    """The number that the observer's signs and plates are drawn from."""
    import hashlib

    return int.from_bytes(hashlib.sha256(lab.observer(study).token.encode()).digest()[:6], "big")


def walk(person: Person, lab: Lab, study: str, look: Callable[[Page, str], None]) -> list[str]:
    """From the link to the practice; `look` at each page. Gives the steps met."""
    met: list[str] = []
    person.page.goto(lab.invite(study))
    look(person.page, "welcome")
    person.onward("main button.main")
    while person.page.wait_for_url("**/o/**") is None and person.step != "rate":
        person.page.wait_for_load_state("networkidle")
        if person.step not in met:
            met.append(person.step)
            look(person.page, person.step)
        answer(person, seed_of(lab, study))
        person.onward()
    return met


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_is_accessible(lab: Lab, study: str, enter: Enter, language: str) -> None:
    """axe finds nothing serious or critical on any page, from the link to the end, panels and messages too; no text is left in English."""
    lab.study(study, way={**WAY, "per_window": 2}, blocks=5, per_sitting=1, panels=[{"name": "lay", "target": 5}])
    person = enter(locale={"en": "en-GB", "es": "es-ES"}[language])
    found: dict[str, list[str]] = {}

    def look(page: Page, name: str) -> None:
        if SCREENSHOTS:
            page.screenshot(path=Path(SCREENSHOTS) / f"{len(found):02}-{name}-{language}.png", full_page=True)
        result = Axe().run(page)
        found[name] = [
            f"{v['id']}: {v['nodes'][0]['html'][:120]}"
            for v in result.response["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert page.get_attribute("html", "lang") == language

    assert walk(person, lab, study, look) == STEPS
    page = person.page
    person.panel("practice")
    look(page, "practice")
    person.go("practice")
    person.picture()
    look(page, "picture")
    page.keyboard.press("Escape")
    person.panel("pause")
    look(page, "pause")
    person.go("pause")
    person.picture()
    page.click("#unwilling")
    person.panel("unwilling")
    look(page, "unwilling")
    page.wait_for_timeout(350)
    page.click('[data-panel="unwilling"] [data-action="back"]')
    person.vote(5)
    person.vote(5)
    person.panel("ready")
    look(page, "ready")
    person.go("ready")
    for panel in ("half", "loading", "offline", "small", "other-tab", "other-device", "signed-out"):
        person.picture()
        page.evaluate(SWITCH, panel)
        look(page, panel)
        page.evaluate(SWITCH, panel)
    person.rate(6)
    person.leave()
    look(page, "rest")
    person.onward("main button.main")
    look(page, "short")
    page.goto(f"{lab.address}/o/withdraw")
    look(page, "withdraw")
    page.check("input[value=keep]")
    person.onward("main button.main")
    look(page, "withdrawn")
    page.goto(f"{lab.address}/o/")
    look(page, "signed-out-page")
    page.goto(f"{lab.address}/i/nonsense")
    look(page, "unknown-link")
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) >= 28


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es"])
def test_last_pages_are_accessible(lab: Lab, study: str, enter: Enter, language: str) -> None:
    """The remarks and the end are read by axe too."""
    lab.study(study, blocks=9, take=1, per_sitting=1, method="ACR", panels=[{"name": "lay", "target": 9}])
    person = enter(locale={"en": "en-GB", "es": "es-ES"}[language])
    person.arrive(lab.invite(study))
    person.practice()
    person.go("ready")
    person.rate(3)
    person.leave()
    for step in ("remarks", "finished"):
        assert person.step == step
        assert serious(person.page) == []
        if step == "remarks":
            person.onward()


@pytest.mark.slow
def test_plain_http_on_a_local_name(lab: Lab, study: str, enter: Enter, launch: Launch) -> None:
    """A laboratory's plain http name is no secure context, and a session goes through all the same, reload and offline included."""
    lab.study(study, way={**QUICK_WAY, "display": "short"})
    browser = launch("--host-resolver-rules=MAP lab.test 127.0.0.1")
    try:
        person = enter(at=browser)
        person.sign_on(lab.invite(study).replace("127.0.0.1", "lab.test"))
        person.consent()
        person.page.click("form#form button.main")
        person.practice()
        assert person.page.evaluate("[window.isSecureContext, typeof crypto.randomUUID]") == [False, "undefined"]
        person.go("ready")
        person.rate(4)
        person.picture()
        person.page.context.set_offline(True)
        person.vote(9)
        person.page.context.set_offline(False)
        person.vote(8)
        person.page.reload()
        person.go("ready")
        person.rate(24, start=6)
        person.leave()
        assert person.step == "remarks"
    finally:
        browser.close()
    assert len(lab.votes(study)) == 30
    assert sorted(vote.value or 0 for vote in lab.votes(study)) == sorted(person.given.values())
