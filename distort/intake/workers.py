"""Worker processes that may die: each file is worked on in a process with a limit of time and memory.

A worker that crashes, hangs or grows too big takes its one file with it; another takes its place. Processes are spawned.
"""

from __future__ import annotations

import faulthandler
import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Limits:
    """What one file may cost: seconds of wall clock and bytes of the worker's memory."""

    seconds: float = 60.0
    memory: int = 1_900_000_000


@dataclass(frozen=True)
class Lost:
    """The worker didn't answer: `reason` says why."""

    reason: str


class _Worker:
    """One process and what it is busy with (`index` -1: nothing)."""

    def __init__(self, work: Callable[[Any], Any], limits: Limits, threads: int) -> None:
        import psutil

        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work, limits, threads), daemon=True)
        self.process.start()
        theirs.close()
        self.memory = psutil.Process(self.process.pid)
        self.index = -1
        self.started = 0.0

    def give(self, index: int, task: Any) -> None:
        """Hand a task over."""
        self.index, self.started = index, time.monotonic()
        self.connection.send(task)

    def stop(self) -> None:
        """End the process, busy or not."""
        self.connection.close()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()

    def grown(self) -> int:
        """Bytes of memory in use; 0 when the process has gone."""
        import psutil

        try:
            return int(self.memory.memory_info().rss)
        except psutil.Error:
            return 0


class Workers(Generic[Task, Answer]):
    """`jobs` processes that apply `work` (a function of a module) to tasks; answers come back in the tasks' order."""

    def __init__(self, work: Callable[[Task], Answer], jobs: int, limits: Limits | None = None) -> None:
        self.work = work
        self.jobs = jobs
        self.limits = limits or Limits()
        self.threads = max(1, (os.cpu_count() or 1) // max(1, jobs))
        self.staff: list[_Worker] = []
        self.ready: dict[int, Answer | Lost] = {}
        self.waiting: dict[int, Task] = {}

    def map(self, tasks: Iterator[Task]) -> Generator[tuple[Task, Answer | Lost], None, None]:
        """Each task with its answer, in order; few tasks are held at once, so `tasks` may be endless.

        An exception in `work` is raised here; death, time and memory come back as `Lost`. With `jobs` 0 the work is done in this
        process, without a limit: for few files that are known to be good.
        """
        if self.jobs < 1:
            yield from ((task, self.work(task)) for task in tasks)
            return
        following = given = 0
        exhausted = False
        try:
            while not exhausted or following < given:
                while not exhausted and given - following < 4 * self.jobs and (worker := self._free(given - following)):
                    try:
                        self.waiting[given] = next(tasks)
                    except StopIteration:
                        exhausted = True
                        break
                    self._hand(worker, given)
                    given += 1
                if following < given and following not in self.ready:
                    self._collect()
                while following in self.ready:
                    answer = self.ready.pop(following)
                    yield self.waiting.pop(following), answer
                    following += 1
        finally:
            for worker in self.staff:
                worker.stop()
            self.staff.clear()

    def _free(self, busy: int) -> _Worker | None:
        for worker in self.staff:
            if worker.index < 0:
                return worker
        if len(self.staff) < self.jobs:
            self.staff.append(_Worker(self.work, self.limits, self.threads))
            return self.staff[-1]
        return None

    def _hand(self, worker: _Worker, index: int) -> None:
        try:
            worker.give(index, self.waiting[index])
        except (OSError, ValueError):
            self._lose(worker, "the process that should read it ended")

    def _collect(self) -> None:
        """Wait a moment for answers and deaths; enforce the limits."""
        busy = {worker.connection: worker for worker in self.staff if worker.index >= 0}
        for connection in wait(list(busy), timeout=0.1):
            assert isinstance(connection, Connection)
            self._receive(busy[connection])
        now = time.monotonic()
        for worker in [w for w in self.staff if w.index >= 0]:
            if now - worker.started > self.limits.seconds:
                self._lose(worker, f"reading it took longer than {self.limits.seconds:g} seconds")
            elif worker.grown() > self.limits.memory:
                self._lose(worker, f"reading it took more than {self.limits.memory / 1e9:g} GB of memory")

    def _receive(self, worker: _Worker) -> None:
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            self._lose(worker, "reading it ended the process that read it")
            return
        if isinstance(answer, Exception):
            raise answer
        self.ready[worker.index] = answer
        worker.index = -1
        if worker.grown() > self.limits.memory // 2:
            self.staff.remove(worker)
            worker.stop()

    def _lose(self, worker: _Worker, reason: str) -> None:
        self.ready[worker.index] = Lost(reason)
        self.staff.remove(worker)
        worker.stop()


def _serve(connection: Connection, work: Callable[[Any], Any], limits: Limits, threads: int) -> None:
    """The worker's loop: silent, limited, and gone when its parent is."""
    import cv2

    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    cv2.setNumThreads(threads)
    _limit(limits.memory)
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        faulthandler.dump_traceback_later(limits.seconds + 5, exit=True, file=quiet)
        try:
            answer = work(task)
        except KeyboardInterrupt:
            return
        except Exception as fault:
            answer = fault
        faulthandler.cancel_dump_traceback_later()
        try:
            connection.send(answer)
        except (OSError, KeyboardInterrupt):
            return


def _limit(memory: int) -> None:
    """Let the system refuse memory beyond the limit where it can; elsewhere the parent watches alone."""
    try:
        import resource
    except ImportError:
        return
    if hasattr(resource, "RLIMIT_DATA"):
        resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
