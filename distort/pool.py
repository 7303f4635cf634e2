"""Where the work runs: in this process, in worker processes by joblib, or on a Dask cluster; always in the plan's order."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from workspace.errors import MissingExtra, WorkspaceFault

PATIENCE = "10s"
"""How long a Dask scheduler may take to answer."""

Item = TypeVar("Item")
Sent = TypeVar("Sent")
Answer = TypeVar("Answer")
Result = TypeVar("Result")


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread while the block runs: parallel work is done by processes."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _alone(work: Callable[[Item], Result], item: Item) -> Result:
    with one_thread():
        return work(item)


def on_processes(work: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Iterator[Result]:
    """`work` on every item by `jobs` spawned processes (1: in this one); items are drawn as they are needed.

    Raises WorkspaceFault when a worker process is killed from outside.
    """
    if jobs == 1:
        for item in items:
            yield _alone(work, item)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    pool = Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="3*n_jobs", batch_size=1)
    results = pool(delayed(_alone)(work, item) for item in items)
    try:
        for result in results:  # noqa: UP028  (`yield from` would close the pool, which warns, before `finally`)
            yield result
    except TerminatedWorkerError:
        raise WorkspaceFault(
            "a worker process was killed (out of memory?): the same command goes on where it stopped, try fewer --jobs"
        ) from None
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            results.close()


def on_dask(
    address: str,
    items: Iterable[Item],
    *,
    pack: Callable[[Item], Sent],
    needed: Callable[[Sent], bool],
    work: Callable[[Any], Answer],
    unpack: Callable[[Item, Sent, Answer | None], Result],
) -> Iterator[Result]:
    """`work` on a Dask cluster that need not see this disk: `pack` reads here, `unpack` writes here, in the items' order.

    What is not `needed` is not sent, its answer is None. Twice as many items as the cluster has threads are under way at
    once. Raises WorkspaceFault when the scheduler can't be reached or a task is lost, MissingExtra without Dask.
    """
    with _client(address) as client:
        width = max(2, 2 * sum(client.nthreads().values()))
        waiting: deque[tuple[Item, Sent, Any]] = deque()

        def oldest() -> Result:
            item, sent, future = waiting.popleft()
            return unpack(item, sent, None if future is None else _answer(future))

        for item in items:
            sent = pack(item)
            future = client.submit(_alone, work, sent, pure=False) if needed(sent) else None
            waiting.append((item, sent, future))
            if len(waiting) >= width:
                yield oldest()
        while waiting:
            yield oldest()


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtra("Dask", "dask") from None
    try:
        return Client(  # type: ignore[no-untyped-call]
            address, timeout=PATIENCE, set_as_default=False
        )
    except (OSError, TimeoutError, ValueError) as fault:
        raise WorkspaceFault(
            f"no Dask scheduler answers at {address} ({type(fault).__name__}): start one, or correct --dask"
        ) from None


def _answer(future: Any) -> Any:
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except (KilledWorker, CancelledError) as fault:
        raise WorkspaceFault(f"the Dask cluster lost a task ({fault}): see its logs; the same command goes on") from None
