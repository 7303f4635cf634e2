"""Numbers and moments as a reader of a language writes them (Babel), in the reader's own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_decimal


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone called `name` (as browsers report it, `Europe/Madrid`), UTC where it is unknown."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def known_zone(name: str) -> bool:
    """Whether `name` is a time zone that this machine knows."""
    return name == "UTC" or zone_of(name).key == name


def moment(value: datetime, language: str, zone: str = "UTC") -> str:
    """A moment (aware, or UTC) in words of a language and the local time of a zone."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    local = aware.astimezone(zone_of(zone))
    return f"{format_date(local, 'full', locale=language)}, {format_time(local, 'HH:mm', locale=language)}"


def ago(value: datetime, language: str, at: datetime | None = None) -> str:
    """How long before `at` (now) a moment was, or how long after it will be, in words: 12 minutes ago, in 3 days."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    passed = aware - (at or datetime.now(UTC))
    if abs(passed) < timedelta(seconds=1):
        passed = timedelta(seconds=-1)
    return str(format_timedelta(passed, granularity="second", threshold=0.9, add_direction=True, locale=language))


def number(value: float, language: str, digits: int = 0) -> str:
    """A number with `digits` places after the point, as a language writes it."""
    return str(format_decimal(round(value, digits) + 0.0, format="#,##0." + "0" * digits if digits else "#,##0", locale=language))


def calendar_file(start: datetime, minutes: int, *, uid: str, title: str, address: str) -> str:
    """An iCalendar file (RFC 5545) with one event from `start` (aware) of so many minutes; lines end in CR LF."""
    utc = start.astimezone(UTC)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//dermiqa//session//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}@dermiqa",
        f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART:{utc:%Y%m%dT%H%M%SZ}",
        f"DURATION:PT{minutes}M",
        f"SUMMARY:{escape(title)}",
        f"URL:{address}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(line + "\r\n" for whole in lines for line in fold(whole))


def escape(text: str) -> str:
    """A text as iCalendar writes it: commas, semicolons, backslashes and line ends escaped."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return text


def fold(line: str) -> list[str]:
    """A line cut into parts of at most 75 bytes, later parts led by a space (RFC 5545, 3.1)."""
    parts, part = [], ""
    for letter in line:
        if len((part + letter).encode()) > 75:
            parts.append(part)
            part = " "
        part += letter
    return [*parts, part]
