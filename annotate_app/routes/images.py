"""Pictures: only those that are due, the same headers for all, nothing that tells which is which."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from annotate_app.studies import frozen_file
from annotate_app.votes import LOST, SIGNED_OUT, position, read_places, sequence_of
from workspace.errors import VoteRefused

router = APIRouter()
HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@router.get("/image/{presentation}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def image(request: Request, presentation: str) -> Response:
    """The PNG of a presentation that is due now or among the next five; everything else is not there."""
    with request.app.state.engine.connect() as connection:
        rows = read_places(connection, {request.state.device})
        if not rows:
            raise VoteRefused(*SIGNED_OUT, status=401, code="signed_out")
        row = rows[0]
        if row.ended is not None:
            raise VoteRefused(*LOST, status=401, code="lost_session")
        due = []
        if row.session_id is not None and row.study_state == "open" and row.state == "active":
            sequence = sequence_of(connection, row, request.app.state.sequences)
            due = sequence.due(position(connection, row, sequence))
    for step in due:
        if step.token == presentation:
            path = frozen_file(request.app.state.workspace, row.study, step.file)
            return Response(path.read_bytes(), media_type="image/png", headers=HEADERS)
    raise VoteRefused("there is no such picture for this observer now", status=404, code="unknown")
