"""What an observer answers on the way to the pictures: each step's form checked and turned into what is kept. Pure.

Every check gives an `Outcome`: values to keep, flags for the curator, faults beside their fields, or an ending. Nothing here drops an
observer: a failed check flags, and ends the visit only where the study says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotate_app import texts, vision
from annotate_app.clock import known_zone
from annotate_app.steps import Way, device_allowed, device_of
from annotate_app.texts import _

Form = Mapping[str, Sequence[str]]
CARD_MM = 85.6
AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+", "no_answer")
TICKS = {
    "night_mode": _("Night mode, True Tone or another yellowish light of the screen"),
    "hdr": _("HDR"),
    "remote": _("This is a remote desktop, or a screen shared over the network"),
    "scaled": _("A screen resolution other than the screen's own ('More Space' on a Mac)"),
    "colours": _("A filter for colours, contrast or dark mode"),
}
FACTS = {
    "width": float,
    "height": float,
    "screen_width": float,
    "screen_height": float,
    "ratio": float,
    "pinch": float,
    "depth": float,
    "fullscreen": bool,
    "wide_colour": bool,
    "high_range": bool,
    "touch": bool,
}


@dataclass
class Outcome:
    """What a form came to: `faults` keep the page open; `again` shows the step's next card; `ending` closes the visit."""

    values: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    ending: str | None = None
    again: bool = False


@dataclass(frozen=True)
class Asked:
    """What a check needs to know: the way, who answers (seed), earlier answers, the browser's name, and how to say things."""

    way: Way
    seed: int
    before: Mapping[str, Any]
    agent: str
    say: Callable[[str], str]
    texts: Mapping[str, str]


def one(form: Form, name: str) -> str:
    """The first value of a field, stripped; an empty text where it is missing."""
    return (form.get(name) or [""])[0].strip()


def read_facts(text: str) -> dict[str, Any]:
    """The browser's facts about the screen: known keys of known kinds alone, everything else dropped."""
    try:
        given = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(given, dict):
        return {}
    facts: dict[str, Any] = {}
    for key, kind in FACTS.items():
        value = given.get(key)
        if kind is bool and isinstance(value, bool):
            facts[key] = value
        elif kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            facts[key] = float(value)
    return facts


def consent(form: Form, asked: Asked) -> Outcome:
    """Every statement must be agreed to, in the wording that was shown."""
    version = texts.version_of(asked.texts["sheet"] + asked.texts["consent"])
    count = len([part for part in asked.texts["consent"].split("\n\n") if part.strip()])
    agreed = set(form.get("agree") or [])
    if one(form, "version") != version or agreed != {str(i) for i in range(count)}:
        return Outcome(faults={"agree": asked.say(_("Please tick every line if you agree; without it you can't take part."))})
    return Outcome(values={"version": version})


def own_fields(fields: Sequence[Mapping[str, Any]], form: Form, asked: Asked) -> Outcome:
    """Answers to a study's own questions; a choice must be one of those offered, a text at most 500 letters."""
    outcome = Outcome()
    for each in fields:
        name, given = str(each["name"]), one(form, str(each["name"]))
        choices = [str(choice) for choice in each.get("choices") or ()]
        if choices and given not in choices:
            outcome.faults[name] = asked.say(_("Please choose one of the answers."))
        elif len(given) > 500:
            outcome.faults[name] = asked.say(_("Please write at most 500 letters."))
        else:
            outcome.values[name] = given
    return outcome


def exclusion(form: Form, asked: Asked) -> Outcome:
    """A study's questions on who can take part; an answer that it excludes ends the visit politely."""
    outcome = own_fields(asked.way.exclusion, form, asked)
    for each in asked.way.exclusion:
        if outcome.values.get(str(each["name"])) in [str(word) for word in each.get("exclude") or ()]:
            outcome.ending = "screened_out"
    return outcome


def questions(form: Form, asked: Asked) -> Outcome:
    """Age band, glasses, experience, the study's own fields, time zone; experience only flags."""
    outcome = own_fields(asked.way.fields, form, asked)
    offered = {"age": AGES, "glasses": ("none", "glasses", "lenses"), "expert": ("yes", "no"), "medical": ("yes", "no")}
    for name, words in offered.items():
        outcome.values[name] = one(form, name)
        if outcome.values[name] not in words:
            outcome.faults[name] = asked.say(_("Please choose one of the answers."))
    zone = one(form, "time_zone") or "UTC"
    if not known_zone(zone):
        outcome.faults["time_zone"] = asked.say(_("This time zone is not known: please choose one of the list."))
    outcome.values["time_zone"] = zone
    outcome.flags = {name: True for name in ("expert", "medical") if outcome.values[name] == "yes"}
    return outcome


