"""What goes wrong at home: reloads, tabs, devices, lost connections, killed browsers and servers. No vote is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.conftest import Enter
from tests.browser.lab import Lab
from tests.browser.person import Person

pytestmark = pytest.mark.slow


def ready(lab: Lab, study: str, enter: Enter, **said: object) -> tuple[Person, str]:
    """Somebody before the first picture that counts, and the link."""
    lab.study(study, **said)  # type: ignore[arg-type]
    link = lab.invite(study)
    person = enter()
    person.arrive(link)
    person.practice()
    person.go("ready")
    return person, link


def until(person: Person, true: Callable[[], bool]) -> None:
    """Wait at most a minute."""
    for _ in range(1200):
        if true():
            return
        person.page.wait_for_timeout(50)
    raise AssertionError("it did not come")


def test_reload_and_back_lose_nothing(lab: Lab, study: str, enter: Enter) -> None:
    """Reload comes back to the same picture, Back leads forward again; each picture has one vote and none is skipped."""
    person, _link = ready(lab, study, enter)
    person.vote(2)
    name = person.picture()
    person.page.keyboard.press("7")
    person.page.reload()
    person.go("ready")
    assert person.picture() == name
    person.vote(3)
    person.page.go_back()
    person.page.wait_for_url("**/o/rate")
    person.go("ready")
    person.vote(4)
    person.page.reload()
    person.go("ready")
    person.vote(5)
    until(person, lambda: len(lab.votes(study)) == 4)
    assert [vote.value for vote in lab.votes(study)] == [2, 3, 4, 5]


def test_two_tabs(lab: Lab, study: str, enter: Enter) -> None:
    """The later tab rates, the earlier one stands aside and says so, and takes over again when asked."""
    person, _link = ready(lab, study, enter)
    person.vote(2)
    person.picture()
    other = Person(person.page.context.new_page())
    other.page.goto(f"{lab.address}/o/rate")
    other.go("ready")
    person.panel("other-tab")
    person.page.bring_to_front()
    person.page.keyboard.type("9\n")
    other.page.bring_to_front()
    other.vote(3)
    other.picture()
    person.page.bring_to_front()
    person.go("other-tab")
    person.go("ready")
    other.panel("other-tab")
    person.vote(4)
    until(person, lambda: len(lab.votes(study)) == 3)
    assert [vote.value for vote in lab.votes(study)] == [2, 3, 4]


def test_second_device_takes_over(lab: Lab, study: str, enter: Enter) -> None:
    """The link opened on a second device goes on at the same place; the first one is told, and its late vote is kept as an event."""
    person, link = ready(lab, study, enter)
    person.vote(2)
    name = person.picture()
    other = enter()
    other.page.goto(link)
    assert "used before" in other.page.inner_text("main")
    other.page.click("main button.main")
    other.page.wait_for_url("**/o/rate")
    other.go("ready")
    assert other.picture() == name
    other.vote(3)
    other.picture()
    person.page.keyboard.type("9\n")
    person.panel("other-device")
    assert "another device" in person.page.inner_text('[data-panel="other-device"]')
    until(person, lambda: "vote_refused" in {event.kind for event in lab.events(study)})
    assert [vote.value for vote in lab.votes(study)] == [2, 3]


def test_vote_of_a_lost_device_survives_a_new_sign_on(lab: Lab, study: str, enter: Enter) -> None:
    """A vote that could not be handed in waits through a new sign-on of the same observer and is then stored."""
    person, link = ready(lab, study, enter)
    person.vote(2)
    other = enter()
    other.sign_on(link)
    other.page.wait_for_url("**/o/rate")
    person.picture()
    person.page.keyboard.type("9\n")
    person.panel("other-device")
    assert person.page.inner_text('[data-panel="other-device"] [data-fill="kept"]') == "1"
    person.sign_on(link)
    person.page.wait_for_url("**/o/rate")
    person.go("ready")
    until(person, lambda: len(lab.votes(study)) == 2)
    assert [vote.value for vote in lab.votes(study)] == [2, 9]


def test_offline_for_a_minute(lab: Lab, study: str, enter: Enter) -> None:
    """Offline for 60 s: rating goes on as far as pictures are there, then the page says what is kept; all arrives afterwards."""
    person, _link = ready(lab, study, enter)
    person.vote(2)
    person.picture()
    until(person, lambda: len(lab.votes(study)) == 1)
    person.page.wait_for_timeout(500)
    person.page.context.set_offline(True)
    for value in (3, 4, 5, 6, 7):
        person.vote(value)
    person.panel("offline")
    assert person.page.inner_text('[data-panel="offline"] [data-fill="kept"]') == "5"
    person.page.wait_for_timeout(60_000)
    assert len(lab.votes(study)) == 1
    person.page.context.set_offline(False)
    person.vote(8)
    person.picture()
    until(person, lambda: len(lab.votes(study)) == 7)
    assert [vote.value for vote in lab.votes(study)] == [2, 3, 4, 5, 6, 7, 8]
    assert {"offline", "online"} <= {event.kind for event in lab.events(study)}


def test_server_killed_while_voting(lab: Lab, study: str, enter: Enter) -> None:
    """The server killed by SIGKILL and started again: votes made meanwhile arrive once each."""
    person, _link = ready(lab, study, enter)
    person.vote(2)
    person.picture()
    until(person, lambda: len(lab.votes(study)) == 1)
    person.page.wait_for_timeout(500)
    with lab.down():
        person.vote(3)
        person.vote(4)
    person.vote(5)
    until(person, lambda: len(lab.votes(study)) == 4)
    assert [vote.value for vote in lab.votes(study)] == [2, 3, 4, 5]


def test_browser_killed_with_votes_on_board(lab: Lab, study: str, playwright: Playwright, chromium: str, tmp_path: Path) -> None:
    """The browser killed while offline votes wait: after a new start and the same link they are handed in, once each."""
    lab.study(study)
    link = lab.invite(study)

    def start() -> Person:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=chromium, args=["--no-sandbox"]
        )
        return Person(context.pages[0])

    person = start()
    person.arrive(link)
    person.practice()
    person.go("ready")
    person.vote(2)
    person.picture()
    until(person, lambda: len(lab.votes(study)) == 1)
    person.page.wait_for_timeout(500)
    person.page.context.set_offline(True)
    person.vote(3)
    person.vote(4)
    person.picture()
    client = person.page.context.browser.new_browser_cdp_session() if person.page.context.browser else None
    process = client.send("SystemInfo.getProcessInfo")["processInfo"] if client else []
    kill_browser(process, tmp_path / "profile")
    person = start()
    person.sign_on(link)
    person.page.wait_for_url("**/o/rate")
    person.go("ready")
    person.vote(5)
    until(person, lambda: len(lab.votes(study)) == 4)
    person.page.context.close()
    assert [vote.value for vote in lab.votes(study)] == [2, 3, 4, 5]


def kill_browser(processes: list[dict[str, int]], profile: Path) -> None:
    """SIGKILL to the Chromium that uses this profile."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if f"--user-data-dir={profile}" in (process.info["cmdline"] or []):
            process.kill()


