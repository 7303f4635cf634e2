"""What an observer answers on the way to the pictures: each step's form checked and turned into what is kept. Pure.

Every check gives an `Outcome`: values to keep, flags for the curator, faults beside their fields, or an ending. Nothing here drops an
observer: a failed check flags, and ends the visit only where the study says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from annotate_app import display, eyes, texts
from annotate_app.clock import known_zone
from annotate_app.outcomes import Asked, Form, Outcome, number, one
from annotate_app.texts import _

AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+", "no_answer")


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
    "screen": display.screen,
    "card": display.card,
    "patches": display.patches,
    "ticks": display.ticks,
    "short": display.short,
    "acuity": eyes.acuity,
    "plates": eyes.colour_plates,
    "instructions": instructions,
    "quiz": quiz,
    "examples": examples,
    "remarks": remarks,
}
