"""A consistent copy of a running database in one file: SQLite's online backup, or pg_dump; and putting it back."""

from __future__ import annotations

import glob
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

from workspace.errors import DatabaseFault

PAGES_AT_ONCE = 2_000


def take(url: str, target: Path) -> None:
    """Write a consistent copy of the database at `url` to the file `target`, while others go on voting."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        _take_sqlite(Path(str(address.database)), target)
    else:
        _postgres("pg_dump", address, ["-Fc", "--no-owner", "--no-acl", "-f", str(target)])


def put_back(file: Path, url: str) -> None:
    """Make the database at `url` (which must be empty or absent) from a file that `take` wrote. Raises DatabaseFault."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        path = Path(str(address.database))
        if path.exists():
            raise DatabaseFault(f"{path} is there already: restore into an empty place")
        check_sqlite(file)
        shutil.copyfile(file, path)
    else:
        _require_empty(url)
        _postgres("pg_restore", address, ["--no-owner", "--no-acl", "--exit-on-error", "--single-transaction", str(file)])


def check_sqlite(file: Path) -> None:
    """Raise DatabaseFault when an SQLite file is not whole or breaks a foreign key."""
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            found = connection.execute("PRAGMA integrity_check").fetchone()[0]
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as fault:
        raise DatabaseFault(f"{file} is not a whole SQLite database: {fault}") from None
    if found != "ok":
        raise DatabaseFault(f"{file} is damaged: {found}")
    if broken:
        raise DatabaseFault(f"{file} is damaged: row {broken[1]} of {broken[0]} refers to nothing")


def same_kind(url: str, kind: str) -> bool:
    """Whether the database at `url` is of a kind ("sqlite" or "postgresql")."""
    return make_url(url).get_backend_name() == kind


def _take_sqlite(source: Path, target: Path) -> None:
    if not source.is_file():
        raise DatabaseFault(f"the database {source} is not there: nothing to back up")
    reader = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)
    writer = sqlite3.connect(target)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reader.backup(writer, pages=-1)
        writer.execute("PRAGMA journal_mode=DELETE")
    finally:
        writer.close()
        reader.close()
    check_sqlite(target)


def _require_empty(url: str) -> None:
    from sqlalchemy import inspect

    from db.engine import check_reachable, open_engine

    engine: Engine = open_engine(url)
    try:
        check_reachable(engine)
        if inspect(engine).get_table_names():
            raise DatabaseFault("the PostgreSQL database holds tables already: restore into an empty one")
    finally:
        engine.dispose()


def _postgres(program: str, address: URL, words: list[str]) -> None:
    found = shutil.which(program) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"), reverse=True)), None)
    if not found:
        raise DatabaseFault(f"{program} is not installed: install PostgreSQL's client programs (Debian: postgresql-client)")
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run([found, "-d", plain, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DatabaseFault(f"{program} failed: {said}")
