"""Atomic writes, tables, locks and space."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from workspace.errors import TableFault, WorkspaceFault
from workspace.files import link_or_copy, lock, need_space, read_rows, replacing, sha256_file, sweep, write_rows, write_text


def _write_half(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise ValueError("no")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """When the block fails, the old content stays and no temporary file is left."""
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(ValueError, match="no"):
        _write_half(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_killed_write_leaves_only_a_temporary_file_that_is_swept(tmp_path: Path) -> None:
    """SIGKILL in the middle leaves the old content; `sweep` removes what was begun."""
    path = tmp_path / "a.txt"
    write_text(path, "old")
    script = (
        "import sys, time; from pathlib import Path; from workspace.files import replacing\n"
        f"with replacing(Path({str(path)!r})) as t:\n    t.write_text('half'); print('begun', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert path.read_text() == "old"
    assert sweep(tmp_path) == 1
    assert os.listdir(tmp_path) == ["a.txt"]


def test_tables_read_back(tmp_path: Path) -> None:
    """Cells with commas, quotes and line ends survive; a missing column is named with those that are there."""
    path = tmp_path / "t.csv"
    write_rows(path, [{"a": 'x,"y"\nz', "b": None}], ["a", "b"])
    assert read_rows(path, ["a", "b"]) == [{"a": 'x,"y"\nz', "b": ""}]
    with pytest.raises(TableFault, match=r"has no column 'c'; it has: a, b"):
        read_rows(path, ["c"])
    with pytest.raises(TableFault, match="is not there"):
        read_rows(tmp_path / "none.csv")
    path.write_bytes(b"a\n\xff\n")
    with pytest.raises(TableFault, match="is not UTF-8 text"):
        read_rows(path)


def _hold(folder: Path, held: Event) -> None:
    with lock(folder, "work"):
        held.set()
        time.sleep(60)


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    """While one process holds the lock another is refused in one line; when that one was killed it may."""
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    child = spawn.Process(target=_hold, args=(tmp_path, held))
    child.start()
    assert held.wait(60)
    with pytest.raises(WorkspaceFault, match="another dermiqa is writing here in"), lock(tmp_path, "work"):
        pass
    child.kill()
    child.join()
    with lock(tmp_path, "work", wait=5):
        pass


def test_space_is_asked_for_before_the_work(tmp_path: Path) -> None:
    """More than the disk has is refused with both numbers, even for a folder that is not there yet."""
    need_space(tmp_path / "x" / "y", 1, "this")
    with pytest.raises(WorkspaceFault, match=r"this needs about .* MB and .* has .* MB free"):
        need_space(tmp_path / "x" / "y", 10**18, "this")


def test_link_or_copy_keeps_what_is_there(tmp_path: Path) -> None:
    """The target gets the source's bytes once and is never written again."""
    source, target = tmp_path / "a", tmp_path / "b" / "c"
    source.write_text("one")
    link_or_copy(source, target)
    assert sha256_file(target) == sha256_file(source)
    other = tmp_path / "d"
    other.write_text("two")
    link_or_copy(other, target)
    assert target.read_text() == "one"
