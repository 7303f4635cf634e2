"""Numbers for Prometheus: requests, times, votes and waiting work; no label ever holds a name, token or address."""

from __future__ import annotations

import os
from typing import Any

from workspace.errors import MissingExtra

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
MULTI = "PROMETHEUS_MULTIPROC_DIR"
VOTE_ROUTE = "/api/ratings/{presentation}"


class Metrics:
    """The counters of this process; with several processes (PROMETHEUS_MULTIPROC_DIR is set) a page shows the sum of all."""

    def __init__(self) -> None:
        try:
            import prometheus_client
        except ModuleNotFoundError:
            raise MissingExtra("the page of metrics", "metrics") from None
        self.client: Any = prometheus_client
        self.registry = prometheus_client.CollectorRegistry()
        self.requests = prometheus_client.Counter(
            "dermiqa_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = prometheus_client.Histogram(
            "dermiqa_request_seconds", "Time to answer.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self.votes = prometheus_client.Counter("dermiqa_votes", "Votes acknowledged.", registry=self.registry)
        self.waiting = prometheus_client.Gauge(
            "dermiqa_writer_waiting", "Writes that wait.", registry=self.registry, multiprocess_mode="livesum"
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is the template, never the address called."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        if route == VOTE_ROUTE and status == 200:
            self.votes.inc()

    def page(self, waiting: int) -> tuple[bytes, str]:
        """The numbers as text, and its media type; `waiting` writes wait in this process."""
        self.waiting.set(waiting)
        registry = self.registry
        if os.environ.get(MULTI):
            from prometheus_client import multiprocess

            registry = self.client.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return self.client.generate_latest(registry), str(self.client.CONTENT_TYPE_LATEST)
