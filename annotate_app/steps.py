"""Which page comes next for an observer, and when the next session may start. Pure: nothing is read or written here.

The first session leads through consent, questions, display, eyes, instructions and examples to the pictures; a later one through a
short display check alone. A study leaves steps out by its protocol's `way`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from workspace.errors import StudyFault, nearest

DISPLAY = ("screen", "card", "patches", "ticks")
VISION = ("acuity", "plates")
FIRST = ("consent", "exclusion", "questions", *DISPLAY, "short", *VISION, "instructions", "quiz", "examples", "rate")
LATER = ("short", "rate")
CHOICES = {
    "display": ("full", "short", "none"),
    "vision": ("lab", "home", "not_assessable"),
    "on_failure": ("flag", "end"),
}


@dataclass(frozen=True)
class Way:
    """What a study asks of its observers on the way to the pictures.

    `display` full, short or none; `vision` lab (signs at a computed distance), home (smallest gap seen) or not_assessable; `on_failure`
    of a vision check: flag, or a polite end. `devices` beside desktop: tablet, phone. At most `per_window` sessions start within
    `window_hours`. `pixels_per_degree` of the picture: (least, most), beyond which pixels are replicated or the display is flagged.
    `exclusion` and `fields` are questions of the study: dictionaries with `name`, `text` by language, `choices` and `exclude`.
    """

    display: str = "full"
    vision: str = "home"
    on_failure: str = "flag"
    questions: bool = True
    instructions: bool = True
    quiz: bool = True
    examples: bool = True
    remarks: bool = True
    plates: bool = True
    devices: tuple[str, ...] = ("desktop",)
    per_window: int = 2
    window_hours: float = 20.0
    minutes: int = 25
    pixels_per_degree: tuple[float, float] = (20.0, 54.0)
    exclusion: tuple[Mapping[str, Any], ...] = ()
    fields: tuple[Mapping[str, Any], ...] = ()
    returns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, protocol: Mapping[str, Any]) -> Way:
        """The way of a protocol (`protocol["way"]`, every key optional). Raises StudyFault for an unknown key or word."""
        given = dict(protocol.get("way") or {})
        limits = (protocol.get("settings") or {}).get("pixels_per_degree") or {}
        known = {f.name: f for f in fields(cls)}
        for key, value in given.items():
            if key not in known:
                raise StudyFault(
                    f"the protocol's way has an unknown key {key!r}{nearest(key, list(known))}: correct or remove it"
                )
            if key in CHOICES and value not in CHOICES[key]:
                raise StudyFault(f"the protocol's way has {key} = {value!r}, one of {', '.join(CHOICES[key])} was expected")
            if isinstance(value, list):
                given[key] = tuple(value)
        low, high = cls.pixels_per_degree
        given.setdefault("pixels_per_degree", (float(limits.get("low", low)), float(limits.get("high", high))))
        return cls(**given)

    def asked(self, step: str) -> bool:
        """Whether this study asks for a step of the first session."""
        if step in DISPLAY:
            return self.display == "full"
        if step == "short":
            return self.display == "short"
        if step in VISION:
            return self.vision != "not_assessable" and (step != "plates" or self.plates)
        if step == "exclusion":
            return bool(self.exclusion)
        return bool(getattr(self, step, True))


def steps(way: Way, session: int) -> tuple[str, ...]:
    """The steps of session `session` (counted from 1) in order, the pictures last."""
    if session <= 1:
        return tuple(step for step in FIRST if way.asked(step))
    return LATER if way.display != "none" else LATER[1:]


def after(step: str, way: Way, session: int) -> str:
    """The step that follows `step` in a session; the pictures stay where they are. Raises StudyFault for a step unknown there."""
    order = steps(way, session)
    if step not in order:
        full = FIRST if session <= 1 else LATER
        if step not in full:
            raise StudyFault(f"{step!r} is no step of session {session}: one of {', '.join(order)} was expected")
        later = [name for name in full[full.index(step) + 1 :] if name in order]
        return later[0]
    return order[min(order.index(step) + 1, len(order) - 1)]


def first(way: Way, session: int) -> str:
    """The step that opens a session."""
    return steps(way, session)[0]


def share_done(step: str, way: Way, session: int) -> float:
    """How far along the way to the pictures a step stands, 0..1."""
    order = steps(way, session)
    return order.index(step) / max(1, len(order) - 1) if step in order else 1.0


def after_session(done: int, total: int, way: Way) -> str:
    """The step when `done` of `total` sessions have ended: a rest, the remarks after the last, or the end."""
    if done < total:
        return "rest"
    return "remarks" if way.remarks else "finished"


def may_start(started: Sequence[datetime], now: datetime, way: Way) -> datetime:
    """When the next session may start, `now` or later: at most `per_window` sessions start within any `window_hours`."""
    recent = sorted(started)[-way.per_window :]
    if way.per_window < 1 or len(recent) < way.per_window:
        return now
    return max(now, recent[0] + timedelta(hours=way.window_hours))


def device_of(agent: str, *, touch: bool = False, side: int = 0) -> str:
    """desktop, tablet or phone, by the browser's name, whether it is touched, and the screen's shorter side in CSS pixels."""
    name = agent.lower()
    if "iphone" in name or ("android" in name and "mobile" in name):
        return "phone"
    if "ipad" in name or "android" in name or "tablet" in name:
        return "tablet"
    if touch and 0 < side < 500:
        return "phone"
    return "tablet" if touch and "macintosh" in name else "desktop"


def device_allowed(device: str, way: Way) -> bool:
    """Whether a study takes observers on such a device."""
    return device == "desktop" or device in way.devices


MINUTES = {
    "consent": 3.0,
    "exclusion": 0.5,
    "questions": 1.0,
    "screen": 0.5,
    "card": 1.0,
    "patches": 1.0,
    "ticks": 0.5,
    "short": 0.5,
    "acuity": 2.0,
    "plates": 2.0,
    "instructions": 2.0,
    "quiz": 1.0,
    "examples": 1.0,
}


def minutes_left(step: str, way: Way, session: int) -> int:
    """Minutes that the rest of this session takes from the start of `step` on, the pictures with it."""
    order = steps(way, session)
    rest = order[order.index(step) :] if step in order else order[-1:]
    return round(sum(MINUTES.get(name, 0.0) for name in rest) + way.minutes)
