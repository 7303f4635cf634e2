"""The page where a photo is scored, in a real browser: what it says, and that only the newest photo's answer stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Error, Page, Route, expect

from annotate_app import pages
from annotate_app.app import create_app
from annotate_app.routes.scoring import LARGEST_PHOTO, NOTICE
from db.engine import open_engine
from db.migrate import upgrade
from distort.intake.judge import THRESHOLDS
from tests.browser.conftest import Enter
from workspace.settings import create

HOST = "http://score.test"
BY_MARKS = {"text", "bar_code", "face"}
BY_READING = {"alpha", "first_frame", "annotation", "profile_converted", "profile_ignored"}
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with a page of scoring; its model is never asked."""
    place = create(tmp_path_factory.mktemp("score") / "place", name="scoring")
    engine = open_engine(place.database_url)
    upgrade(engine)
    with TestClient(create_app(place, engine, log=False, model=place.root)) as client:
        yield client
    engine.dispose()


@pytest.fixture
def score_page(site: TestClient, enter: Enter) -> Open:
    """Open the page in a language; every request is answered by the application without a network."""

    def answered(route: Route) -> None:
        asked = route.request
        found = site.get(asked.url.removeprefix(HOST), headers={"Accept-Language": asked.headers.get("accept-language", "")})
        route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.content)

    def opened(locale: str = "en-GB", **settings: Any) -> Page:
        page = enter(locale=locale, **settings).page
        page.route("**/*", answered)
        page.goto(f"{HOST}/score")
        return page

    return opened


def answer(score: float, **other: Any) -> str:
    """What the server answers to a photo that it accepts, unless said otherwise."""
    names = {"blur": "blur", "too_dark": "too dark"}
    found = {
        "notice": NOTICE, "score": score, "low": None, "high": None, "advice": "accept", "flags": [], "faults": {"blur": 0.2}, "said": [],
        "sentences": {"en": ["Accept the photo."], "es": ["La foto se puede aceptar."]}, "names": {"en": names, "es": names},
        "attributes": {}, "attribute_names": {"en": {}, "es": {}}, "notices": [NOTICE], "chain": "chain",
    }  # fmt: skip
    return json.dumps({**found, **other})


def choose(page: Page, name: str, data: bytes, kind: str = "image/jpeg") -> None:
    """Choose a file on the page."""
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": data})


def always(page: Page, status: int, body: str, kind: str = "application/json") -> None:
    """From now on every photo gets this answer."""
    page.unroute("**/api/score")
    page.route("**/api/score", lambda route: route.fulfill(status=status, body=body, content_type=kind))


def test_an_older_answer_that_comes_late_is_dropped(score_page: Open) -> None:
    """Of two photos the second one's answer stays, though the first one's comes after it."""
    page = score_page()
    held: list[Route] = []
    page.route("**/api/score", lambda route: held.append(route))
    for number, name in enumerate(("older.jpg", "newer.jpg"), start=1):
        choose(page, name, b"x")
        while len(held) < number:
            page.wait_for_timeout(20)
    held[1].fulfill(body=answer(7.0), content_type="application/json")
    expect(page.locator("#state")).to_have_text("newer.jpg")
    with suppress(Error):
        held[0].fulfill(body=answer(2.0), content_type="application/json")
    page.wait_for_timeout(200)
    expect(page.locator("#score")).to_have_text("7.0 / 10")
    expect(page.locator("#state")).to_have_text("newer.jpg")


def test_advice_faults_and_flags_do_not_contradict_each_other(score_page: Open) -> None:
    """The advice to accept stands alone only; beside a fault that is said, or a photo too small, it says that they speak against it."""
    page = score_page()
    blurred = {"en": ["Accept the photo.", "The photo is blurred."], "es": ["La foto se puede aceptar.", "La foto está borrosa."]}
    but = "The score alone would accept the photo; what is said below speaks for another one."
    always(page, 200, answer(8.0))
    choose(page, "good.jpg", b"x")
    expect(page.locator("#sentences li")).to_have_text(["Accept the photo."])
    expect(page.locator("#flagged")).to_be_hidden()
    always(page, 200, answer(8.0, said=["blur"], sentences=blurred))
    choose(page, "blurred.jpg", b"x")
    expect(page.locator("#sentences li")).to_have_text([but, "The photo is blurred."])
    always(page, 200, answer(8.0, flags=["too_small", "clipped_dark", "some_new_flag"]))
    choose(page, "small.jpg", b"x")
    expect(page.locator("#sentences li")).to_have_text([but])
    small = "Fewer than 400 pixels on its longer side: use the camera's full resolution"
    expect(page.locator("#flags li")).to_have_text([small, "Dark parts are plain black, without detail", "some new flag"])
    retake = {"en": ["Take the photo again.", "The photo is blurred."], "es": ["", ""]}
    always(page, 200, answer(2.0, advice="retake", said=["blur"], sentences=retake, flags=["out_of_range"]))
    choose(page, "poor.jpg", b"x")
    expect(page.locator("#sentences li")).to_have_text(retake["en"])
    expect(page.locator("#flagged")).to_be_hidden()


