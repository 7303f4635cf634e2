"""Who does which run: claims in a shared folder, kept fresh by a heartbeat, taken over from a process that is gone."""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

BEAT_SECONDS = 20.0
STALE_SECONDS = 300.0


class Claim:
    """One claimed run; `release` gives it back."""

    def __init__(self, path: Path, mark: str) -> None:
        self.path, self.mark = path, mark

    def mine(self) -> bool:
        """Whether the claim still is this process's (another may have taken it after a long silence)."""
        return _read(self.path).get("mark") == self.mark

    def release(self) -> None:
        """Remove the claim, if it still is ours."""
        if self.mine():
            self.path.unlink(missing_ok=True)


def claim(path: Path) -> Claim | None:
    """Claim a run by creating `path`; None while another live process holds it.

    A claim is dead when its process on this machine is gone, or when it was not touched for five minutes (by the shared
    folder's own clock, so that machines need not agree on the time).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and _dead(path):
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return None
        aside.unlink(missing_ok=True)
    mark = uuid.uuid4().hex
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return None
    own = psutil.Process()
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump({"mark": mark, "host": socket.gethostname(), "pid": own.pid, "born": own.create_time()}, stream)
    return Claim(path, mark)


def sweep(path: Path) -> None:
    """Remove what a process left that ended after its run was finished and before it gave the claim back."""
    if path.exists() and _dead(path):
        path.unlink(missing_ok=True)


@contextmanager
def beating(held: Claim) -> Iterator[None]:
    """Touch a claim every 20 s while the block runs, and release it at the end."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(BEAT_SECONDS):
            if not held.mine():
                return
            os.utime(held.path)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        held.release()


def holder(path: Path) -> str:
    """`HOST, process PID` of a claim; empty when there is none."""
    found = _read(path)
    return f"{found['host']}, process {found['pid']}" if found else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) and {"mark", "host", "pid", "born"} <= set(found) else {}


def _dead(path: Path) -> bool:
    found = _read(path)
    if found and found["host"] == socket.gethostname():
        try:
            born = float(psutil.Process(int(found["pid"])).create_time())
            return abs(born - float(found["born"])) > 1.0
        except psutil.NoSuchProcess:
            return True
    try:
        return _now(path.parent) - path.stat().st_mtime > STALE_SECONDS
    except FileNotFoundError:
        return False


def _now(folder: Path) -> float:
    """The time by the clock of the disk that holds the folder."""
    probe = folder / f".{uuid.uuid4().hex}.part"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
