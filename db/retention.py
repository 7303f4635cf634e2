"""Which backups to keep: "7d,4w" keeps the newest of each of the last 7 days and of each of the last 4 weeks."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from db.backup import Backup
from workspace.errors import UsageFault

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
