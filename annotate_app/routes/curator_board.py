"""A study's day: numbers that renew themselves by polling; scores stay hidden until closing unless opened with a reason."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from sqlmodel import Session, col, select

from annotate_app import summary
from annotate_app.access import WRITERS
from annotate_app.curators import SignedIn
from annotate_app.offers import offered
from annotate_app.pages import render
from annotate_app.routes.curator import Filled, here
from annotate_app.tally import Tally
from db.engine import reading
from db.models import Audit, Study, StudyVersion
from db.queries import audit
from db.queries import studies as queries
from workspace.errors import StudyFault, UsageFault

router = APIRouter(prefix="/c")
OPENED = "scores opened before closing"
KEPT_S = 5.0
LEAST_REASON = 10


@router.get("/studies/{name}")
def board_page(request: Request, name: str) -> Response:
    """What a study is at, and its main action."""
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
        values = day(request, session, study, version) if version else None
        may = may_see_scores(session, study, request.state.curator)
        more = offered(session, study, version) if request.state.curator.role in WRITERS else {}
    return render(
        request, "curator/board.html", curator=request.state.curator, study=study, version=version, day=values, may_see=may, **more
    )  # fmt: skip


@router.get("/studies/{name}/live")
def live_part(request: Request, name: str) -> Response:
    """The numbers alone, for the page's polling."""
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
        if version is None:
            raise HTTPException(404, f"the study {name!r} is not frozen yet")
        values = day(request, session, study, version)
    return render(request, "curator/board_live.html", study=study, day=values)


@router.post("/studies/{name}/scores")
async def open_scores(request: Request, name: str, form: Filled) -> Response:
    """Let this curator see the scores before closing; the reason goes into the audit trail."""
    reason, who = " ".join(form.one("reason").split())[:500], request.state.curator
    if len(reason) < LEAST_REASON:
        raise UsageFault(f"opening the scores early asks for a reason of {LEAST_REASON} characters or more: nothing was opened")

    def work(db: Session) -> None:
        study = queries.named(db, name)
        audit.append(db, OPENED, curator_id=who.id, object_kind="study", object_id=study.id, detail={"reason": reason})

    await request.app.state.writer.call(work)
    return here(request, f"/c/studies/{name}/results")


def study_named(session: Session, name: str) -> Study:
    """The study, or a 404 that names the nearest one."""
    try:
        return queries.named(session, name)
    except StudyFault as fault:
        raise HTTPException(404, str(fault)) from None


def may_see_scores(session: Session, study: Study, who: SignedIn) -> bool:
    """Whether scores are shown: the study is closed, or this curator has opened them with a reason; a reviewer never before."""
    if study.state == "closed":
        return True
    if who.role == "reviewer":
        return False
    query = select(Audit.id).where(
        Audit.action == OPENED, Audit.curator_id == who.id, Audit.object_kind == "study", col(Audit.object_id) == study.id
    )  # fmt: skip
    return session.exec(query).first() is not None


def day(request: Request, session: Session, study: Study, version: StudyVersion) -> dict[str, Any]:
    """The board's numbers with their `age` in seconds: the worker's, or counted here where there are none that are new enough."""
    assert version.id is not None
    made = summary.kept(session, version.id)
    if made is not None:
        return {**made[0], "age": round(made[1])}
    kept: dict[tuple[int, str], tuple[float, dict[str, Any]]] = request.app.state.__dict__.setdefault("days", {})
    key = (version.id, study.state)
    if key not in kept or time.monotonic() - kept[key][0] >= KEPT_S:
        tallies: dict[int, Tally] = request.app.state.__dict__.setdefault("tallies", {})
        values = summary.summarise(session, study, version, tallies.setdefault(version.id, Tally(version.id)))
        kept[key] = (time.monotonic(), values)
    return {**kept[key][1], "age": round(time.monotonic() - kept[key][0])}
