"""Migrations: bring a database to this program's tables, forwards only; refuse a newer one in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from workspace.errors import DatabaseFault
from workspace.files import lock

LOCK_KEY = 7_165_310_442


def config(engine: Engine | None = None, scripts: Path | None = None) -> Config:
    """Alembic's configuration for this package's scripts (or another folder's); `engine` is handed on to env.py."""
    made = Config()
    made.set_main_option("script_location", str(scripts or Path(__file__).parent / "migrations"))
    made.attributes["engine"] = engine
    return made


def current(engine: Engine) -> str | None:
    """The revision that a database stands at; None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, scripts: Path | None = None) -> tuple[str | None, str]:
    """Bring a database forwards to the newest revision; gives (before, after). Raises DatabaseFault for a newer one.

    Several processes may ask at once (the observers' and the curators' side start together): one works, the others wait.
    """
    with _alone(engine):
        return _upgrade(engine, scripts)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Hold the right to change the tables: an advisory lock of PostgreSQL, a lock file beside an SQLite database."""
    path = engine.url.database or ""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
    elif path in ("", ":memory:"):
        yield
    else:
        with lock(Path(path).parent, "upgrade", wait=60, doing="changing the tables"):
            yield


def _upgrade(engine: Engine, scripts: Path | None) -> tuple[str | None, str]:
    script = ScriptDirectory.from_config(config(engine, scripts))
    before, head = current(engine), script.get_current_head()
    if head is None:
        raise DatabaseFault("no migrations in this installation: install dermiqa again")
    if before is not None and before not in {revision.revision for revision in script.walk_revisions()}:
        raise DatabaseFault(
            f"the database stands at revision {before!r}, which is newer than this program ({head!r}): use a newer dermiqa"
        )
    if before != head:
        command.upgrade(config(engine, scripts), "head")
    return before, head


def require_current(engine: Engine) -> None:
    """Raise DatabaseFault when a database is empty, older or newer than this program."""
    before = current(engine)
    head = ScriptDirectory.from_config(config(engine)).get_current_head()
    if before == head:
        return
    if before is None:
        raise DatabaseFault("the database holds no tables yet: run `dermiqa db upgrade`")
    known = {revision.revision for revision in ScriptDirectory.from_config(config(engine)).walk_revisions()}
    word = "older" if before in known else "newer"
    advice = "run `dermiqa db upgrade`" if word == "older" else "use a newer dermiqa"
    raise DatabaseFault(f"the database stands at revision {before!r}, {word} than this program ({head!r}): {advice}")
