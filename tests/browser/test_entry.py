"""Links, devices, languages and what is kept before the first picture."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from db.engine import reading
from db.models import Device, Observer, Study
from tests.browser.conftest import Enter
from tests.browser.lab import QUICK_WAY, Lab

pytestmark = pytest.mark.slow


def devices(lab: Lab, study: str) -> int:
    """Signed-on devices of a study's observers so far."""
    query = (
        select(Device.id).join(Observer, col(Observer.id) == Device.observer_id).join(Study, col(Study.id) == Observer.study_id)
    )
    with reading(lab.engine) as session:
        return len(session.exec(query.where(Study.name == study)).all())


def test_opening_a_link_changes_nothing(lab: Lab, study: str, enter: Enter) -> None:
    """GET of a link signs nobody on, however often; the button does."""
    lab.study(study)
    link = lab.invite(study)
    person = enter()
    for _ in range(3):
        person.page.goto(link)
    assert devices(lab, study) == 0
    assert lab.observer(study).state == "invited"
    person.page.click("main button.main")
    person.page.wait_for_url("**/o/step/consent")
    assert devices(lab, study) == 1
    assert lab.observer(study).time_zone == "Europe/Madrid"


def test_reissued_link(lab: Lab, study: str, enter: Enter) -> None:
    """A link made anew leads to the same observer; the old one says that it has been replaced; nonsense is not known."""
    lab.study(study)
    old = lab.invite(study)
    new = lab.reissue(study, "P001")
    person = enter()
    person.page.goto(old)
    assert "replaced" in person.page.inner_text("h1")
    person.page.goto(f"{lab.address}/i/nonsense")
    assert "not known" in person.page.inner_text("h1")
    person.sign_on(new)
    assert "P001" in person.page.inner_text("footer")


def test_open_link_has_a_quota(lab: Lab, study: str, enter: Enter) -> None:
    """An open link lets in as many people as its quota says, shows each a link of their own, and then says that it is full."""
    lab.study(study)
    link = lab.open_link(study, 2)
    own = []
    for _ in range(2):
        person = enter()
        person.sign_on(link)
        own.append(person.page.inner_text(".receipt").rsplit("/i/", 1)[1])
        person.page.click("a.button")
        person.page.wait_for_url("**/o/step/consent")
    third = enter()
    third.sign_on(link)
    assert "taken" in third.page.inner_text("h1")
    third.sign_on(f"{lab.address}/i/{own[0]}")
    assert "P001" in third.page.inner_text("footer")


def test_provider_id_comes_back_to_the_same_place(lab: Lab, study: str, enter: Enter) -> None:
    """A panel provider's id is kept as a keyed hash alone and leads the same person to the same place."""
    lab.study(study)
    link = lab.open_link(study, 5)
    for _ in range(2):
        person = enter()
        person.sign_on(f"{link}?PROLIFIC_PID=worker-4711")
        person.page.goto(f"{lab.address}/o/")
        assert "P001" in person.page.inner_text("footer")
    kept = lab.observer(study)
    assert kept.provider_hash
    assert "4711" not in str(kept.model_dump())


def test_waiting_list(lab: Lab, study: str, enter: Enter) -> None:
    """When all rows of the plan are given, the next person is put on the waiting list."""
    lab.study(study, panels=[{"name": "lay", "target": 1}])
    first = enter()
    first.arrive(lab.invite(study))
    second = enter()
    second.sign_on(lab.invite(study))
    assert "waiting list" in second.page.inner_text("h1")


def test_phone_is_asked_to_come_back_on_a_computer(lab: Lab, study: str, enter: Enter) -> None:
    """A phone gets no further than the screen page, unless the study takes phones."""
    lab.study(study, way={**QUICK_WAY, "display": "short"})
    phone = enter(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18) Mobile Safari", viewport={"width": 844, "height": 700})
    phone.sign_on(lab.invite(study))
    phone.consent()
    phone.page.click("form#form button.main")
    assert "open your link on a computer" in phone.page.inner_text("main .fault:not([hidden])")
    assert phone.step == "short"


def test_tablet_in_landscape(lab: Lab, study: str, enter: Enter) -> None:
    """A tablet that the study takes rates by touch: targets of 44 pixels at least, on its side, not enlarged."""
    lab.study(study, way={**QUICK_WAY, "display": "short", "devices": ["desktop", "tablet"]})
    tablet = enter(user_agent="Mozilla/5.0 (iPad) Safari", viewport={"width": 768, "height": 1024}, has_touch=True)
    tablet.sign_on(lab.invite(study))
    tablet.consent()
    tablet.page.click("form#form button.main")
    assert "on its side" in tablet.page.inner_text("main .fault:not([hidden])")
    tablet.page.set_viewport_size({"width": 1024, "height": 768})
    tablet.page.click("form#form button.main")
    tablet.go("practice")
    name = tablet.picture()
    for target in ("#scale label:nth-child(1)", "#next", "#pause", "#unwilling"):
        box = tablet.page.locator(target).first.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] >= 44
    tablet.page.tap('#scale label:has(input[value="6"])')
    tablet.page.tap("#next")
    tablet.gone(name)


def test_exclusion_and_return_address(lab: Lab, study: str, enter: Enter) -> None:
    """An excluded answer ends the visit politely, with the provider's address for those screened out."""
    asked = {"name": "adult", "text": {"en": "Are you 18 or older?"}, "choices": ["yes", "no"], "exclude": ["no"]}
    lab.study(study, way={**QUICK_WAY, "exclusion": [asked], "returns": {"screened_out": "https://provider.test/out"}})
    person = enter()
    person.sign_on(lab.invite(study))
    person.consent()
    person.page.check("input[value=no]")
    person.onward()
    assert "not your fault" in person.page.inner_text("main")
    assert person.page.get_attribute("main a.button", "href") == "https://provider.test/out"
    assert lab.observer(study).state == "screened_out"


def test_papers_and_language(lab: Lab, study: str, enter: Enter) -> None:
    """Information and consent can be saved on every page, in the language that was chosen there."""
    lab.study(study, way={**QUICK_WAY, "questions": True})
    person = enter()
    person.sign_on(lab.invite(study))
    person.page.click("footer button[value=es]")
    assert person.page.get_attribute("html", "lang") == "es"
    person.consent()
    for paper, words in (("sheet", "calidad técnica"), ("consent", "Aceptado el"), ("contacts", "Contactos")):
        with person.page.expect_download() as fetched:
            person.page.click(f"footer a[href$='/papers/{paper}']")
        assert words in fetched.value.path().read_text(encoding="utf-8-sig")
    assert lab.observer(study).language == "es"


def test_forms_of_others_are_refused(lab: Lab, study: str, enter: Enter) -> None:
    """A form without this browser's token, and one from another site, changes nothing."""
    lab.study(study)
    link = lab.invite(study)
    person = enter()
    answer = person.page.request.post(link, form={"form_token": "x" * 32})
    assert answer.status == 403
    person.page.goto(link)
    token = person.page.get_attribute("main input[name=form_token]", "value")
    answer = person.page.request.post(link, form={"form_token": token}, headers={"Origin": "http://evil.test"})
    assert answer.status == 403
    assert devices(lab, study) == 0
