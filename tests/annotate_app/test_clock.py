from __future__ import annotations

from datetime import UTC, datetime, timedelta

from annotate_app import clock
from annotate_app.pages import moment_element

START = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)


def test_moment_in_words_and_local_time() -> None:
    """A moment is told in the reader's language and own time."""
    assert clock.moment(START, "en", "Europe/Madrid") == "Monday, March 2, 2026, 19:30"
    assert clock.moment(START, "es", "America/Lima") == "lunes, 2 de marzo de 2026, 13:30"


def test_how_long_ago_in_words() -> None:
    """A moment is told by how long it was ago or will be ahead; this very moment is a second ago."""
    for seconds, words in ((0, "1 second ago"), (720, "12 minutes ago"), (3 * 86400, "3 days ago"), (-2 * 86400, "in 2 days")):
        assert clock.ago(START - timedelta(seconds=seconds), "en", START) == words
    assert clock.ago(START - timedelta(hours=5), "es", START) == "hace 5 horas"
    element = moment_element(START, "en")
    assert element.startswith('<time datetime="2026-03-02T18:30:00+00:00" title="Monday, March 2, 2026, 18:30 UTC">')


def test_unknown_zone_is_utc() -> None:
    """A time zone that nobody knows falls back to UTC."""
    assert clock.zone_of("Mars/Olympus").key == "UTC"
    assert not clock.known_zone("Mars/Olympus")
    assert not clock.known_zone("../../etc/passwd")
    assert clock.known_zone("Asia/Tokyo")


def test_numbers() -> None:
    """Numbers carry the language's signs."""
    assert clock.number(1234.5, "en", 1) == "1,234.5"
    assert clock.number(12345.5, "es", 1) == "12.345,5"


def test_calendar_file() -> None:
    """A calendar file has one event at the moment in UTC, lines of at most 75 bytes ending in CR LF, commas escaped."""
    text = clock.calendar_file(START, 25, uid="x", title="Session, " + "é" * 60, address="http://lab.test/o/")
    lines = text.split("\r\n")
    assert "DTSTART:20260302T183000Z" in lines
    assert "DURATION:PT25M" in lines
    assert "SUMMARY:Session\\, " in text.replace("\r\n ", "")[:400]
    assert all(len(line.encode()) <= 75 for line in lines)
