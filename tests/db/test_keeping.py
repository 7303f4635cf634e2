"""Copying, backing up, restoring and erasing, on real databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db.backup import Backup, list_backups, make_backup, remove_backups
from db.copying import copy_tables
from db.engine import open_engine, reading, writing
from db.erasure import (
    certificate,
    erase_observer,
    everything_about,
    find_observer,
    read_erasures,
    record_erasure,
    replay_observers,
)
from db.migrate import upgrade
from db.restore import choose, restore
from db.retention import expired, last_expiry, parse_keep
from tests.db.small_study import fill
from workspace.errors import DatabaseFault, StudyFault, UsageFault, WorkspaceFault
from workspace.settings import Workspace, create


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with the small study and two image files of equal content."""
    made = create(tmp_path / "ws")
    engine = open_engine(made.database_url)
    upgrade(engine)
    fill(engine)
    engine.dispose()
    made.pristine.mkdir()
    for name in ("P0001.png", "P0002.png"):
        (made.pristine / name).write_bytes(b"the same bytes")
    made.keys.write_text("pristine,original\nP0001,Mrs_Secret.jpg\n")
    made.keys.chmod(0o600)
    return made


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """An engine that is closed at the end."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _votes(url: str) -> list[tuple[int, int, int]]:
    with opened(url) as engine, engine.connect() as connection:
        rows = connection.execute(text("SELECT presentation_id, observer_id, value FROM ratings ORDER BY id"))
        return [(a, b, c) for a, b, c in rows]


def test_a_copy_has_every_row_and_goes_on(workspace: Workspace, postgres_url: str, opening: Callable[[str], Engine]) -> None:
    """SQLite's tables move to PostgreSQL row for row, and new rows get new keys there."""
    old, new = opening(workspace.database_url), opening(postgres_url)
    counts = dict(copy_tables(old, new))
    assert counts["ratings"] == 4
    assert counts["presentations"] == 4
    assert _votes(workspace.database_url) == _votes(postgres_url)
    with new.begin() as connection:
        connection.execute(text("INSERT INTO events (kind, at, data) VALUES ('x', now(), '{}')"))
        assert connection.execute(text("SELECT max(id) FROM events")).scalar() == 3
    with pytest.raises(DatabaseFault, match="of the target holds rows already"):
        list(copy_tables(old, new))


def test_a_backup_restores_to_the_same_workspace(workspace: Workspace, tmp_path: Path) -> None:
    """Database, files, their modes and contents come back; equal contents are kept once."""
    made = make_backup(workspace, tmp_path / "backups")
    assert len(made.record["files"]) == 4
    assert len([p for p in (tmp_path / "backups" / "objects").rglob("*") if p.is_file()]) == 3
    back = restore(choose(tmp_path / "backups"), tmp_path / "back")
    assert _votes(back.database_url) == _votes(workspace.database_url)
    assert (back.pristine / "P0002.png").read_bytes() == b"the same bytes"
    assert back.keys.stat().st_mode & 0o777 == 0o600
    with pytest.raises(WorkspaceFault, match="is not empty: restore into an empty folder"):
        restore(made, tmp_path / "back")


