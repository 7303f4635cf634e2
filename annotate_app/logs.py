"""The server's log: one JSON line per event in `logs/serve.log`, made for machines and safe to pass on."""

from __future__ import annotations

import contextlib
import logging
from typing import TextIO, cast

import structlog

from workspace.settings import Workspace


class Patient:
    """A log file whose lines are dropped while the disk takes none: serving goes on."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write, or drop."""
        with contextlib.suppress(OSError):
            return self.stream.write(text)
        return 0

    def flush(self) -> None:
        """Flush, or leave it for later."""
        with contextlib.suppress(OSError):
            self.stream.flush()


def start_log(workspace: Workspace) -> None:
    """Write the log of this process to the workspace; several processes append to one file."""
    workspace.logs.mkdir(parents=True, exist_ok=True)
    stream: TextIO = (workspace.logs / "serve.log").open("a", encoding="utf-8", buffering=1)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, Patient(stream))),
        cache_logger_on_first_use=True,
    )