def test_unwilling_is_a_reasoned_missing_vote(lab: Lab, study: str, enter: Enter) -> None:
    """ "I do not want to see this" takes the picture away and stores a reason, never a number; Back shows the picture again."""
    person, _link = ready(lab, study, enter)
    name = person.picture()
    person.page.click("#unwilling")
    person.panel("unwilling")
    assert person.page.is_hidden("#picture")
    person.page.wait_for_timeout(350)
    person.page.click('[data-panel="unwilling"] [data-action="back"]')
    assert person.picture() == name
    person.page.click("#unwilling")
    person.page.wait_for_timeout(350)
    person.page.click('[data-panel="unwilling"] button[value="unpleasant"]')
    person.gone(name)
    person.vote(6)
    until(person, lambda: len(lab.votes(study)) == 2)
    assert [(vote.value, vote.missing) for vote in lab.votes(study)] == [(None, "unpleasant"), (6, None)]


def test_pause_and_withdraw_while_rating(lab: Lab, study: str, enter: Enter) -> None:
    """Esc pauses and shows the same picture afterwards; from the pause the observer withdraws, and the link is dead."""
    person, link = ready(lab, study, enter)
    person.vote(2)
    name = person.picture()
    person.page.keyboard.press("Escape")
    person.panel("pause")
    assert person.page.is_hidden("#picture")
    person.go("pause")
    assert person.picture() == name
    person.vote(3)
    person.picture()
    until(person, lambda: len(lab.votes(study)) == 2)
    person.page.click("#pause")
    person.panel("pause")
    person.page.click('[data-panel="pause"] a[href$="/o/withdraw"]')
    person.page.check("input[value=erase]")
    person.onward("main button.main")
    assert "withdrawn" in person.page.inner_text("h1")
    observer = lab.observer(study)
    assert observer.state == "withdrawn"
    assert observer.flags["wish"] == "erase"
    person.page.goto(link)
    assert person.page.query_selector("main button.main") is None
    assert "pause" in {event.kind for event in lab.events(study)}


def test_closed_study_ends_the_session_politely(lab: Lab, study: str, enter: Enter) -> None:
    """When the study closes while somebody rates, the next vote leads to a page that says so."""
    from annotate_app import studies
    from db.engine import writing

    person, _link = ready(lab, study, enter)
    person.vote(2)
    person.picture()
    until(person, lambda: len(lab.votes(study)) == 1)
    with writing(lab.engine) as session:
        studies.close_study(session, study)
    person.page.keyboard.type("5\n")
    person.page.wait_for_url("**/o/step/closed")
    assert [vote.value for vote in lab.votes(study)] == [2]
