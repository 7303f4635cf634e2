from __future__ import annotations

import json
from typing import Any

import pytest

from annotate_app import answers, display, eyes, texts, vision
from annotate_app.outcomes import Asked
from annotate_app.steps import Way

SHOWN = texts.default_texts("en")
COMPUTER = "Mozilla/5.0 (X11; Linux x86_64) Chrome/150"


def asked(way: Way | None = None, before: dict[str, Any] | None = None, agent: str = COMPUTER) -> Asked:
    """A check's surroundings."""
    return Asked(way or Way(), 42, before or {}, agent, lambda text: text, SHOWN)


def facts(**more: Any) -> str:
    """The browser's facts as the page sends them."""
    return json.dumps({"width": 1366, "height": 768, "screen_width": 1366, "screen_height": 768, "ratio": 1.0, **more})


def test_consent_needs_every_line() -> None:
    """Consent holds when every line of the wording that was shown is ticked."""
    version = texts.version_of(SHOWN["sheet"] + SHOWN["consent"])
    whole = {"version": [version], "agree": ["0", "1", "2", "3"]}
    assert answers.consent(whole, asked()).values == {"version": version}
    assert answers.consent({**whole, "agree": ["0", "1"]}, asked()).faults
    assert answers.consent({**whole, "version": ["old"]}, asked()).faults


def test_exclusion_ends_politely() -> None:
    """An answer that the study excludes ends the visit; one that was not offered is a fault."""
    way = Way(exclusion=({"name": "adult", "text": {"en": "Are you 18?"}, "choices": ["yes", "no"], "exclude": ["no"]},))
    assert answers.exclusion({"adult": ["yes"]}, asked(way)).ending is None
    assert answers.exclusion({"adult": ["no"]}, asked(way)).ending == "screened_out"
    assert answers.exclusion({"adult": ["x"]}, asked(way)).faults


def test_experts_are_flagged_not_dropped() -> None:
    """Who works with picture quality is flagged and goes on."""
    form = {"age": ["25-34"], "glasses": ["none"], "expert": ["yes"], "medical": ["no"], "time_zone": ["Europe/Madrid"]}
    outcome = answers.questions(form, asked())
    assert outcome.flags == {"expert": True}
    assert not outcome.faults
    assert outcome.ending is None
    assert answers.questions({**form, "age": ["<script>"], "time_zone": ["x"]}, asked()).faults.keys() == {"age", "time_zone"}


def test_phone_is_refused_unless_allowed() -> None:
    """A phone is asked to come back on a computer, unless the study takes phones; a tablet must lie on its side."""
    phone = "Mozilla/5.0 (iPhone) Mobile Safari"
    assert "computer" in display.screen({"facts": [facts()]}, asked(agent=phone)).faults["screen"]
    assert not display.screen({"facts": [facts()]}, asked(Way(devices=("desktop", "phone")), agent=phone)).faults
    tablet = asked(Way(devices=("desktop", "tablet")), agent="Mozilla/5.0 (iPad)")
    assert "side" in display.screen({"facts": [facts(width=768, height=1024)]}, tablet).faults["screen"]
    assert "enlarged" in display.screen({"facts": [facts(pinch=1.5)]}, tablet).faults["screen"]


def test_card_gives_pixels_per_degree() -> None:
    """A card 323.5 CSS px wide at ratio 1 is a 96 dpi screen: .2646 mm per pixel and 39.6 pixels per degree at 60 cm."""
    outcome = display.card({"width": ["323.5"], "distance": ["60"], "facts": [facts()]}, asked())
    assert outcome.values["mm_per_pixel"] == pytest.approx(0.2646, abs=1e-4)
    assert outcome.values["pixels_per_degree"] == pytest.approx(39.6, abs=0.1)
    dense = display.card({"width": ["323.5"], "distance": ["60"], "facts": [facts(ratio=2.0)]}, asked())
    assert dense.values["pixels_per_degree"] == pytest.approx(79.2, abs=0.2)


def test_card_without_card_or_with_nonsense() -> None:
    """Who has no card goes on with a flag; a distance that can't be is asked again."""
    assert display.card({"distance": ["60"], "no_card": ["yes"]}, asked()).flags == {"display_not_measured": True}
    for distance in ("", "6", "900", "nan", "far"):
        assert "distance" in display.card({"distance": [distance], "width": ["320"], "facts": [facts()]}, asked()).faults
    assert "card" in display.card({"distance": ["60"], "width": ["320"], "facts": ['{"ratio": 1e9}']}, asked()).faults


def test_patches_flag_the_screen() -> None:
    """Stripes on the checkerboard, blurred edges and lost greys are flags."""
    fine = {"checker": ["even"], "edges": ["sharp"], "greys": ["11"], "dark": ["3"]}
    assert display.patches(fine, asked()).flags == {}
    poor = {"checker": ["stripes"], "edges": ["blurred"], "greys": ["0-6"], "dark": ["0"]}
    assert set(display.patches(poor, asked()).flags) == {"resampled", "edges_blurred", "few_greys", "dark_lost"}