def screen(form: Form, asked: Asked) -> Outcome:
    """The window and the device; a phone is refused unless the study takes phones."""
    facts = read_facts(one(form, "facts"))
    side = int(min(facts.get("screen_width", 0), facts.get("screen_height", 0)))
    device = device_of(asked.agent, touch=bool(facts.get("touch")), side=side)
    outcome = Outcome(values={**facts, "device": device})
    if not device_allowed(device, asked.way):
        outcome.faults["screen"] = asked.say(_("The screen of this device is too small or not suited. Please open your link on a computer."))
    elif device != "desktop" and facts.get("width", 1) < facts.get("height", 0):
        outcome.faults["screen"] = asked.say(_("Please turn the device on its side."))
    elif facts.get("pinch", 1.0) > 1.01:
        outcome.faults["screen"] = asked.say(_("The page is enlarged: please pinch it back to its normal size."))
    outcome.flags = {name: True for name in ("wide_colour", "high_range") if facts.get(name)}
    return outcome


def card(form: Form, asked: Asked) -> Outcome:
    """Card's width in CSS pixels and distance in cm -> mm per device pixel, device pixels per degree."""
    distance, width = number(one(form, "distance")), number(one(form, "width"))
    if distance is None or not 20 <= distance <= 400:
        return Outcome(faults={"distance": asked.say(_("Please give the distance in centimetres, between 20 and 400."))})
    values: dict[str, Any] = {"distance_mm": distance * 10}
    if "yes" in (form.get("no_card") or []):
        return Outcome(values=values, flags={"display_not_measured": True})
    ratio = read_facts(one(form, "facts")).get("ratio") or (asked.before.get("screen") or {}).get("ratio")
    if width is None or not 150 <= width <= 1000 or not ratio or not 0.2 <= ratio <= 8:
        return Outcome(faults={"card": asked.say(_("Please move the slider until the frame is as wide as the card."))})
    per_pixel = CARD_MM / width / ratio
    values |= {"card_css_px": width, "ratio": ratio, "mm_per_pixel": round(per_pixel, 5)}
    values["pixels_per_degree"] = round(vision.pixels_per_degree(per_pixel, distance * 10), 2)
    low = asked.way.pixels_per_degree[0]
    return Outcome(values=values, flags={"sits_near": True} if values["pixels_per_degree"] < low else {})


def number(text: str) -> float | None:
    """A typed number with point or comma, None where it is none."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def patches(form: Form, asked: Asked) -> Outcome:
    """What was seen on the patches; signs of resampling, compression or poor greys are flags."""
    offered = {"checker": ("even", "stripes"), "edges": ("sharp", "blurred"), "greys": GREYS, "dark": tuple("01234")}
    outcome = Outcome(values={name: one(form, name) for name in offered})
    for name, words in offered.items():
        if outcome.values[name] not in words:
            outcome.faults[name] = asked.say(_("Please choose one of the answers."))
    seen = outcome.values
    signs = {
        "resampled": seen["checker"] == "stripes",
        "edges_blurred": seen["edges"] == "blurred",
        "few_greys": seen["greys"] in ("0-6", "7-8"),
        "dark_lost": seen["dark"] in ("0", "1"),
    }
    outcome.flags = {name: True for name, found in signs.items() if found}
    return outcome


GREYS = ("11", "9-10", "7-8", "0-6")


def ticks(form: Form, asked: Asked) -> Outcome:
    """Settings of the screen that can't be switched off: flags."""
    chosen = [name for name in TICKS if name in (form.get("ticks") or [])]
    return Outcome(values={"on": chosen, **read_facts(one(form, "facts"))}, flags={name: True for name in chosen})


def short(form: Form, asked: Asked) -> Outcome:
    """The short display check: window, device and tick list; another pixel ratio than the first time is a flag."""
    outcome = screen(form, asked)
    other = ticks(form, asked)
    first = asked.before.get("screen") or asked.before.get("short") or {}
    outcome.values |= other.values
    outcome.flags |= other.flags
    if first.get("ratio") and outcome.values.get("ratio") and first["ratio"] != outcome.values["ratio"]:
        outcome.flags["ratio_changed"] = True
    return outcome


