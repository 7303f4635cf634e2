"""Whole sessions, as observers walk them, with the votes found in the database."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import Enter, Launch
from tests.browser.lab import QUICK_WAY, Lab


def stored(lab: Lab, study: str) -> dict[str, int | None]:
    """A study's votes by presentation, of the first observer."""
    from sqlmodel import col, select

    from db.engine import reading
    from db.models import Presentation, Rating, Study, StudyVersion

    query = (
        select(Presentation.token, Rating.value)
        .join(Rating, col(Rating.presentation_id) == Presentation.id)
        .join(StudyVersion, col(StudyVersion.id) == Presentation.version_id)
        .join(Study, col(Study.id) == StudyVersion.study_id)
        .where(Study.name == study)
    )
    with reading(lab.engine) as session:
        rows = list(session.exec(query))
    assert len({token for token, _value in rows}) == len(rows)
    return dict(rows)


@pytest.mark.slow
def test_thirty_pictures(lab: Lab, study: str, enter: Enter) -> None:
    """An observer rates 30 pictures by mouse and by keys; each vote is found in the database as it was meant, practice is not."""
    lab.study(study)
    person = enter()
    person.arrive(lab.invite(study))
    person.practice()
    person.go("ready")
    person.rate(12)
    person.rate(18, start=12, by="mouse")
    person.leave()
    assert person.step == "remarks"
    assert len(person.given) == 30
    assert stored(lab, study) == person.given
    person.page.fill("textarea", "Fine <b>indeed</b> '; DROP TABLE ratings; --")
    person.onward()
    receipt = person.page.inner_text(".receipt")
    assert re.fullmatch(r"[A-Za-z0-9_-]{6,}", receipt)
    observer = lab.observer(study)
    assert observer.state == "finished"
    assert observer.answers["remarks"]["text"].startswith("Fine <b>indeed</b>")
    votes = lab.votes(study)
    assert all(vote.view_ms is not None and vote.view_ms >= 60 for vote in votes)
    assert all(vote.response_ms is not None and vote.response_ms >= (vote.view_ms or 0) - 0.2 for vote in votes)
    assert {vote.replication for vote in votes} == {1}
    kinds = {event.kind for event in lab.events(study)}
    assert "half_pause" in kinds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "size", "ratio"),
    [("en", (1366, 768), 1.0), ("es", (1280, 720), 2.0), ("en", (1536, 864), 1.25)],
    ids=["en-1366x768", "es-2560x1440-at-2", "en-1.25"],
)
def test_two_days(lab: Lab, study: str, enter: Enter, launch: Launch, language: str, size: tuple[int, int], ratio: float) -> None:
    """First and second session, each 15 pictures: the second starts after a short check and is counted as the second."""
    way = {**QUICK_WAY, "display": "short"}
    lab.study(study, way=way, blocks=2, per_sitting=1, panels=[{"name": "lay", "target": 4}])
    browser = launch(f"--force-device-scale-factor={ratio}", f"--window-size={size[0]},{size[1] + 90}")
    try:
        person = enter(at=browser, viewport=None, no_viewport=True, locale={"en": "en-GB", "es": "es-MX"}[language])
        person.sign_on(lab.invite(study))
        person.consent()
        assert person.page.evaluate("devicePixelRatio") == pytest.approx(ratio)
        assert person.page.get_attribute("html", "lang") == language
        person.onward()
        person.practice()
        person.go("ready")
        person.rate(15)
        person.leave()
        assert person.step == "rest"
        words = {"en": "1 of 2 sessions done", "es": "1 de 2 sesiones hechas"}[language]
        assert words in person.page.inner_text("h1")
        with person.page.expect_download() as fetched:
            person.page.click("a[href$='next.ics']")
        assert "DTSTART" in fetched.value.path().read_text()
        person.onward("main button.main")
        assert person.step == "short"
        person.onward()
        person.go("ready")
        person.rate(15, start=5)
        person.leave()
        assert person.step == "remarks"
    finally:
        browser.close()
    assert stored(lab, study) == person.given
    assert len(person.given) == 30
    assert {vote.replication for vote in lab.votes(study)} == {2 if ratio == 2 else 1}


@pytest.mark.slow
def test_third_session_waits(lab: Lab, study: str, enter: Enter) -> None:
    """When as many sessions have started as the study allows within its hours, the page says when the next may start."""
    lab.study(
        study,
        way={**QUICK_WAY, "per_window": 1, "window_hours": 20},
        blocks=5,
        per_sitting=1,
        panels=[{"name": "lay", "target": 5}],
    )
    person = enter()
    person.arrive(lab.invite(study))
    person.practice()
    person.go("ready")
    person.rate(6)
    person.leave()
    assert person.step == "rest"
    assert "The next session may start on" in person.page.inner_text("main")
    assert person.page.query_selector("main form") is None
    token = person.page.get_attribute("footer input[name=form_token]", "value")
    answer = person.page.request.post(f"{lab.address}/o/start", form={"form_token": token})
    assert answer.url.endswith("/o/step/rest")


def test_first_rating_page_is_light(lab: Lab, study: str, enter: Enter) -> None:
    """All that the first rating page fetches besides pictures weighs at most 60 kB."""
    lab.study(study)
    person = enter()
    person.sign_on(lab.invite(study))
    sizes: dict[str, int] = {}
    person.page.on(
        "response",
        lambda answer: sizes.update({answer.url: len(answer.body())}) if answer.ok and "/image/" not in answer.url else None,
    )
    person.consent()
    person.go("practice")
    person.picture()
    total = sum(size for address, size in sizes.items() if "/o/step/" not in address and "observer.css" not in address)
    assert any(address.endswith("rating.js") for address in sizes)
    assert 10_000 < total <= 60_000


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1366, 768), (1280, 720), (1366, 641)])
def test_image_and_scale_are_seen_without_scrolling(lab: Lab, study: str, enter: Enter, size: tuple[int, int]) -> None:
    """Picture, scale and Next lie within the window, and the scale stands at the same place for upright and wide pictures."""
    lab.study(study)
    person = enter(viewport={"width": size[0], "height": size[1]})
    person.arrive(lab.invite(study))
    person.practice()
    person.go("ready")
    places, shapes = set(), set()
    for k in range(30):
        if len(shapes) == 2 and k > 5:
            break
        person.picture()
        boxes = {
            name: person.page.locator(name).bounding_box() for name in ("#picture", "#scale", "#next", "#unwilling", "#hint")
        }
        for name, box in boxes.items():
            assert box is not None, name
            assert box["x"] >= 0, name
            assert box["y"] >= 0, name
            assert box["x"] + box["width"] <= size[0] + 0.5, name
            assert box["y"] + box["height"] <= size[1] + 0.5, name
        scale, picture = boxes["#scale"], boxes["#picture"]
        assert scale is not None
        assert picture is not None
        assert picture["y"] + picture["height"] <= scale["y"]
        places.add((scale["x"], scale["y"]))
        shapes.add(picture["height"] > picture["width"])
        person.vote(k % 10 + 1)
    assert len(places) == 1
    assert shapes == {True, False}
