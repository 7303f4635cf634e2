"""A study's plan after freezing: more places for observers, and gold values from a pilot; both are done by the worker."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from annotate_app.routes.curator import Filled, here
from annotate_app.routes.forms import Form
from annotate_app.top_up import MOST_ROWS
from db.queries import audit, jobs
from db.queries import studies as queries
from workspace.errors import StudyFault, UsageFault

router = APIRouter(prefix="/c")
MOST_VOTES = 1000


@router.post("/studies/{name}/rows")
async def add_rows(request: Request, name: str, form: Filled) -> Response:
    """Add places to a panel, as a job; pressed twice, or after somebody else, nothing is added beyond what the page showed."""
    who, panel = request.state.curator, form.one("panel")
    rows, after = _whole(form, "rows", 1, MOST_ROWS, "places"), _whole(form, f"after-{panel}", 0, MOST_ROWS, "rows as they were")

    def work(db: Session) -> None:
        study = queries.named(db, name)
        chosen = queries.panel_named(db, queries.frozen_version(db, study), panel).name
        said = {"study": name, "panel": chosen, "rows": rows, "after": after, "curator_id": who.id}
        jobs.enqueue(db, "top_up", said, curator_id=who.id)
        detail = {"panel": chosen, "rows": rows}
        audit.append(db, "places asked for", curator_id=who.id, object_kind="study", object_id=study.id, detail=detail)

    await request.app.state.writer.call(work)
    return here(request, "/c/jobs")


@router.post("/studies/{name}/gold")
async def take_gold(request: Request, name: str, form: Filled) -> Response:
    """Take what gold images are expected to get from a pilot, as a job; it goes into the draft, not into what is frozen."""
    who, pilot = request.state.curator, form.one("pilot")
    least = _whole(form, "least", 2, MOST_VOTES, "votes")

    def work(db: Session) -> None:
        study = queries.named(db, name)
        queries.frozen_version(db, queries.named(db, pilot))
        if study.state == "open":
            raise StudyFault(f"the study {name!r} is open: close it first; a change after freezing makes a new version")
        said = {"study": name, "pilot": pilot, "least": least, "curator_id": who.id}
        jobs.enqueue(db, "gold", said, curator_id=who.id)
        detail = {"pilot": pilot, "least": least}
        audit.append(db, "gold values asked for", curator_id=who.id, object_kind="study", object_id=study.id, detail=detail)

    await request.app.state.writer.call(work)
    return here(request, "/c/jobs")


def _whole(form: Form, name: str, least: int, most: int, what: str) -> int:
    said = form.one(name).strip()
    if not said.isascii() or not said.isdigit() or not least <= int(said[:9]) <= most:
        raise UsageFault(f"{said[:40]!r} {what}: a whole number from {least} to {most} was expected; nothing was done")
    return int(said)
