"""The audit trail's details as sentences: what a row's keys and values mean, by its action; the stored row stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from annotate_app import wizard

Detail = Mapping[str, Any]
Names = Mapping[int, str]


def sentence(action: str, detail: Detail, studies: Names) -> str:
    """What a row says beside its action, in words; empty where there is nothing more. `studies`: key -> name.

    A row of an action or a form that this version doesn't know is said cell by cell, so that nothing is left out.
    """
    made = SENTENCES.get(action)
    try:
        said = made(detail) if made is not None else _cells({k: v for k, v in detail.items() if k != "study"})
    except (KeyError, TypeError, ValueError):
        said = _cells(detail)
    key = detail.get("study")
    study = f"in the study {studies.get(key, f'number {key}')}" if isinstance(key, int) else ""
    return "; ".join(part for part in (study, said) if part)


def _cells(detail: Detail) -> str:
    return "; ".join(f"{key.replace('_', ' ')}: {_value(value)}" for key, value in detail.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _people(count: int, one: str = "person", many: str = "people") -> str:
    return f"{count:,} {one if count == 1 else many}"


def _invited(detail: Detail) -> str:
    many = _people(detail["people"])
    return f"one open link for up to {many}" if detail["open_link"] else f"{many}, a link for each"


def _reminded(detail: Detail) -> str:
    many = _people(detail["observers"], "observer", "observers")
    return f"{many}, {'with new links; the old ones ended' if detail['new_links'] else 'their links stay'}"


def _changed(detail: Detail) -> str:
    step = next((one.title for one in wizard.STEPS if one.name == detail["step"]), detail["step"])
    variant = f", variant {detail['variant']} left out or put back" if detail.get("variant") else ""
    return f"set-up, step {step}{variant}"


def _judged(detail: Detail) -> str:
    rules = [rule.replace("_", " ") for rule in detail["proposed"]]
    return f"exclusion was proposed by {', '.join(rules)}" if rules else "no rule had proposed exclusion"


def _rows(detail: Detail) -> str:
    first, rows = int(detail["first"]), int(detail["rows"])
    span = f"row {first + 1}" if rows == 1 else f"rows {first + 1} to {first + rows}"
    return f"panel {detail['panel']}, {span}, under the hash {detail['sha256'][:12]}"


def _photos(detail: Detail) -> str:
    cell = f", {_column(detail['column'])} set" if detail.get("column") else ""
    return _people(detail["photos"], "photo", "photos") + cell


def _column(name: str) -> str:
    return name.replace("_", " ")


SENTENCES: dict[str, Callable[[Detail], str]] = {
    "study made": lambda d: "as a copy of another study" if d.get("copied") else "",
    "study changed": _changed,
    "study frozen": lambda d: f"version {d['version']}, under the hash {d['sha256'][:12]}",
    "places asked for": lambda d: f"{_people(d['rows'], 'place', 'places')} more for the panel {d['panel']}",
    "rows added": _rows,
    "gold values asked for": lambda d: f"from the pilot {d['pilot']}, at least {d['least']} votes on an image",
    "gold values taken": lambda d: f"from the pilot {d['pilot']}, for {_value(d['images'])}",
    "scores opened before closing": lambda d: f"reason: {d['reason']}",
    "export asked for": lambda d: f"format {d['format']}",
    "report asked for": lambda d: "",
    "observers invited": _invited,
    "reminders listed": _reminded,
    "observer judged: keep": _judged,
    "observer judged: exclude": _judged,
    "curator added": lambda d: f"role: {d['role']}",
    "curator's role changed": lambda d: f"role now: {d['role']}",
    "photo edited": lambda d: f"cells: {', '.join(_column(one) for one in d['columns'])}",
    "photos edited": _photos,
    "photos grouped": lambda d: f"{_photos(d)} under one subject",
    "photos confirmed: nothing identifies": _photos,
    "photo withdrawn": lambda d: f"{d['pristine']}, {_people(d['images'], 'image', 'images')} of it",
}
"""What the details of each action say."""
