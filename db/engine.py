"""Engines: SQLite (WAL, synchronous=FULL, foreign keys on, BEGIN IMMEDIATE for writers) and PostgreSQL, by URL alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from workspace.errors import DatabaseFault, MissingExtra

BUSY_MS = 10_000
CACHE_KB = 65_536


def open_engine(url: str, *, pool_size: int = 5) -> Engine:
    """An engine for a database address; its errors never show values. Raises DatabaseFault, or MissingExtra without a driver."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(url)
    try:
        return create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, hide_parameters=True)
    except ModuleNotFoundError:
        raise MissingExtra("the PostgreSQL driver", "postgres") from None


def _sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:" and not Path(path).parent.is_dir():
        raise DatabaseFault(f"{Path(path).parent} is not a folder: the database {path} can't be kept there")
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_MS}",
            f"cache_size=-{CACHE_KB}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writing = connection.get_execution_options().get("dermiqa_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads."""
    with Session(engine) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session in one writing transaction (BEGIN IMMEDIATE on SQLite), committed at the end, rolled back on an error."""
    with Session(engine.execution_options(dermiqa_write=True)) as session, session.begin():
        yield session


def check_reachable(engine: Engine) -> None:
    """Raise DatabaseFault in one line when the database does not answer."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except OperationalError as fault:
        reason = str(fault.orig).strip().splitlines()[0]
        raise DatabaseFault(f"the database {engine.url.render_as_string(hide_password=True)} does not answer: {reason}") from None
