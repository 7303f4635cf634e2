"""A study's protocol: the settings that a draft may hold, their defaults, and the check of what was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from db.models import PHASES
from workspace.errors import StudyFault, nearest

LABELS = {
    "pairs": ["bad", "poor", "fair", "good", "excellent"],
    "ends": ["poor", "excellent"],
}
SETTINGS: dict[str, Any] = {
    "gap_ms": 500,
    "view_ms": None,
    "min_view_ms": 500,
    "vote_limit_ms": 10_000,
    "confirm": True,
    "auto_advance": False,
    "layout": "together",
    "pause": True,
    "pixels_per_degree": {"low": 20.0, "high": 54.0},
}
PANEL: dict[str, Any] = {
    "name": "lay", "phase": "main", "target": 40, "blocks": None, "take": None, "per_sitting": None, "together": None,
    "contents": None, "repeats": None, "gold": None, "stabilising": None,
}  # fmt: skip
QUALITY: dict[str, Any] = {"name": "quality", "kind": "scale", "low": 1, "high": 10, "labels": LABELS["pairs"], "texts": {}}
DRAFT: dict[str, Any] = {
    "title": "", "method": "ACR-HR", "recipe": "paper", "authentic": False,
    "questions": [QUALITY], "second_question": "pass", "panels": [PANEL],
    "contents": None, "leave_out": {}, "reserve": None, "training": 10, "gold": 6, "gold_values": None,
    "repeats": None, "stabilising": [5, 3], "blocks": None, "take": None, "per_sitting": None, "distance": 8,
    "together": False, "references_everywhere": False, "seconds": 6.0,
    "settings": SETTINGS, "way": {}, "texts": {}, "languages": ["en", "es"], "screening": {}, "viewing": "not controlled",
    "simulated": False, "seed": None,
}  # fmt: skip
METHODS = ("ACR-HR", "ACR")
SCALES = {"5": (1, 5), "9": (1, 9), "10": (1, 10), "11": (0, 10), "100": (0, 100)}
KINDS = ("scale", "yes_no", "one_of", "several_of")


def scale_question(levels: int = 10, labels: str = "pairs") -> dict[str, Any]:
    """The quality question on a scale of 5, 9, 10 (1..10), 11 (0..10) levels or 0-100 (100). Raises StudyFault."""
    if str(levels) not in SCALES:
        raise StudyFault(f"a scale of {levels} levels: 5, 9, 10, 11 or 100 was expected")
    if labels not in LABELS:
        raise StudyFault(f"labels {labels!r}: pairs or ends was expected")
    low, high = SCALES[str(levels)]
    return {**QUALITY, "low": low, "high": high, "labels": LABELS[labels]}


def complete_draft(said: Mapping[str, Any]) -> dict[str, Any]:
    """A whole draft from what was said. Raises StudyFault naming a wrong key or value."""
    _known(said, DRAFT, "the study")
    draft = {**DRAFT, **said}
    draft["settings"] = {**SETTINGS, **_known(said.get("settings") or {}, SETTINGS, "the study's settings")}
    draft["panels"] = [{**PANEL, **_known(panel, PANEL, "a panel")} for panel in draft["panels"]]
    draft["questions"] = [_question(question) for question in draft["questions"]]
    _check(draft)
    return draft


def _known(said: Mapping[str, Any], known: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    for key in said:
        if key not in known:
            raise StudyFault(f"{where} has an unknown key {key!r}{nearest(key, list(known))}: correct or remove it")
    return said


def _question(said: Mapping[str, Any]) -> dict[str, Any]:
    question = {**QUALITY, **_known(said, QUALITY, "a question")}
    if question["kind"] not in KINDS:
        raise StudyFault(f"the question {question['name']!r} is of kind {question['kind']!r}: {', '.join(KINDS)} were expected")
    choices = len(question["labels"])
    if question["kind"] == "yes_no":
        question |= {"low": 0, "high": 1}
    elif question["kind"] == "one_of":
        question |= {"low": 0, "high": max(1, choices - 1)}
    elif question["kind"] == "several_of":
        question |= {"low": 0, "high": 2**choices - 1}
    if type(question["low"]) is not int or type(question["high"]) is not int or question["low"] >= question["high"]:
        raise StudyFault(f"the question {question['name']!r} goes from {question['low']!r} to {question['high']!r}: whole numbers, "
                         "the lower one first, were expected")  # fmt: skip
    return question


def _check(draft: Mapping[str, Any]) -> None:
    if draft["method"] not in METHODS:
        raise StudyFault(f"method {draft['method']!r}: ACR-HR or ACR was expected")
    if draft["second_question"] not in ("pass", "each"):
        raise StudyFault(f"second_question {draft['second_question']!r}: pass or each was expected")
    for name in ("training", "gold"):
        if type(draft[name]) is not int or draft[name] < 0:
            raise StudyFault(f"{name} is {draft[name]!r}: a whole number, 0 or more, was expected")
    if draft["settings"]["min_view_ms"] <= 0 and not draft["simulated"]:
        raise StudyFault("min_view_ms is 0: that is for simulated studies alone, people need some time to see an image")
    for kind in ("panels", "questions"):
        names = [part["name"] for part in draft[kind]]
        if not names or len(set(names)) < len(names):
            raise StudyFault(f"{kind} {', '.join(names) or 'none'}: one or more, each with a name of its own, was expected")
    for panel in draft["panels"]:
        if panel["phase"] not in PHASES or type(panel["target"]) is not int or not 1 <= panel["target"] <= 10_000:
            raise StudyFault(f"the panel {panel['name']!r} has phase {panel['phase']!r} and target {panel['target']!r}: "
                             f"{', '.join(PHASES)} and 1 to 10000 observers were expected")  # fmt: skip