def test_facts_keep_known_numbers_alone() -> None:
    """What a browser claims of its screen is cut to known keys of known kinds."""
    assert display.read_facts("[1]") == {}
    assert display.read_facts("{oops") == {}
    sent = '{"ratio": 2, "width": "wide", "touch": 1, "evil": "<script>", "height": 1e999, "fullscreen": true}'
    assert display.read_facts(sent) == {"ratio": 2.0, "fullscreen": True}


def answer_card(gap: int, right: bool = True) -> dict[str, list[str]]:
    """A card's form, answered rightly or wrongly throughout."""
    shown = vision.signs(42, gap)
    turned = [vision.DIRECTIONS[(vision.DIRECTIONS.index(d) + 2) % 4] for d in shown]
    return {"card": [str(gap)], "sign": list(shown) if right else turned}


def test_home_acuity_finds_the_smallest_gap() -> None:
    """At home ever smaller gaps are shown until one is missed; the smallest seen is reported, never as 20/x."""
    before: dict[str, Any] = {}
    for gap in (6, 4, 3):
        outcome = eyes.acuity(answer_card(gap), asked(before=before))
        assert outcome.again
        before = {"acuity": outcome.values}
    outcome = eyes.acuity(answer_card(2, right=False), asked(before=before))
    assert not outcome.again
    assert outcome.values["result"] == "smallest gap seen: 3 pixels"
    assert outcome.flags == {}


def test_card_out_of_turn_is_refused() -> None:
    """Another card than the one that is due, or fewer answers than signs, is asked again."""
    assert eyes.acuity(answer_card(1), asked()).faults
    assert eyes.acuity({"card": ["6"], "sign": ["up"]}, asked()).faults


def test_lab_acuity_allows_no_error() -> None:
    """In the laboratory one wrong sign on the 20/30 line is a failure: a flag, or the end where the study says so."""
    form, measured = answer_card(3), {"card": {"mm_per_pixel": 0.2646}}
    assert eyes.acuity(form, asked(Way(vision="lab"), measured)).flags == {}
    form["sign"][0] = next(d for d in vision.DIRECTIONS if d != form["sign"][0])
    assert eyes.acuity(form, asked(Way(vision="lab"), measured)).flags == {"acuity": True}
    assert eyes.acuity(form, asked(Way(vision="lab", on_failure="end"), measured)).ending == "screened_out"


def test_lab_without_a_measured_display_takes_the_home_form() -> None:
    """Where the display was not measured, no distance can be told: the signs shrink as at home and nothing is called 20/30."""
    outcome = eyes.acuity(answer_card(6), asked(Way(vision="lab")))
    assert outcome.again
    assert outcome.values["smallest_gap_px"] == 6


def test_unable_is_not_assessable() -> None:
    """Who can't do the signs here is recorded as not assessable, never as passed."""
    outcome = eyes.acuity({"unable": ["yes"]}, asked())
    assert outcome.values == {"result": "not assessable"}
    assert not outcome.again


def test_plates_allow_two_misses() -> None:
    """Two missed plates of twelve pass, three fail."""
    right = [plate.digit for plate in vision.plates(42)]
    assert eyes.colour_plates({"digit": ["", "", *right[2:]]}, asked()).flags == {}
    assert eyes.colour_plates({"digit": ["", "", "", *right[3:]]}, asked()).flags == {"colour_vision": True}


def test_quiz_explains_and_counts() -> None:
    """A missed question stays open with its reason; attempts are counted."""
    right = {f"check{i}": [str(check.right)] for i, check in enumerate(texts.QUIZ)}
    first = answers.quiz({**right, "check1": ["0"]}, asked())
    assert first.faults == {"check1": texts.QUIZ[1].reason}
    second = answers.quiz(right, asked(before={"quiz": first.values}))
    assert second.values == {"attempts": 2}
    assert not second.faults


def test_long_texts_are_refused() -> None:
    """Remarks have at most 4000 letters, a study's own field 500."""
    assert answers.remarks({"remarks": ["x" * 4001]}, asked()).faults
    assert answers.remarks({"remarks": ["<b>fine</b>"]}, asked()).values == {"text": "<b>fine</b>"}
    way = Way(fields=({"name": "town", "text": "Town?"},))
    assert "town" in answers.own_fields(way.fields, {"town": ["x" * 501]}, asked(way)).faults


def test_ratio_change_is_a_flag() -> None:
    """A later session at another pixel ratio than the first is flagged."""
    before = {"screen": {"ratio": 1.0}}
    assert display.short({"facts": [facts()]}, asked(before=before)).flags == {}
    assert display.short({"facts": [facts(ratio=1.25)]}, asked(before=before)).flags == {"ratio_changed": True}
