"""The server's log: one JSON line per event in `logs/serve.log`, made for machines and safe to pass on."""

from __future__ import annotations

import logging
from typing import TextIO

import structlog

from workspace.settings import Workspace


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
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
