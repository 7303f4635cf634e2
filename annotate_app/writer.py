"""The one writer: a thread that takes whatever waits, writes it in one transaction, and answers after the commit.

SQLite has one writer at a time anyhow; putting many votes into one commit makes synchronous=FULL cheap. With PostgreSQL each
server process has a writer of its own, and the database's row locks and unique constraints keep them apart.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlmodel import Session

from annotate_app.sequence import Sequences
from annotate_app.votes import Vote, store
from workspace.errors import DatabaseFault, VoteRefused

Result = TypeVar("Result")
Work = Callable[[Session], Any]
Item = tuple[Vote | Work, "asyncio.Future[Any]", asyncio.AbstractEventLoop]
MOST = 400
MOST_CALLS = 16


class Writer:
    """Start it with `with Writer(engine) as writer`; `vote` and `call` are awaited from the event loop."""

    def __init__(self, engine: Engine, sequences: Sequences | None = None) -> None:
        self.engine = engine.execution_options(dermiqa_write=True)
        self.sequences = sequences or Sequences()
        self.queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.batches = 0

    def __enter__(self) -> Writer:
        self.thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.queue.put(None)
        self.thread.join(timeout=30)

    async def vote(self, vote: Vote) -> str:
        """Store a vote; gives the JSON answer once it is committed. Raises VoteRefused, or DatabaseFault when nothing was stored."""
        answer = await self._put(vote)
        if isinstance(answer, VoteRefused):
            raise answer
        return str(answer)

    async def call(self, work: Callable[[Session], Result]) -> Result:
        """Run `work(session)` in the writer's next transaction; what it raises undoes its own changes alone."""
        result: Result = await self._put(work)
        return result

    def _put(self, what: Vote | Work) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.queue.put((what, future, loop))
        return future

    def _run(self) -> None:
        stop = False
        while not stop:
            items, stop = self._gather()
            if items:
                self._write(items)

    def _gather(self) -> tuple[list[Item], bool]:
        """What waits, in order, and whether the end has come. Few calls at a time: they take long, and the votes beside them wait."""
        items: list[Item] = []
        calls = 0
        while len(items) < MOST and calls < MOST_CALLS:
            try:
                item = self.queue.get_nowait() if items else self.queue.get()
            except queue.Empty:
                break
            if item is None:
                return items, True
            items.append(item)
            calls += not isinstance(item[0], Vote)
        return items, False

    def _write(self, items: list[Item]) -> None:
        """One transaction for all; where that fails, one for each, so that a bad one hurts nobody else.

        A database that is locked, full or gone fails for all alike: nobody waits for the others' tries.
        """
        self.batches += 1
        try:
            results = self._transaction(items)
        except OperationalError as fault:
            results = [_as_fault(fault) for _ in items]
        except Exception as fault:
            results = [_as_fault(fault)] if len(items) == 1 else [self._alone(item) for item in items]
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for (_, future, loop), result in zip(items, results, strict=True):
            by_loop.setdefault(loop, []).append((future, result))
        for loop, pairs in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, pairs)

    def _alone(self, item: Item) -> Any:
        try:
            return self._transaction([item])[0]
        except Exception as fault:
            return _as_fault(fault)

    def _transaction(self, items: list[Item]) -> list[Any]:
        results: list[Any] = [None] * len(items)
        with self.engine.begin() as connection:
            for place, (what, _, _) in enumerate(items):
                if not isinstance(what, Vote):
                    results[place] = _call(connection, what)
            votes = [(place, what) for place, (what, _, _) in enumerate(items) if isinstance(what, Vote)]
            if votes:
                answers = store(connection, [vote for _, vote in votes], self.sequences)
                for (place, _), answer in zip(votes, answers, strict=True):
                    results[place] = answer
        return results


def _call(connection: Connection, work: Work) -> Any:
    """Run work in a savepoint of its own; database faults go on to the caller, who tries each item alone."""
    session = Session(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
    try:
        result = work(session)
        session.commit()
        return result
    except SQLAlchemyError:
        session.rollback()
        raise
    except Exception as fault:
        session.rollback()
        return _Raised(fault)
    finally:
        session.close()


class _Raised:
    """An error to be raised where the work was asked for."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault


def _as_fault(fault: Exception) -> _Raised:
    if isinstance(fault, SQLAlchemyError):
        reason = str(getattr(fault, "orig", None) or fault).strip().splitlines()[0]
        return _Raised(DatabaseFault(f"the database did not take this now ({reason}): nothing was stored, try again"))
    return _Raised(fault)


def _resolve(pairs: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in pairs:
        if future.done():
            continue
        if isinstance(result, _Raised):
            future.set_exception(result.fault)
        else:
            future.set_result(result)