def test_a_postgresql_backup_restores(
    workspace: Workspace, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump's snapshot comes back into an empty PostgreSQL database and is refused for SQLite."""
    with opened(workspace.database_url) as old, opened(postgres_url) as new:
        list(copy_tables(old, new))
    before = _votes(postgres_url)
    monkeypatch.setenv("DERMIQA_DATABASE_URL", postgres_url)
    made = make_backup(workspace, tmp_path / "backups")
    assert made.record["database"]["kind"] == "postgresql"
    with pytest.raises(DatabaseFault, match="holds tables already"):
        restore(made, tmp_path / "back")
    with pytest.raises(UsageFault, match="holds a postgresql database"):
        restore(made, tmp_path / "back", database_url=f"sqlite:///{tmp_path / 'x.db'}")
    with opened(postgres_url) as engine, engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    restore(made, tmp_path / "back")
    assert _votes(postgres_url) == before


@pytest.mark.parametrize("part", ["database", "object", "missing"])
def test_a_damaged_backup_is_refused_naming_the_part(workspace: Workspace, tmp_path: Path, part: str) -> None:
    """One changed byte in the database or a file, or a missing file, is named; nothing is left in the target."""
    made = make_backup(workspace, tmp_path / "backups")
    entry = next(e for e in made.record["files"] if e["file"] == "pristine/P0001.png")
    path = tmp_path / "backups" / "objects" / entry["object"][:2] / entry["object"]
    if part == "database":
        path = made.folder / "database"
    if part == "missing":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    said = {
        "database": "database is damaged",
        "object": "pristine/P0001.png is damaged",
        "missing": "pristine/P0001.png is missing",
    }
    with pytest.raises(WorkspaceFault, match=said[part]):
        restore(made, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_an_encrypted_backup_needs_its_key(workspace: Workspace, tmp_path: Path) -> None:
    """Contents are unreadable without the age key, and come back with it; another key is refused."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    key, wrong = tmp_path / "key.txt", tmp_path / "wrong.txt"
    key.write_text(f"# a comment\n{identity}\n")
    wrong.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    made = make_backup(workspace, tmp_path / "backups", encrypt_to=str(identity.to_public()))
    stored = [p.read_bytes() for p in (tmp_path / "backups").rglob("*") if p.is_file() and p.name != "backup.json"]
    assert not any(
        secret in data for data in stored for secret in (b"Mrs_Secret", b"the same bytes", b"s3cr3t", b"SQLite format")
    )
    with pytest.raises(UsageFault, match="say --identity FILE"):
        restore(made, tmp_path / "back")
    with pytest.raises(WorkspaceFault, match="is damaged or for another key"):
        restore(made, tmp_path / "back", identity=str(wrong))
    back = restore(made, tmp_path / "back", identity=str(key))
    assert _votes(back.database_url) == _votes(workspace.database_url)
    with pytest.raises(UsageFault, match="is no age public key"):
        make_backup(workspace, tmp_path / "backups", encrypt_to="age1nothing")


def test_a_backup_inside_the_workspace_is_refused(workspace: Workspace) -> None:
    """A backup that would back up itself is refused."""
    with pytest.raises(WorkspaceFault, match="lies inside the workspace"):
        make_backup(workspace, workspace.root / "backups")


def test_keep_rules(tmp_path: Path) -> None:
    """7d,4w keeps the newest of each of 7 days and 4 weeks, and always the newest of all."""
    at = datetime(2026, 6, 30, 12, tzinfo=UTC)
    backups = [
        Backup(tmp_path / f"{hours}", {"made": (at - timedelta(hours=hours)).isoformat()}) for hours in range(24 * 60, -1, -6)
    ]
    gone = expired(backups, "7d,4w", at)
    kept = [int(b.folder.name) for b in backups if b not in gone]
    assert kept == [504, 336, 168, 144, 120, 96, 72, 48, 24, 0]
    assert last_expiry("7d,4w", at) == at + timedelta(weeks=4)
    assert parse_keep("1h") == [(1, timedelta(hours=1))]
    for wrong in ("", "7", "0d", "7x"):
        with pytest.raises(UsageFault, match="--keep"):
            parse_keep(wrong)


def test_removing_backups_keeps_shared_objects(workspace: Workspace, tmp_path: Path) -> None:
    """An object goes only when no kept backup names it."""
    first = make_backup(workspace, tmp_path / "b")
    (workspace.pristine / "P0001.png").write_bytes(b"other bytes")
    (workspace.pristine / "P0002.png").write_bytes(b"other bytes")
    make_backup(workspace, tmp_path / "b")
    assert remove_backups(tmp_path / "b", [first]) == 1
    assert len(list_backups(tmp_path / "b")) == 1
    assert (restore(choose(tmp_path / "b"), tmp_path / "back").pristine / "P0001.png").read_bytes() == b"other bytes"


@pytest.mark.parametrize("keep_votes", [True, False])
def test_erasing_leaves_nothing_of_a_person(workspace: Workspace, keep_votes: bool, opening: Callable[[str], Engine]) -> None:
    """Pseudonym, answers, devices, invitations and events go; votes stay or go; the other observer is untouched."""
    engine = opening(workspace.database_url)
    with writing(engine) as session:
        one = find_observer(session, "skin", "P01")
        copy = everything_about(session, one)
        entry = erase_observer(session, one, keep_votes=keep_votes)
    assert copy["observer"]["answers"] == {"age": "30-39", "secret": "s3cr3t"}
    assert [(v["position"], v["value"]) for v in copy["votes"]] == [(0, 9), (1, 8)]
    assert len(_votes(workspace.database_url)) == (4 if keep_votes else 2)
    with reading(engine) as session:
        assert everything_about(session, find_observer(session, "skin", "P02"))["observer"]["answers"]["age"] == "30-39"
        with pytest.raises(StudyFault, match="has no observer 'P01'"):
            find_observer(session, "skin", "P01")
    with engine.connect() as connection:
        for table in ("devices", "invitations", "events"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1
    assert "P01" not in json.dumps(entry)
    text_ = certificate("skin", entry, datetime(2026, 12, 24, tzinfo=UTC))
    assert ("kept without a name" in text_) == keep_votes
    assert "2026-12-24" in text_


def test_a_restore_erases_again(workspace: Workspace, tmp_path: Path, opening: Callable[[str], Engine]) -> None:
    """An observer erased after the backup is erased again when that backup is restored."""
    backups = tmp_path / "backups"
    make_backup(workspace, backups)
    engine = opening(workspace.database_url)
    with writing(engine) as session:
        entry = erase_observer(session, find_observer(session, "skin", "P01"), keep_votes=False)
        record_erasure(workspace, entry, backups)
    back = restore(choose(backups), tmp_path / "back")
    assert len(_votes(back.database_url)) == 4
    with writing(opening(back.database_url)) as session:
        assert replay_observers(session, read_erasures(back.root)) == 1
    assert len(_votes(back.database_url)) == 2
    engine = opening(back.database_url)
    with engine.connect() as connection:
        names = connection.execute(text("SELECT pseudonym FROM observers ORDER BY id")).scalars().all()
    assert names[0].startswith("erased-")
    assert names[1] == "P02"
