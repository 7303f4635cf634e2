"""The review: observers judged blind, decisions with reasons, each one reversible; raw rows never change."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from annotate_app import review
from annotate_app.counted import Counted, review_of
from annotate_app.pages import PAGE_HEADERS, render
from annotate_app.review_table import COLUMNS, SHOWN, View, csv_rows, seen
from annotate_app.roster import csv_text
from annotate_app.routes.curator import Filled, here
from annotate_app.routes.curator_board import study_named
from db.engine import reading
from db.models import StudyVersion
from db.queries import audit
from db.queries import studies as queries
from mos.screening import RULES
from workspace.errors import UsageFault

router = APIRouter(prefix="/c")
SIZE = 200
Page = Annotated[int, Query(ge=1, le=10_000)]


def view_of(show: str = "all", panel: str = "", sort: str = "observer", down: str = "") -> View:
    """What an address wants to see."""
    return View(show if show in SHOWN else "all", panel[:60], sort[:20], "yes" if down == "yes" else "")


Wanted = Annotated[View, Depends(view_of)]


@router.get("/studies/{name}/review")
def review_page(request: Request, name: str, view: Wanted, page: Page = 1) -> Response:
    """Every observer who voted, under a label, a page at a time; filters and order stand in the address."""
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
        rows, simulated, counted, large = _rows(request, session, name, version)
        shown = seen(rows, view)
        pages = max(1, -(-len(shown) // SIZE))
        page = min(page, pages)
        return render(
            request, "curator/review.html", curator=request.state.curator, study=study, version=version,
            rows=shown[(page - 1) * SIZE : page * SIZE], page=page, pages=pages, counted=counted, large=large, rules=list(RULES),
            columns=COLUMNS, shown=SHOWN, view=view, panels=sorted({row["panel"] for row in rows}), everybody=len(rows),
            two=review.two_persons(version.protocol) if version else False, proposed=sum(1 for row in rows if row["proposed"]),
            excluded=sum(1 for row in rows if row["standing"].excluded), simulated=simulated,
        )  # fmt: skip


@router.get("/studies/{name}/review.csv")
def review_csv(request: Request, name: str, view: Wanted) -> Response:
    """The table as it is seen, as CSV."""
    with reading(request.app.state.engine) as session:
        version = queries.latest_version(session, study_named(session, name))
        rows = _rows(request, session, name, version)[0]
        heads, lines = csv_rows(seen(rows, view))
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="review.csv"'}
    return Response("\ufeff" + csv_text(heads, lines), media_type="text/csv; charset=utf-8", headers=headers)


def _rows(
    request: Request, session: Session, name: str, version: StudyVersion | None
) -> tuple[list[dict[str, Any]], bool, Counted | None, bool]:
    """The review's rows, whether votes of model observers are among them, the count that they come from, and whether the study is
    so large that the worker counts it."""
    if version is None:
        return [], False, None, False
    found = review_of(session, request.app.state.workspace, name, version)
    if found is None:
        return [], False, None, True
    judged, simulated, counted = found
    return review.review_rows(session, request.app.state.key, version, judged), simulated, counted, counted is not None


@router.post("/studies/{name}/review/{label}")
async def decide(request: Request, name: str, label: str, form: Filled, view: Wanted) -> Response:
    """Keep or exclude an observer's votes, with a reason; the rules' proposals at that moment are kept with it. Back to the same view."""
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
    return here(request, f"/c/studies/{name}/review" + (f"?{view.query()}" if view.query() else ""))
