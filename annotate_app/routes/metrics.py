"""The page that Prometheus reads; mounted only where `dermiqa serve --metrics` was said."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Counters in Prometheus' text format."""
    body, media_type = request.app.state.metrics.page(request.app.state.writer.queue.qsize())
    return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
