"""Migrations and the rules that the database itself keeps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

import db.models  # noqa: F401
from db.migrate import require_current, upgrade
from workspace.errors import DatabaseFault


@pytest.fixture
def engine(tmp_path: Path, opening: Callable[[str], Engine]) -> Engine:
    """An empty SQLite database on disk."""
    return opening(f"sqlite:///{tmp_path / 'a.db'}")


def test_the_migration_makes_the_models_tables(engine: Engine) -> None:
    """After an upgrade nothing differs between the database and the models."""
    assert upgrade(engine) == (None, "0001")
    require_current(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_sqlite_is_strict_and_durable(engine: Engine) -> None:
    """Every table is STRICT; WAL, synchronous=FULL and foreign keys are on."""
    upgrade(engine)
    with engine.connect() as connection:
        strict = connection.execute(text("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"))
        loose = [name for name, value in strict if not value and not name.startswith(("sqlite_", "alembic_"))]
        assert loose == []
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_a_newer_database_is_refused_in_one_line(engine: Engine) -> None:
    """A revision that this program does not know is refused, and so is an empty database where tables are needed."""
    with pytest.raises(DatabaseFault, match="no tables yet: run `dermiqa db upgrade`"):
        require_current(engine)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseFault, match="'9999', which is newer than this program"):
        upgrade(engine)
    with pytest.raises(DatabaseFault, match="newer than this program"):
        require_current(engine)


def test_an_upgrade_keeps_the_rows(engine: Engine, tmp_path: Path) -> None:
    """A later revision runs forwards on a database with data in it, and the data stays."""
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO studies (token, name, state, draft, created) VALUES ('t', 'skin', 'draft', '{}', '2026-01-01')")
        )
    scripts = _scripts_with_a_revision(tmp_path)
    assert upgrade(engine, scripts) == ("0001", "0002")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT name, motto FROM studies")).one() == ("skin", "see well")


def _scripts_with_a_revision(tmp_path: Path) -> Path:
    import shutil

    import db.migrations

    scripts = tmp_path / "migrations"
    shutil.copytree(Path(db.migrations.__file__).parent, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "0002_motto.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = '0002'\ndown_revision = '0001'\n"
        "def upgrade():\n    op.add_column('studies', sa.Column('motto', sa.Text(), server_default='see well'))\n"
    )
    return scripts


def test_two_processes_may_upgrade_at_once(database_url: str, tmp_path: Path) -> None:
    """Two processes that start on an empty database at the same moment both find its tables made, once."""
    code = "import sys; from db.engine import open_engine; from db.migrate import upgrade; print(upgrade(open_engine(sys.argv[1]))[1])"
    words = [sys.executable, "-W", "ignore", "-c", code, database_url]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0] != ""
