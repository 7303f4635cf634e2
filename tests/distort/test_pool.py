"""Workers: in order, drawn as needed, a killed one is a clear line."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import cv2
import pytest

from distort.pool import on_processes
from workspace.errors import WorkspaceFault


def slow_for_even(number: int) -> tuple[int, int]:
    """The number and the process; even ones take longer."""
    time.sleep(0.05 if number % 2 == 0 else 0)
    return number, os.getpid()


def die(number: int) -> int:
    """Killed from outside, as by a lack of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def threads(_: int) -> int:
    """OpenCV's threads while at work."""
    return cv2.getNumThreads()


def test_results_come_in_the_items_order() -> None:
    """Two processes share the items and their results come in the items' order."""
    found = list(on_processes(slow_for_even, range(12), 2))
    assert [number for number, _ in found] == list(range(12))
    assert os.getpid() not in {process for _, process in found}


def test_one_job_stays_in_this_process() -> None:
    """With one job nothing is started, one thread is used, and the number of threads is as before afterwards."""
    before = cv2.getNumThreads()
    assert {process for _, process in on_processes(slow_for_even, range(3), 1)} == {os.getpid()}
    assert list(on_processes(threads, [1], 1)) == [1]
    assert cv2.getNumThreads() == before


def test_items_are_drawn_as_they_are_needed() -> None:
    """A long plan is not read ahead: after the first results only a few items were drawn."""
    drawn: list[int] = []

    def plan() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    results = on_processes(slow_for_even, plan(), 2)
    next(results)
    assert len(drawn) < 20
    results.close()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_killed_worker_is_one_line() -> None:
    """A worker process that is killed ends the run with what to do; nothing hangs."""
    with pytest.raises(WorkspaceFault, match=r"a worker process was killed .* the same command goes on where it stopped"):
        list(on_processes(die, range(4), 2))
