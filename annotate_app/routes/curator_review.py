"""The review: observers judged blind, decisions with reasons, each one reversible; raw rows never change."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from annotate_app import review
from annotate_app.pages import render
from annotate_app.results import study_data
from annotate_app.routes.curator import Filled, here
from annotate_app.routes.curator_board import study_named
from db.engine import reading
from db.queries import audit
from db.queries import studies as queries
from mos.screening import RULES
from workspace.errors import UsageFault

router = APIRouter(prefix="/c")


@router.get("/studies/{name}/review")
def review_page(request: Request, name: str, show: str = "") -> Response:
    """Every observer who voted, under a label; `show=proposed` those whom a rule proposes to exclude."""
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
        rows = []
        if version is not None:
            data = study_data(session, request.app.state.workspace, name, screened=False)
            rows = review.review_rows(session, request.app.state.key, version, data)
        two = review.two_persons(version.protocol) if version else False
        chosen = [row for row in rows if show != "proposed" or row["proposed"]]
        return render(
            request, "curator/review.html", curator=request.state.curator, study=study, version=version, rows=chosen, rules=list(RULES),
            everybody=len(rows), show=show, two=two, proposed=sum(1 for row in rows if row["proposed"]),
            excluded=sum(1 for row in rows if row["standing"].excluded), simulated=bool(rows and data.simulated),
        )  # fmt: skip


@router.post("/studies/{name}/review/{label}")
async def decide(request: Request, name: str, label: str, form: Filled) -> Response:
    """Keep or exclude an observer's votes, with a reason; the rules' proposals at that moment are kept with it."""
    who, key, verdict = request.state.curator, request.app.state.key, form.one("verdict")
    known = [rule for rule in form.one("proposed").split(",") if rule in RULES]

    def work(db: Session) -> None:
        study = study_named(db, name)
        version = queries.frozen_version(db, study)
        if study.state == "draft":
            raise UsageFault("a draft has no observers to judge")
        observer = review.find_labelled(db, key, version, label)
        rules = {"proposed": known, "version": version.version, "protocol": version.sha256}
        review.decide(db, observer, who.id, verdict, form.one("reason"), rules)
        audit.append(db, f"observer judged: {verdict}", curator_id=who.id, object_kind="observer", object_id=observer.id,
                     detail={"study": study.id, "proposed": known})  # fmt: skip

    await request.app.state.writer.call(work)
    return here(request, f"/c/studies/{name}/review")
