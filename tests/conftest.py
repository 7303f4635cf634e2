"""Fixtures that every test may use."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the repository; skipped where it is not there, a failure when CI is set."""
    place = Path(os.environ.get("DERMIQA_REFERENCE", ROOT.parent / "shared"))
    if not (place / "golden").is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"reference data expected at {place}")
        pytest.skip(f"no reference data at {place}")
    return place


@pytest.fixture(scope="session")
def demo_photos() -> Path:
    """The folder of photographs that ship with the package."""
    return ROOT / "dermiqa" / "demo_photos"


def _postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The folder of a PostgreSQL server's socket, started for this session in a temporary folder; skipped without PostgreSQL."""
    programs = _postgres_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is missing: apt-get install postgresql")
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")
    folder = tempfile.mkdtemp(prefix="dermiqa-pg-")
    other: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        other = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def do(*words: str) -> None:
        subprocess.run(words, check=True, capture_output=True, cwd=folder, **other)

    data, log = f"{folder}/data", f"{folder}/log"
    do(str(programs / "initdb"), "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    do(str(programs / "pg_ctl"), "-D", data, "-w", "-l", log, "-o", f"-c listen_addresses='' -k {folder} -F", "start")
    try:
        yield folder
    finally:
        do(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a new, empty PostgreSQL database."""
    import psycopg

    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"host={postgres_server} user=test dbname=postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield f"postgresql+psycopg://test@/{name}?host={postgres_server}"
    with psycopg.connect(f"host={postgres_server} user=test dbname=postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once SQLite and once PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'votes.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def opening() -> Iterator[Callable[[str], Engine]]:
    """Opens engines that are closed when the test ends."""
    from db.engine import open_engine

    engines: list[Engine] = []

    def open_one(url: str) -> Engine:
        engines.append(open_engine(url))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.dispose()
