"""The eye checks: which card comes next, what was read, and whether that passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotate_app import vision
from annotate_app.outcomes import Asked, Form, Outcome, one
from annotate_app.steps import Way
from annotate_app.texts import _


def is_lab(way: Way, answers: Mapping[str, Any]) -> bool:
    """Whether the signs are read from the computed distance: the study asks so, and the display was measured."""
    return way.vision == "lab" and bool((answers.get("card") or {}).get("mm_per_pixel"))


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
    lab = is_lab(asked.way, asked.before)
    done = dict((asked.before.get("acuity") or {}).get("cards") or {})
    gap = vision.GAP_PIXELS if lab else next_gap(done)
    given = [text for text in form.get("sign") or [] if text in vision.DIRECTIONS]
    if gap is None or one(form, "card") != str(gap) or len(given) != vision.SIGNS:
        return Outcome(
            faults={"sign": asked.say(_("Please choose a direction for each of the five signs; guess where you are not sure."))}
        )
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
