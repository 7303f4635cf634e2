from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from annotate_app import steps
from annotate_app.steps import Way
from workspace.errors import StudyFault

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_whole_way() -> None:
    """Without settings the first session asks for everything, in the order that a person expects."""
    order = steps.steps(Way(), 1)
    assert order == (
        "consent", "questions", "screen", "card", "patches", "ticks", "acuity", "plates", "instructions", "quiz", "examples", "rate",
    )  # fmt: skip
    assert steps.steps(Way(), 2) == ("short", "rate")


def test_study_leaves_steps_out() -> None:
    """A study leaves steps out by its protocol, consent and pictures never."""
    way = Way.of({"way": {"display": "none", "vision": "not_assessable", "questions": False, "instructions": False, "quiz": False,
                          "examples": False, "remarks": False}})  # fmt: skip
    assert steps.steps(way, 1) == ("consent", "rate")
    assert steps.steps(way, 2) == ("rate",)
    assert steps.after_session(1, 1, way) == "finished"


def test_short_display_and_exclusion() -> None:
    """The short display check stands in the place of the four pages; exclusion questions come before all others."""
    way = Way.of({"way": {"display": "short", "exclusion": [{"name": "age", "choices": ["yes", "no"], "exclude": ["no"]}]}})
    order = steps.steps(way, 1)
    assert order[:4] == ("consent", "exclusion", "questions", "short")
    assert not set(steps.DISPLAY) & set(order)


def test_each_step_leads_on() -> None:
    """Following the steps from the first reaches the pictures and stays there."""
    step, seen = steps.first(Way(), 1), []
    while step != "rate":
        seen.append(step)
        step = steps.after(step, Way(), 1)
    assert tuple(seen) == steps.steps(Way(), 1)[:-1]
    assert steps.after("rate", Way(), 1) == "rate"


def test_step_of_another_setting_leads_on() -> None:
    """A step that the study does not ask for leads to the next one that it does; an unknown one is named."""
    assert steps.after("screen", Way(display="none", vision="not_assessable"), 1) == "instructions"
    with pytest.raises(StudyFault, match="'dance' is no step of session 1"):
        steps.after("dance", Way(), 1)


def test_wrong_way_is_named() -> None:
    """An unknown key or word of the protocol's way is one line with the nearest known one."""
    with pytest.raises(StudyFault, match=r"unknown key 'displya' .*'display'"):
        Way.of({"way": {"displya": "full"}})
    with pytest.raises(StudyFault, match="vision = 'x', one of lab, home, not_assessable"):
        Way.of({"way": {"vision": "x"}})


def test_two_sessions_in_twenty_hours() -> None:
    """Two sessions may start within any twenty hours; the third waits for the first to be twenty hours old."""
    way = Way()
    started = [NOON, NOON + timedelta(hours=2)]
    assert steps.may_start([], NOON, way) == NOON
    assert steps.may_start(started[:1], NOON + timedelta(hours=1), way) == NOON + timedelta(hours=1)
    assert steps.may_start(started, NOON + timedelta(hours=3), way) == NOON + timedelta(hours=20)
    assert steps.may_start(started, NOON + timedelta(hours=21), way) == NOON + timedelta(hours=21)


def test_what_comes_after_a_session() -> None:
    """Sessions left mean a rest, none left the remarks."""
    assert steps.after_session(3, 10, Way()) == "rest"
    assert steps.after_session(10, 10, Way()) == "remarks"


def test_minutes_shrink() -> None:
    """The time still needed falls from step to step and ends with the pictures' own."""
    order = steps.steps(Way(), 1)
    left = [steps.minutes_left(step, Way(), 1) for step in order]
    assert left == sorted(left, reverse=True)
    assert left[-1] == Way().minutes
    assert steps.share_done(order[0], Way(), 1) == 0
    assert steps.share_done("rate", Way(), 1) == 1


@pytest.mark.parametrize(
    ("agent", "touch", "side", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/150", False, 1080, "desktop"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/150", True, 1080, "desktop"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18) Mobile Safari", True, 390, "phone"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/150 Mobile Safari", True, 412, "phone"),
        ("Mozilla/5.0 (Linux; Android 15; Tab S9) Chrome/150 Safari", True, 800, "tablet"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Safari", True, 834, "tablet"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Safari", False, 900, "desktop"),
    ],
)
def test_devices(agent: str, touch: bool, side: int, device: str) -> None:
    """Computers, tablets (an iPad that says it is a Mac too) and phones are told apart, and allowed by the study."""
    assert steps.device_of(agent, touch=touch, side=side) == device
    assert steps.device_allowed(device, Way()) is (device == "desktop")
    assert steps.device_allowed(device, Way(devices=("desktop", device)))
