"""The display check: what the browser says, the card held to the screen, what was seen on the patches, settings that bend it."""

from __future__ import annotations

import json
import math
from typing import Any

from annotate_app import vision
from annotate_app.outcomes import Asked, Form, Outcome, number, one
from annotate_app.steps import device_allowed, device_of
from annotate_app.texts import _

CARD_MM = 85.6
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


GREYS = ("11", "9-10", "7-8", "0-6")


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


def screen(form: Form, asked: Asked) -> Outcome:
    """The window and the device; a phone is refused unless the study takes phones."""
    facts = read_facts(one(form, "facts"))
    side = int(min(facts.get("screen_width", 0), facts.get("screen_height", 0)))
    device = device_of(asked.agent, touch=bool(facts.get("touch")), side=side)
    outcome = Outcome(values={**facts, "device": device})
    if not device_allowed(device, asked.way):
        outcome.faults["screen"] = asked.say(
            _("The screen of this device is too small or not suited. Please open your link on a computer.")
        )
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


def ticks(form: Form, asked: Asked) -> Outcome:
    """Settings of the screen that can't be switched off: flags."""
    chosen = [name for name in TICKS if name in (form.get("ticks") or [])]
    return Outcome(values={"on": chosen, **read_facts(one(form, "facts"))}, flags=dict.fromkeys(chosen, True))


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