def test_the_notice_is_said_once_and_in_the_pages_language(score_page: Open) -> None:
    """The research sentence stands at the top alone; what else must be said of a model is said in Spanish on the Spanish page."""
    page = score_page("es-ES")
    simulated = "Trained on simulated votes: its scores say nothing about what people see."
    always(page, 200, answer(8.0, notices=[NOTICE, simulated, "Some other notice."]))
    choose(page, "a.jpg", b"x")
    told = "El modelo se entrenó con votos simulados: sus puntuaciones no dicen nada de lo que ven las personas."
    expect(page.locator("#notices li")).to_have_text([told, "Some other notice."])
    expect(page.locator(".notice")).to_contain_text("Solo para investigación")
    expect(page.locator("#sentences li")).to_have_text(["La foto se puede aceptar."])


def test_refusals_are_said_in_the_pages_language(score_page: Open) -> None:
    """A known refusal is a Spanish sentence, as are a proxy's page and no network; of an unknown one the server's words follow, small."""
    page = score_page("es-ES")
    state = page.locator("#state")
    for code, said in (
        ("photo", "No se pudo leer este archivo como foto."),
        ("rate", "no se aceptan más fotos"),
        ("busy", "otras fotos"),
    ):
        always(page, 422, json.dumps({"error": code, "message": "the server's words"}))
        choose(page, "a.jpg", b"x")
        expect(state).to_contain_text(said)
        expect(state).not_to_contain_text("the server's words")
    always(page, 403, json.dumps({"error": "origin", "message": "this request comes from another site"}))
    choose(page, "a.jpg", b"x")
    expect(state).to_have_text("La foto no se puntuó. this request comes from another site")
    expect(state.locator("small")).to_have_text("this request comes from another site")
    lost = "No se pudo conectar con el servidor, o no se pudo leer su respuesta."
    always(page, 502, "<html>Bad gateway</html>", "text/html")
    choose(page, "a.jpg", b"x")
    expect(state).to_contain_text(lost)
    always(page, 200, answer(5.0))
    choose(page, "a.jpg", b"x")
    expect(state).to_have_text("a.jpg")
    page.unroute("**/api/score")
    page.route("**/api/score", lambda route: route.abort("internetdisconnected"))
    choose(page, "a.jpg", b"x")
    expect(state).to_contain_text(lost)
    choose(page, "large.jpg", b"x" * (LARGEST_PHOTO + 1))
    expect(state).to_have_text("El archivo es demasiado grande: como máximo 25 MB.")
    expect(page.locator("#result")).to_be_hidden()


def test_a_picture_that_the_browser_cannot_show_is_hidden(score_page: Open, demo_photos: Path) -> None:
    """Of a TIFF the name stands there alone; a JPEG after it is shown again."""
    page = score_page()
    always(page, 200, answer(8.0))
    choose(page, "scan.tif", b"II*\0 of which a browser knows nothing", "image/tiff")
    expect(page.locator("#result")).to_be_visible()
    expect(page.locator("#photo")).to_be_hidden()
    expect(page.locator("#state")).to_have_text("scan.tif")
    choose(page, "arm.jpg", (demo_photos / "tinea_forearm.jpg").read_bytes())
    expect(page.locator("#state")).to_have_text("arm.jpg")
    expect(page.locator("#photo")).to_be_visible()


def test_a_photo_dropped_beside_the_box_does_nothing(score_page: Open) -> None:
    """The browser neither leaves the page nor scores; a photo dropped into the box is scored."""
    page = score_page()
    always(page, 200, answer(8.0))
    drop = """([place, kind]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["x"], "a.jpg", { type: "image/jpeg" }));
        const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
        document.querySelector(place).dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    assert [page.evaluate(drop, ["h1", kind]) for kind in ("dragover", "drop")] == [True, True]
    page.wait_for_timeout(200)
    expect(page.locator("#state")).to_have_text("")
    assert page.evaluate(drop, ["#drop", "drop"])
    expect(page.locator("#state")).to_have_text("a.jpg")


def test_without_scripts_the_page_says_that_it_needs_them(score_page: Open) -> None:
    """One sentence, in the page's language."""
    page = score_page("es-ES", java_script_enabled=False)
    sentence = pages.translations("es").gettext("This page needs JavaScript: please switch it on and load the page again.")
    expect(page.locator("noscript p")).to_have_text(sentence)
    expect(page.locator("noscript p")).to_be_visible()


def test_the_narrow_page_stays_within_the_screen(score_page: Open, demo_photos: Path) -> None:
    """At 360 pixels nothing reaches out to the right, with a long file name, a photo and every flag."""
    page = score_page("es-ES", viewport={"width": 360, "height": 740})
    flags = sorted({row.flag for row in THRESHOLDS} - BY_MARKS | BY_READING)
    always(page, 200, answer(8.0, flags=flags, chain="a chain of many words " * 8))
    choose(page, f"{'a_long_name' * 8}.jpg", (demo_photos / "tinea_forearm.jpg").read_bytes())
    expect(page.locator("#flags li")).to_have_count(len(flags))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_every_flag_of_a_scored_photo_has_words() -> None:
    """Each flag that scoring may give, but the one that the advice itself says, has words on the page."""
    template = (Path(__file__).resolve().parents[2] / "templates" / "observer" / "score.html").read_text()
    told = set(re.findall(r'data-word="flag:(\w+)"', template))
    assert told == {row.flag for row in THRESHOLDS} - BY_MARKS | BY_READING
