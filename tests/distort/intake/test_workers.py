"""Worker processes that crash, hang, grow or fail."""

from __future__ import annotations

import os
import time

import pytest

from distort.intake.workers import Limits, Lost, Workers
from workspace.errors import WorkspaceFault


def work(task: str) -> str:
    """Does what the task says."""
    if task == "crash":
        os._exit(11)
    if task == "hang":
        time.sleep(60)
    if task == "grow":
        held = [bytearray(50_000_000) for _ in range(100)]
        return str(len(held))
    if task == "fail":
        raise WorkspaceFault("the disk is full")
    return f"{task} in {os.getpid()}"


def outcome(answers: list[tuple[str, str | Lost]]) -> list[str]:
    """Answers without process numbers, reasons of the lost."""
    return [a.reason if isinstance(a, Lost) else a.split(" in ")[0] for _, a in answers]


def test_a_crash_costs_one_task() -> None:
    """A worker that dies takes its own task along and nothing else; answers stay in order."""
    tasks = ["a", "crash", "b", "c", "crash", "d"]
    found = outcome(list(Workers(work, 2).map(iter(tasks))))
    ended = "reading it ended the process that read it"
    assert found == ["a", ended, "b", "c", ended, "d"]


def test_a_hang_is_cut_off() -> None:
    """A task beyond its time is given up and its worker ended."""
    workers = Workers(work, 1, Limits(seconds=3))
    found = outcome(list(workers.map(iter(["a", "hang", "b"]))))
    assert found == ["a", "reading it took longer than 3 seconds", "b"]
    assert workers.staff == []


def test_memory_is_limited() -> None:
    """A task that wants gigabytes fails alone: by the system's limit, or by the parent's eye."""
    workers = Workers(work, 1, Limits(memory=900_000_000))
    try:
        found = outcome(list(workers.map(iter(["a", "grow"]))))
    except MemoryError:
        return
    assert found == ["a", "reading it took more than 0.9 GB of memory"]


def test_a_fault_of_the_work_is_raised_here() -> None:
    """A full disk in a worker stops the run in the parent; no process is left."""
    workers = Workers(work, 2)
    with pytest.raises(WorkspaceFault, match="the disk is full"):
        list(workers.map(iter(["a", "fail", "b"])))
    assert workers.staff == []


def test_tasks_are_drawn_as_needed() -> None:
    """Few tasks are held at once, so that an endless stream may come in."""
    drawn = 0

    def endless():  # type: ignore[no-untyped-def]
        nonlocal drawn
        while True:
            drawn += 1
            yield f"t{drawn}"

    stream = Workers(work, 1).map(endless())
    for _ in range(5):
        next(stream)
    stream.close()
    assert drawn <= 10
