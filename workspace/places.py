"""Places where SQLite's write-ahead log does not work: network drives and folders that a cloud client synchronises."""

from __future__ import annotations

from pathlib import Path

from workspace.errors import WorkspaceFault

NETWORK_TYPES = {
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "afpfs", "ncpfs", "ceph", "glusterfs", "lustre", "gpfs",
    "beegfs", "webdav", "davfs", "davfs2", "drvfs", "fuse.sshfs", "fuse.rclone", "fuse.gvfsd-fuse", "fuse.davfs2",
    "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.gcsfuse", "fuse.onedriver", "fuse.google-drive-ocamlfuse",
}  # fmt: skip

SYNCED_NAMES = (
    "dropbox", "onedrive", "google drive", "googledrive", "icloud drive", "icloud~", "mobile documents", "nextcloud", "owncloud",
    "pcloud", "pclouddrive", "box sync", "megasync", "seafile",
)  # fmt: skip

SYNC_MARKERS = (".dropbox", ".dropbox.cache", ".stfolder", ".sync_journal.db", ".owncloudsync.log")


def unsafe_for_sqlite(path: Path, mounts: list[tuple[str, str]] | None = None) -> str | None:
    """What kind of unsafe place `path` lies in ("a network drive (nfs4)"), or None. `mounts`: (mount point, type) pairs."""
    place = path.resolve()
    kind = _type_of(place, mounts if mounts is not None else _mounts())
    if str(path).startswith("\\\\"):
        return "a network drive (UNC path)"
    if kind.lower() in NETWORK_TYPES:
        return f"a network drive ({kind})"
    for folder in (place, *place.parents):
        if any(folder.name.lower().startswith(name) for name in SYNCED_NAMES):
            return f"a synced folder ({folder.name})"
        if any((folder / marker).exists() for marker in SYNC_MARKERS):
            return f"a synced folder ({folder})"
    return None


def require_safe_for_sqlite(url: str, mounts: list[tuple[str, str]] | None = None) -> None:
    """Raise WorkspaceFault for an SQLite address in such a place; other databases pass."""
    if not url.startswith("sqlite:///") or ":memory:" in url:
        return
    path = Path(url.removeprefix("sqlite:///"))
    reason = unsafe_for_sqlite(path.parent, mounts)
    if reason:
        raise WorkspaceFault(
            f"{path.parent} is on {reason}, where SQLite loses votes: use a folder on a local disk, "
            "or set database_url to a PostgreSQL server"
        )


def _mounts() -> list[tuple[str, str]]:
    import psutil

    return [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]


def _type_of(place: Path, mounts: list[tuple[str, str]]) -> str:
    best, kind = -1, ""
    for point, fstype in mounts:
        folder = Path(point)
        if (folder == place or folder in place.parents) and len(folder.parts) >= best:
            best, kind = len(folder.parts), fstype
    return kind
