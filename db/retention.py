"""How long things are kept: backups by a rule ("7d,4w": the newest of each of the last 7 days and of each of the last 4 weeks),
studies until their retention date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session, col, func, select

from db.backup import Backup
from db.models import Observer, Rating, Study
from workspace.errors import StudyFault, UsageFault

UNITS = {letter: timedelta(hours=hours) for letter, hours in (("h", 1), ("d", 24), ("w", 168), ("m", 720), ("y", 8760))}


def parse_keep(text: str) -> list[tuple[int, timedelta]]:
    """The rule's parts as (count, length). Raises UsageFault."""
    parts = []
    for word in filter(None, (w.strip() for w in text.split(","))):
        found = re.fullmatch(r"([1-9]\d{0,3})([hdwmy])", word)
        if not found:
            raise UsageFault(f"--keep has {word!r}: numbers with h, d, w, m or y were expected, such as 7d,4w")
        parts.append((int(found[1]), UNITS[found[2]]))
    if not parts:
        raise UsageFault("--keep is empty: write for instance 7d,4w")
    return parts


def expired(backups: list[Backup], rule: str, at: datetime) -> list[Backup]:
    """The backups that no part of the rule keeps; the newest is always kept."""
    kept = {backups[-1].folder} if backups else set()
    for count, length in parse_keep(rule):
        for step in range(count):
            newest, oldest = at - step * length, at - (step + 1) * length
            inside = [b for b in backups if oldest < b.made <= newest]
            if inside:
                kept.add(inside[-1].folder)
    return [backup for backup in backups if backup.folder not in kept]


def last_expiry(rule: str, at: datetime) -> datetime:
    """When a backup made at `at` is gone at the latest under the rule."""
    return at + max(count * length for count, length in parse_keep(rule))


@dataclass(frozen=True)
class Due:
    """A study whose retention date has come: what is still kept about people."""

    study: str
    until: date
    observers: int
    votes: int


def set_retention(session: Session, name: str, until: date | None) -> None:
    """State the day after which what a study keeps about people is due to go (None: no such day). Raises StudyFault."""
    study = session.exec(select(Study).where(Study.name == name)).first()
    if study is None:
        raise StudyFault(f"there is no study {name!r}: see `dermiqa study status`")
    study.retention_until = None if until is None else datetime.combine(until, time(23, 59, 59), UTC)
    session.add(study)


def due(session: Session, at: datetime) -> list[Due]:
    """Studies whose retention date is over at `at` and that still know observers, the longest overdue first."""
    query = select(Study).where(col(Study.retention_until) < at).order_by(col(Study.retention_until), col(Study.id))
    found = []
    for study in session.exec(query):
        kept = select(Observer.id).where(Observer.study_id == study.id, Observer.state != "erased")
        observers = len(session.exec(kept).all())
        votes = session.exec(select(func.count()).select_from(Rating).where(col(Rating.observer_id).in_(kept))).one()
        if observers and study.retention_until is not None:
            found.append(Due(study.name, study.retention_until.date(), observers, votes))
    return found
