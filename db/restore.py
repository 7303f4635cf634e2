"""Restoring a backup into an empty place: every part is checked against its hash before anything is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db import snapshot
from db.backup import ERASURES, Backup, list_backups
from workspace.errors import UsageFault, WorkspaceFault
from workspace.files import TEMPORARY_SUFFIX, replacing, sha256_file
from workspace.settings import Workspace, open_workspace


def choose(place: Path) -> Backup:
    """The backup at `place`: one backup's own folder, or the newest of a folder of backups. Raises WorkspaceFault."""
    if (place / "backup.json").is_file():
        return next(b for b in list_backups(place.parent) if b.folder == place)
    found = list_backups(place) if place.is_dir() else []
    if not found:
        raise WorkspaceFault(f"{place} holds no finished backup (no backup.json): name a backup's folder")
    return found[-1]


def faults(backup: Backup, identity: str | None = None) -> Iterator[str]:
    """One line for each damaged or missing part of a backup."""
    database = backup.folder / "database"
    if not database.is_file():
        yield f"{backup.folder.name}/database is missing"
    elif sha256_file(database) != backup.record["database"]["stored_sha256"]:
        yield f"{backup.folder.name}/database is damaged (its hash differs)"
    encrypted = backup.record["encrypted"]
    for entry in backup.record["files"]:
        path = _object(backup, entry)
        if not path.is_file():
            yield f"{entry['file']} is missing (object {entry['object'][:12]})"
        elif not encrypted and sha256_file(path) != entry["sha256"]:
            yield f"{entry['file']} is damaged (object {entry['object'][:12]})"
        elif encrypted and identity and not _decrypts(path, entry["sha256"], identity):
            yield f"{entry['file']} is damaged or for another key (object {entry['object'][:12]})"


def restore(backup: Backup, root: Path, *, database_url: str | None = None, identity: str | None = None) -> Workspace:
    """Put a backup into the empty folder `root`. Raises WorkspaceFault naming the first damaged part; then nothing stays.

    The database goes where the restored settings say, or to `database_url`; it must be of the backup's kind.
    """
    if root.exists() and any(root.iterdir()):
        raise WorkspaceFault(f"{root} is not empty: restore into an empty folder")
    if backup.record["encrypted"] and not identity:
        raise UsageFault("this backup is encrypted: say --identity FILE with the age key that opens it")
    bad = next(faults(backup, identity), None)
    if bad:
        raise WorkspaceFault(f"the backup {backup.folder.name} is damaged: {bad}; choose an older one")
    building = root.with_name(f".{root.name}{TEMPORARY_SUFFIX}")
    shutil.rmtree(building, ignore_errors=True)
    try:
        _build(backup, building, database_url, identity)
        if root.exists():
            root.rmdir()
        building.rename(root)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return open_workspace(root)


def _build(backup: Backup, building: Path, database_url: str | None, identity: str | None) -> None:
    building.mkdir(parents=True)
    for entry in backup.record["files"]:
        target = building / entry["file"]
        with replacing(target, mode=entry["mode"]) as temporary:
            _take_out(_object(backup, entry), temporary, identity)
        if sha256_file(target) != entry["sha256"]:
            raise WorkspaceFault(f"the backup {backup.folder.name} is damaged: {entry['file']} differs from its hash")
    workspace = open_workspace(building)
    url = database_url or workspace.database_url
    kind = backup.record["database"]["kind"]
    if not snapshot.same_kind(url, kind):
        raise UsageFault(f"the backup holds a {kind} database: say --database-url with an address of that kind")
    plain = building / f".database{TEMPORARY_SUFFIX}"
    try:
        _take_out(backup.folder / "database", plain, identity)
        if sha256_file(plain) != backup.record["database"]["sha256"]:
            raise WorkspaceFault(f"the backup {backup.folder.name} is damaged: database differs from its hash")
        snapshot.put_back(plain, url)
    finally:
        plain.unlink(missing_ok=True)
    beside = backup.folder.parent / ERASURES
    if beside.is_file():
        shutil.copyfile(beside, building / ERASURES)


def _object(backup: Backup, entry: dict[str, Any]) -> Path:
    name: str = entry["object"]
    return backup.folder.parent / "objects" / name[:2] / name


def _take_out(stored: Path, target: Path, identity: str | None) -> None:
    if identity is None:
        shutil.copyfile(stored, target)
        return
    import pyrage

    pyrage.decrypt_file(str(stored), str(target), [_identity(identity)])


def _identity(file: str) -> Any:
    import pyrage

    lines = [line.strip() for line in Path(file).read_text(encoding="utf-8").splitlines()]
    key = next((line for line in lines if line.startswith("AGE-SECRET-KEY-")), None)
    if key is None:
        raise UsageFault(f"{file} holds no age secret key (a line that begins with AGE-SECRET-KEY-)")
    return pyrage.x25519.Identity.from_str(key)


def _decrypts(path: Path, sha256: str, identity: str) -> bool:
    import pyrage

    from db.backup import digest_of

    try:
        return digest_of(pyrage.decrypt(path.read_bytes(), [_identity(identity)])) == sha256
    except pyrage.DecryptError:
        return False
