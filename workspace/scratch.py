"""A run's working tables on the disk, so that 140,000 photos need no more memory than one."""

from __future__ import annotations

import sqlite3


def scratch(*tables: str) -> sqlite3.Connection:
    """SQLite's own temporary database with these tables: at most 2 MB in memory, the rest in a file without a name.

    It is gone with the connection or with a killed process; every statement takes effect at once.
    """
    made = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for statement in ("PRAGMA cache_size=-2000", "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", *tables):
        made.execute(statement)
    return made
