"""Long work as pages: what runs, how far, how long still, cancel; pages only enqueue."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from sqlmodel import Session, select

from annotate_app.pages import render
from annotate_app.routes.curator import Filled, here
from db.engine import reading
from db.models import Job
from db.queries import audit, jobs
from db.types import now
from workspace.errors import UsageFault

router = APIRouter(prefix="/c")
NAMES = {
    "prepare": "Preparing photos",
    "distort": "Making variants",
    "freeze": "Freezing a study",
    "top_up": "Adding places",
    "gold": "Taking gold values from a pilot",
    "count": "Counting results and review",
    "export": "Writing an export",
    "report": "Writing the report",
    "backup": "Making a backup",
}
STARTED_HERE = ("distort", "backup")


@router.get("/jobs")
def jobs_page(request: Request) -> Response:
    """The newest jobs."""
    return render(
        request, "curator/jobs.html", curator=request.state.curator, jobs=_rows(request), started_here=STARTED_HERE, names=NAMES
    )


@router.get("/jobs/rows")
def jobs_rows(request: Request) -> Response:
    """The table's rows alone, for the page's polling."""
    return render(request, "curator/jobs_rows.html", curator=request.state.curator, jobs=_rows(request))


@router.post("/jobs")
async def start(request: Request, form: Filled) -> Response:
    """Start variants or a backup."""
    kind = form.one("kind")
    if kind not in STARTED_HERE:
        raise UsageFault(f"{kind!r} can't be started here")
    who = request.state.curator.id
    await request.app.state.writer.call(lambda db: _start(db, kind, who))
    return here(request, "/c/jobs")


@router.post("/jobs/{token}/cancel")
async def cancel(request: Request, token: str, form: Filled) -> Response:
    """Cancel a job; what it finished stays."""

    def work(db: Session) -> None:
        job = db.exec(select(Job).where(Job.token == token)).first()
        if job is None:
            raise HTTPException(404, "there is no such job")
        jobs.cancel(db, job)
        audit.append(db, "job cancelled", curator_id=request.state.curator.id, object_kind="job", object_id=job.id)

    await request.app.state.writer.call(work)
    return here(request, "/c/jobs")


def _start(db: Session, kind: str, who: int) -> None:
    job = jobs.enqueue(db, kind, {}, curator_id=who)
    audit.append(db, f"{kind} started", curator_id=who, object_kind="job", object_id=job.id)


def _rows(request: Request) -> list[dict[str, Any]]:
    with reading(request.app.state.engine) as session:
        return [_row(job) for job in jobs.recent(session)]


def _subject(job: Job) -> str:
    """What a job is about, in words."""
    said = job.arguments
    if "photos" in said:
        return f"{', '.join(said['photos'][:3])}{' ...' if len(said['photos']) > 3 else ''} once more"
    folder = str(said.get("folder") or "")
    return str(said.get("study") or ("what was uploaded" if folder.startswith("uploads/") else folder))


def _link(job: Job) -> tuple[str, str] | None:
    """Where what a finished job made is seen: the path and its words."""
    if job.state != "done":
        return None
    study = job.arguments.get("study")
    places = {
        "prepare": ("/c/collection", "See the collection"),
        "distort": ("/c/new-study", "Make a study"),
        "freeze": (f"/c/studies/{study}", "Go to the study"),
        "top_up": (f"/c/studies/{study}/observers", "Invite observers"),
        "gold": (f"/c/studies/{study}/setup/freeze", "Go on to freezing"),
        "count": (f"/c/studies/{study}/results", "See the results"),
        "export": (f"/c/studies/{study}/results", "Back to the results"),
        "report": (f"/c/studies/{study}/results", "Back to the results"),
    }
    return places.get(job.kind)


def _row(job: Job) -> dict[str, Any]:
    left = None
    if job.state == "running" and job.started and job.total and job.done:
        spent = (now() - job.started).total_seconds()
        left = round(spent / job.done * (job.total - job.done))
    return {
        "token": job.token,
        "name": NAMES.get(job.kind, job.kind),
        "of": _subject(job),
        "link": _link(job),
        "state": "cancelling" if job.cancel and job.state == "running" else job.state,
        "done": job.done,
        "total": job.total,
        "left": left,
        "message": job.message,
        "refused": job.result.get("refused", [])[:20],
        "created": job.created,
    }
