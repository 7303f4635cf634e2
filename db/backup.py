"""Backups: a snapshot of the database, every file of the workspace once by its hash, and one list with the hashes of all.

A backup folder holds `objects/ab/abcd...` (contents by hash, shared between backups), `STAMP/backup.json` (the list),
`STAMP/database`, and `erasures.jsonl`, which a restore replays so that what was erased stays erased.
With a public key (age) all contents are encrypted; names of objects stay the hashes of the plain contents.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db import snapshot
from db.migrate import current
from workspace.errors import UsageFault, WorkspaceFault
from workspace.files import lock, need_space, replacing, sha256_file, write_bytes, write_json
from workspace.settings import Workspace

FORMAT = 1
LEFT_OUT = ("counted", "logs")
SECRET = ".secret"
ERASURES = "erasures.jsonl"


@dataclass(frozen=True)
class Backup:
    """One finished backup: its folder and its list."""

    folder: Path
    record: dict[str, Any]

    @property
    def made(self) -> datetime:
        """When its snapshot was taken."""
        return datetime.fromisoformat(self.record["made"])


def default_folder(workspace: Workspace) -> Path:
    """Where backups go when nothing else is said: the setting, else a folder beside the workspace."""
    said = workspace.settings.backup_to
    return Path(said) if said else workspace.root.with_name(workspace.root.name + "-backups")


def make_backup(workspace: Workspace, to: Path, *, encrypt_to: str | None = None) -> Backup:
    """Back up the database and every file. The database is read first: what its rows name is on the disk before them.

    Raises WorkspaceFault when `to` lies inside the workspace, another backup runs or the disk is too small.
    """
    if workspace.root == to.resolve() or workspace.root in to.resolve().parents:
        raise WorkspaceFault(f"{to} lies inside the workspace: keep backups outside it")
    recipient = parse_recipient(encrypt_to) if encrypt_to else None
    with lock(to, "backup", doing="making a backup"):
        files = list(workspace_files(workspace))
        need_space(to, sum(path.stat().st_size for path in files) // 50 + 10_000_000, "this backup")
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        folder = to / stamp
        folder.mkdir(parents=True)
        record: dict[str, Any] = {
            "format": FORMAT, "made": datetime.now(UTC).isoformat(), "name": workspace.settings.name,
            "encrypted": recipient is not None,
        }  # fmt: skip
        record["database"] = _store_database(workspace, folder, recipient)
        record["files"] = [_store_file(workspace, path, to, recipient) for path in workspace_files(workspace)]
        _copy_erasures(workspace, to)
        write_json(folder / "backup.json", record)
        return Backup(folder, record)


def workspace_files(workspace: Workspace) -> Iterator[Path]:
    """Every file that a backup keeps: all but logs, what was counted for pages, locks, temporary files and the database itself; the
    server's key is kept."""
    url = workspace.database_url
    database = Path(url.removeprefix("sqlite:///")).name if url.startswith("sqlite:///") else ""
    for path in sorted(workspace.root.rglob("*")):
        inside = path.relative_to(workspace.root)
        if inside.parts[0] in LEFT_OUT or _is_passing(path) or not path.is_file() or path.is_symlink():
            continue
        if database and len(inside.parts) == 1 and path.name.startswith(database):
            continue
        yield path


def _is_passing(path: Path) -> bool:
    return path.name.startswith(".") and path.name != SECRET


def list_backups(to: Path) -> list[Backup]:
    """Finished backups, oldest first; a folder without its list was not finished and is left out."""
    lists = [path for path in to.glob("*/backup.json") if path.is_file()]
    found = [Backup(path.parent, json.loads(path.read_text(encoding="utf-8"))) for path in lists]
    return sorted(found, key=lambda backup: backup.made)


def remove_backups(to: Path, expired: list[Backup]) -> int:
    """Remove expired backups, unfinished ones older than a day, and the objects that no backup names; gives objects removed."""
    with lock(to, "backup", doing="making a backup", wait=60):
        for backup in expired:
            shutil.rmtree(backup.folder)
        kept = {entry["object"] for backup in list_backups(to) for entry in backup.record["files"]}
        gone = 0
        for path in (to / "objects").rglob("*"):
            if path.is_file() and path.name not in kept:
                path.unlink()
                gone += 1
        return gone


def parse_recipient(key: str) -> Any:
    """An age public key (`age1...`) or a file that holds one. Raises UsageFault."""
    import pyrage

    text = Path(key).read_text(encoding="utf-8").strip() if Path(key).is_file() else key
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except Exception:
        raise UsageFault(f"{key!r} is no age public key: it begins with age1 (made by `age-keygen`)") from None


def _store_database(workspace: Workspace, folder: Path, recipient: Any) -> dict[str, Any]:
    from db.engine import open_engine

    engine = open_engine(workspace.database_url)
    try:
        kind, revision = engine.dialect.name, current(engine)
    finally:
        engine.dispose()
    plain, stored = folder / ".database.part", folder / "database"
    try:
        snapshot.take(workspace.database_url, plain)
        digest = sha256_file(plain)
        _place(plain, stored, recipient)
    finally:
        plain.unlink(missing_ok=True)
    kept = {"sha256": digest, "stored_sha256": sha256_file(stored), "bytes": stored.stat().st_size}
    return {"kind": kind, "revision": revision, **kept}


def _store_file(workspace: Workspace, path: Path, to: Path, recipient: Any) -> dict[str, Any]:
    digest = sha256_file(path)
    name = digest + (".age" if recipient is not None else "")
    stored = to / "objects" / digest[:2] / name
    if not stored.exists():
        _place(path, stored, recipient)
    inside, mode = path.relative_to(workspace.root).as_posix(), path.stat().st_mode & 0o777
    return {"file": inside, "object": name, "sha256": digest, "mode": mode}


def _place(source: Path, target: Path, recipient: Any) -> None:
    import pyrage

    with replacing(target, mode=0o600) as temporary:
        if recipient is None:
            shutil.copyfile(source, temporary)
        else:
            pyrage.encrypt_file(str(source), str(temporary), [recipient])


def _copy_erasures(workspace: Workspace, to: Path) -> None:
    """Join the workspace's erasures to the list beside the backups; no line of either is lost."""
    lines: dict[str, None] = {}
    for path in (to / ERASURES, workspace.root / ERASURES):
        if path.is_file():
            lines.update(dict.fromkeys(path.read_text(encoding="utf-8").splitlines()))
    if lines:
        write_bytes(to / ERASURES, ("\n".join(lines) + "\n").encode(), mode=0o600)


def digest_of(data: bytes) -> str:
    """SHA-256 of plain contents."""
    return hashlib.sha256(data).hexdigest()
