"""Hands: keys of several keyboards, mouse, and what must not count as a vote."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Enter
from tests.browser.lab import Lab
from tests.browser.person import SETTLE, Person

pytestmark = pytest.mark.slow

AZERTY = {1: "&", 2: "é", 3: '"', 4: "'", 5: "(", 6: "-", 7: "è", 8: "_", 9: "ç", 0: "à"}


def ready(lab: Lab, study: str, enter: Enter, **said: object) -> Person:
    """Somebody before the first picture that counts."""
    lab.study(study, **said)  # type: ignore[arg-type]
    person = enter()
    person.arrive(lab.invite(study))
    person.practice()
    person.go("ready")
    return person


def chosen(person: Person) -> str | None:
    """The value that is chosen now."""
    value: str | None = person.page.evaluate("document.querySelector('#scale input:checked')?.value ?? null")
    return value


def values(lab: Lab, study: str, person: Person, count: int) -> list[int | None]:
    """The votes in the database, once there are so many."""
    for _ in range(100):
        votes = lab.votes(study)
        if len(votes) >= count:
            break
        person.page.wait_for_timeout(50)
    return [vote.value for vote in votes]


def test_keyboard_alone_suffices(lab: Lab, study: str, enter: Enter) -> None:
    """From the link to the votes nothing but keys is needed: Tab, Space and Enter on pages, digits and Enter for pictures."""
    lab.study(study)
    person = enter()
    keyboard = person.page.keyboard
    person.page.goto(lab.invite(study))
    for _ in range(10):
        keyboard.press("Tab")
        if person.page.evaluate("document.activeElement.matches('button.main')"):
            break
    keyboard.press("Enter")
    person.page.wait_for_url("**/consent")
    boxes = 0
    for _ in range(20):
        keyboard.press("Tab")
        if person.page.evaluate("document.activeElement.matches('input[type=checkbox]')"):
            keyboard.press("Space")
            boxes += 1
        elif person.page.evaluate("document.activeElement.matches('button.main')"):
            break
    assert boxes == 4
    keyboard.press("Enter")
    for panel, count in (("practice", 2), ("ready", 3)):
        person.panel(panel)
        person.page.wait_for_timeout(SETTLE)
        keyboard.press("Enter")
        for k in range(count):
            person.vote(k + 2)
    assert values(lab, study, person, 3) == [2, 3, 4]


def test_numeric_pad_azerty_and_arrows(lab: Lab, study: str, enter: Enter) -> None:
    """The numeric pad, a French digit row and the arrow keys choose as digits do."""
    person = ready(lab, study, enter)
    keyboard = person.page.keyboard
    client = person.page.context.new_cdp_session(person.page)
    name = person.picture()
    keyboard.press("Numpad7")
    assert chosen(person) == "7"
    keyboard.press("NumpadEnter")
    person.gone(name)
    name = person.picture()
    for digit in (4, 9):
        for kind in ("keyDown", "keyUp"):
            client.send("Input.dispatchKeyEvent", {"type": kind, "key": AZERTY[digit], "code": f"Digit{digit}"})
        assert chosen(person) == str(digit)
    keyboard.press("Enter")
    person.gone(name)
    name = person.picture()
    keyboard.press("3")
    keyboard.press("ArrowRight")
    assert chosen(person) == "4"
    keyboard.press("Enter")
    person.gone(name)
    assert values(lab, study, person, 3) == [7, 9, 4]


def test_typed_ten(lab: Lab, study: str, enter: Enter) -> None:
    """1 then 0 within .7 s is ten; later it is a new digit, which alone is ten as well; 1 alone stays one."""
    person = ready(lab, study, enter)
    keyboard = person.page.keyboard
    person.vote(10)
    name = person.picture()
    keyboard.press("1")
    person.page.wait_for_timeout(900)
    keyboard.press("2")
    assert chosen(person) == "2"
    keyboard.press("Enter")
    person.gone(name)
    person.vote(1)
    name = person.picture()
    keyboard.press("0")
    keyboard.press("Enter")
    person.gone(name)
    assert values(lab, study, person, 4) == [10, 2, 1, 10]


def test_enter_without_choice_and_foreign_keys_do_nothing(lab: Lab, study: str, enter: Enter) -> None:
    """Enter without a choice, letters, digits off the scale and shortcuts neither vote nor skip."""
    person = ready(
        lab,
        study,
        enter,
        questions=[{"name": "quality", "low": 1, "high": 5, "labels": ["bad", "poor", "fair", "good", "excellent"]}],
    )
    name = person.picture()
    for key in ("Enter", "x", "8", "0", "Control+3", "Delete", "Backspace"):
        person.page.keyboard.press(key)
    assert chosen(person) is None
    assert person.page.get_attribute("#rating", "data-open") == name
    person.vote(5)
    assert values(lab, study, person, 1) == [5]


def test_keys_in_the_gap_reach_no_picture(lab: Lab, study: str, enter: Enter) -> None:
    """Digits and Enter pressed during the gap, and a key held from the last picture on, do not choose for the next one."""
    person = ready(lab, study, enter, settings={"gap_ms": 700, "min_view_ms": 50})
    keyboard = person.page.keyboard
    name = person.picture()
    keyboard.press("3")
    keyboard.down("Enter")
    person.gone(name)
    for key in ("9", "9", "ArrowRight"):
        keyboard.press(key)
    keyboard.down("8")
    keyboard.down("8")
    second = person.picture()
    keyboard.down("8")
    keyboard.down("Enter")
    keyboard.down("Enter")
    person.page.wait_for_timeout(200)
    assert chosen(person) is None
    assert person.page.get_attribute("#rating", "data-open") == second
    keyboard.up("8")
    keyboard.up("Enter")
    person.vote(6)
    assert values(lab, study, person, 2) == [3, 6]


def test_double_clicks_vote_once(lab: Lab, study: str, enter: Enter) -> None:
    """Double clicks on a number and on Next, and Enter twice, make one vote for one picture each."""
    person = ready(lab, study, enter)
    page = person.page
    for k, value in enumerate((4, 7, 2)):
        name = person.picture()
        page.dblclick(f'#scale label:has(input[value="{value}"])')
        if k == 1:
            page.keyboard.press("Enter")
            page.keyboard.press("Enter")
        else:
            page.dblclick("#next")
        person.gone(name)
    person.picture()
    assert values(lab, study, person, 3) == [4, 7, 2]
    assert len(lab.votes(study)) == 3


def test_confirmation_waits_for_the_least_time(lab: Lab, study: str, enter: Enter) -> None:
    """A vote confirmed at once is held until the picture has been seen for the least time."""
    person = ready(lab, study, enter, settings={"gap_ms": 60, "min_view_ms": 600})
    person.vote(8)
    person.picture()
    vote = lab.votes(study)[0]
    assert vote.value == 8
    assert 600 <= (vote.view_ms or 0) < 1500


def test_auto_advance_and_take_back(lab: Lab, study: str, enter: Enter) -> None:
    """With auto-advance choosing is voting; Backspace in the gap takes it back; typed 1 and 0 still make ten."""
    person = ready(lab, study, enter, settings={"gap_ms": 900, "min_view_ms": 50, "auto_advance": True, "confirm": False})
    keyboard = person.page.keyboard
    name = person.picture()
    keyboard.press("3")
    person.gone(name)
    keyboard.press("Backspace")
    assert person.picture() == name
    keyboard.press("5")
    person.gone(name)
    name = person.picture()
    keyboard.type("10")
    person.gone(name)
    name = person.picture()
    keyboard.press("1")
    person.gone(name)
    person.picture()
    assert values(lab, study, person, 3) == [5, 10, 1]
    assert "taken_back" in {event.kind for event in lab.events(study)}