def failed(way: Way, name: str, outcome: Outcome) -> Outcome:
    """A missed eye check: a flag, and the end where the study says so."""
    outcome.flags[name] = True
    if way.on_failure == "end":
        outcome.ending = "screened_out"
    return outcome


def acuity(form: Form, asked: Asked) -> Outcome:
    """One card of five signs. At home: ever smaller gaps until fewer than four are right; in the lab: none may be wrong at 20/30."""
    if one(form, "unable"):
        return Outcome(values={"result": "not assessable"})
    lab = asked.way.vision == "lab"
    done = dict((asked.before.get("acuity") or {}).get("cards") or {})
    gap = vision.GAP_PIXELS if lab else next_gap(done)
    given = [text for text in form.get("sign") or [] if text in vision.DIRECTIONS]
    if gap is None or one(form, "card") != str(gap) or len(given) != vision.SIGNS:
        return Outcome(faults={"sign": asked.say(_("Please choose a direction for each of the five signs; guess where you are not sure."))})
    right = vision.signs_right(given, asked.seed, gap)
    done[str(gap)] = right
    if lab:
        outcome = Outcome(values={"cards": done, "result": f"{right} of {vision.SIGNS} at {vision.GAP_MINUTES} minutes of arc"})
        return outcome if right == vision.SIGNS else failed(asked.way, "acuity", outcome)
    seen = [int(name) for name, count in done.items() if count >= vision.SIGNS - 1]
    values = {"cards": done, "smallest_gap_px": min(seen) if seen else None}
    if next_gap(done) is not None:
        return Outcome(values=values, again=True)
    outcome = Outcome(values={**values, "result": f"smallest gap seen: {min(seen)} pixels" if seen else "no gap seen"})
    return outcome if seen else failed(asked.way, "acuity", outcome)


def next_gap(done: Mapping[str, int]) -> int | None:
    """The gap of the next home card, in pixels; None when one was missed or all were seen."""
    for gap in vision.HOME_GAPS:
        if str(gap) not in done:
            return gap
        if done[str(gap)] < vision.SIGNS - 1:
            return None
    return None


def colour_plates(form: Form, asked: Asked) -> Outcome:
    """Twelve plates; more than two missed fail."""
    given = [*(form.get("digit") or []), *[""] * vision.PLATES][: vision.PLATES]
    missed = vision.plates_missed(list(given), asked.seed)
    outcome = Outcome(values={"missed": missed, "of": vision.PLATES, "plates": "the project's own, not validated"})
    return outcome if missed <= vision.MISSED_ALLOWED else failed(asked.way, "colour_vision", outcome)


def instructions(form: Form, asked: Asked) -> Outcome:
    """The wording that was read and the seconds on the page."""
    seconds = number(one(form, "seconds")) or 0.0
    return Outcome(values={"version": texts.version_of(asked.texts["instructions"]), "seconds": min(max(seconds, 0.0), 86400.0)})


def quiz(form: Form, asked: Asked) -> Outcome:
    """Three questions; a miss explains itself and is asked again, the attempts are kept."""
    attempts = int((asked.before.get("quiz") or {}).get("attempts", 0)) + 1
    faults = {
        f"check{i}": asked.say(check.reason) for i, check in enumerate(texts.QUIZ) if one(form, f"check{i}") != str(check.right)
    }
    return Outcome(values={"attempts": attempts}, faults=faults)


def examples(form: Form, asked: Asked) -> Outcome:
    """Nothing is asked: the examples were shown."""
    return Outcome(values={"shown": True})


def remarks(form: Form, asked: Asked) -> Outcome:
    """Free words at the end, at most 4000 letters."""
    text = one(form, "remarks")
    if len(text) > 4000:
        return Outcome(faults={"remarks": asked.say(_("Please write at most 4000 letters."))})
    return Outcome(values={"text": text})


CHECKS: dict[str, Callable[[Form, Asked], Outcome]] = {
    "consent": consent,
    "exclusion": exclusion,
    "questions": questions,
    "screen": screen,
    "card": card,
    "patches": patches,
    "ticks": ticks,
    "short": short,
    "acuity": acuity,
    "plates": colour_plates,
    "instructions": instructions,
    "quiz": quiz,
    "examples": examples,
    "remarks": remarks,
}
