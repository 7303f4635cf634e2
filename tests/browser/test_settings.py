"""What a study may set for its rating page: scales, timed pictures, a second question."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Enter
from tests.browser.lab import Lab
from tests.browser.person import Person

FIVE = ["bad", "poor", "fair", "good", "excellent"]
SKIN = {
    "name": "judge",
    "kind": "yes_no",
    "labels": ["no", "yes"],
    "texts": {"en": {"text": "Could you judge the skin in this picture?"}},
}


def begin(lab: Lab, study: str, enter: Enter, **said: object) -> Person:
    """Somebody before the first picture that counts."""
    lab.study(study, **said)  # type: ignore[arg-type]
    person = enter()
    person.arrive(lab.invite(study))
    person.go("practice")
    for _ in range(2):
        name = person.picture()
        person.page.keyboard.type("4\n")
        person.gone(name)
    person.go("ready")
    return person


def wait_for(lab: Lab, study: str, person: Person, count: int) -> list[int | None]:
    """The votes' values once there are so many."""
    for _ in range(200):
        votes = lab.votes(study)
        if len(votes) >= count:
            return [vote.value for vote in votes]
        person.page.wait_for_timeout(50)
    raise AssertionError([vote.value for vote in lab.votes(study)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("low", "high", "labels", "typed"),
    [(1, 5, FIVE, [1, 5, 3]), (1, 9, FIVE, [9, 1, 4]), (0, 10, FIVE, [0, 10, 1]), (0, 100, ["poor", "excellent"], [75, 100, 0])],
    ids=["5", "9", "11", "0-100"],
)
def test_scales(lab: Lab, study: str, enter: Enter, low: int, high: int, labels: list[str], typed: list[int]) -> None:
    """Scales of 5, 9, 11 and 0-100 levels take typed numbers, and labels stay on the screen."""
    person = begin(lab, study, enter, questions=[{"name": "quality", "low": low, "high": high, "labels": labels}])
    for value in typed:
        person.vote(value)
    person.picture()
    assert person.page.locator("#scale .labels").inner_text().split() == labels
    if high == 100:
        person.page.locator("#scale input").focus()
        person.page.keyboard.press("End")
        person.page.keyboard.press("ArrowLeft")
        person.page.keyboard.press("Enter")
        typed = [*typed, 99]
    assert wait_for(lab, study, person, len(typed)) == typed


def test_ends_alone(lab: Lab, study: str, enter: Enter) -> None:
    """Two labels stand at the two ends, and a screen reader hears them with 1 and 10 alone."""
    person = begin(lab, study, enter, questions=[{"name": "quality", "low": 1, "high": 10, "labels": ["poor", "excellent"]}])
    person.picture()
    names = person.page.evaluate(
        "[...document.querySelectorAll('#scale input')].map((input) => input.getAttribute('aria-label'))"
    )
    assert names[0] == "1, poor"
    assert names[-1] == "10, excellent"
    assert names[1:-1] == [str(k) for k in range(2, 10)]
    boxes = [person.page.locator(f"#scale .labels span:nth-child({k})").bounding_box() for k in (1, 2)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] < boxes[1]["x"]


@pytest.mark.slow
def test_timed_picture_then_scale(lab: Lab, study: str, enter: Enter) -> None:
    """With a view time the picture goes away after it and the scale takes votes only then."""
    person = begin(lab, study, enter, settings={"view_ms": 700, "gap_ms": 80, "min_view_ms": 100})
    person.page.wait_for_selector("#picture:not([hidden])")
    person.page.keyboard.press("9")
    assert person.page.get_attribute("#rating", "data-open") is None
    person.picture()
    assert person.page.is_hidden("#picture")
    person.vote(6)
    assert wait_for(lab, study, person, 1) == [6]
    vote = lab.votes(study)[0]
    assert 690 <= (vote.view_ms or 0) < 1200
    assert (vote.response_ms or 0) >= (vote.view_ms or 0)


@pytest.mark.slow
def test_second_question_in_a_second_pass(lab: Lab, study: str, enter: Enter) -> None:
    """A second question comes in a pass of its own after all quality votes and is stored apart."""
    person = begin(lab, study, enter, questions=[{"name": "quality"}, SKIN])
    person.rate(30)
    person.leave()
    assert person.step == "rest"
    person.onward("main button.main")
    person.go("ready")
    for k in range(3):
        name = person.picture()
        assert "judge the skin" in person.page.inner_text("#scale legend")
        person.page.click(f"#scale label:nth-child({k % 2 + 1})")
        person.page.keyboard.press("Enter")
        person.gone(name)
    wait_for(lab, study, person, 33)
    second = [vote for vote in lab.votes(study) if vote.high == 1]
    assert [vote.value for vote in second] == [0, 1, 0]


@pytest.mark.slow
def test_second_question_after_each_vote(lab: Lab, study: str, enter: Enter) -> None:
    """With `each` the second question follows every quality vote on the same picture."""
    person = begin(lab, study, enter, questions=[{"name": "quality"}, SKIN], second_question="each")
    for k in range(3):
        name = person.picture()
        person.page.keyboard.type(f"{k + 3}\n")
        person.page.wait_for_function(
            "() => document.querySelector('#scale:not([disabled]) legend')?.textContent.includes('skin')"
        )
        assert person.picture() == name
        person.page.keyboard.type("2\n")
        person.gone(name)
    wait_for(lab, study, person, 6)
    votes = lab.votes(study)
    assert [vote.value for vote in votes if vote.high == 10] == [3, 4, 5]
    assert [vote.value for vote in votes if vote.high == 1] == [1, 1, 1]
