"""Results: opinion scores with intervals, plots with their tables, one image beside its votes, exports and the report as jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse
from sqlmodel import Session, col, select

from annotate_app.counted import image_scores, results, votes_on
from annotate_app.pages import PAGE_HEADERS, render
from annotate_app.results import stimulus_table
from annotate_app.roster import csv_text
from annotate_app.routes.curator import Filled, here
from annotate_app.routes.curator_board import may_see_scores, study_named
from annotate_app.scores_page import COLUMNS, ordered, rows_of
from annotate_app.studies import frozen_file
from annotate_app.summary import is_common
from db.engine import reading
from db.models import Stimulus, Study, StudyStimulus, StudyVersion
from db.queries import audit, jobs
from db.queries import studies as queries
from mos.exports.formats import FORMATS
from mos.report_html import data_uri
from workspace.errors import UsageFault

router = APIRouter(prefix="/c")
SIZE = 100
Page = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/studies/{name}/results")
def results_page(
    request: Request, name: str, panel: str = "", question: str = "", sort: str = "stimulus", down: str = "", page: Page = 1
) -> Response:
    """Distribution, variants and conditions, and the table of images; hidden until closing unless opened."""
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
        shown = may_see_scores(session, study, request.state.curator)
        found = results(session, request.app.state.workspace, name, version, panel, question) if version and shown else None
        large = version is not None and not is_common(session, version.id or 0)
    images = len(found.table) if found is not None else 0
    pages = max(1, -(-images // SIZE))
    page = min(page, pages)
    rows = rows_of(ordered(found.table, sort, down == "yes")[(page - 1) * SIZE : page * SIZE]) if found is not None else []
    return render(
        request, "curator/results.html", curator=request.state.curator, study=study, version=version, shown=shown, counted=found,
        large=large, sort=sort, down=down, page=page, pages=pages, rows=rows, found=images, formats=FORMATS.values(), data_uri=data_uri,
    )  # fmt: skip


@router.get("/studies/{name}/results.csv")
def results_csv(
    request: Request, name: str, panel: str = "", question: str = "", sort: str = "stimulus", down: str = ""
) -> Response:
    """The table of images as it is seen, whole."""
    with reading(request.app.state.engine) as session:
        _, version = _open_results(session, request, name)
        found = results(session, request.app.state.workspace, name, version, panel, question, plots=False)
    rows = rows_of(ordered(found.table, sort, down == "yes")) if found is not None else []
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="scores.csv"'}
    return Response("\ufeff" + csv_text(COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/studies/{name}/results/{stimulus}")
def image_page(request: Request, name: str, stimulus: str) -> Response:
    """One image beside its votes."""
    with reading(request.app.state.engine) as session:
        study, version = _open_results(session, request, name)
        info = stimulus_table(session, request.app.state.workspace, name, version, only=stimulus).to_dict("records")
        if not info:
            raise HTTPException(404, f"the study {name!r} rates no image {stimulus[:60]!r}")
        scores = image_scores(session, request.app.state.workspace, name, version, stimulus)
        bars = votes_on(session, version, stimulus)
    return render(
        request, "curator/image.html", curator=request.state.curator, study=study, stimulus=stimulus,
        info={str(key): str(value) for key, value in info[0].items() if key not in ("file", "sha256", "stimulus")},
        bars=[(value, people) for value, people, _ in bars], scores=scores, votes=sum(people for _, people, _ in bars),
        simulated=sum(simulated for _, _, simulated in bars),
    )  # fmt: skip


@router.get("/studies/{name}/images/{stimulus}")
def frozen_image(request: Request, name: str, stimulus: str) -> Response:
    """A study's frozen file of an image."""
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
        query = select(StudyStimulus.file).join(Stimulus, col(Stimulus.id) == StudyStimulus.stimulus_id)
        file = session.exec(
            query.where(StudyStimulus.version_id == (version.id if version else 0), Stimulus.name == stimulus)
        ).first()
    if file is None:
        raise HTTPException(404, "there is no such image")
    return FileResponse(frozen_file(request.app.state.workspace, name, file), media_type="image/png", headers=PAGE_HEADERS)


@router.post("/studies/{name}/results")
async def write_out(request: Request, name: str, form: Filled) -> Response:
    """Write an export or the report, as a job."""
    who, kind, wanted = request.state.curator, form.one("kind"), form.one("format")
    if kind not in ("export", "report") or (kind == "export" and wanted not in FORMATS):
        raise UsageFault(f"{wanted[:40]!r} can't be written; there are: {', '.join(FORMATS)}")

    def work(db: Session) -> None:
        study = queries.named(db, name)
        queries.frozen_version(db, study)
        if not may_see_scores(db, study, who):
            raise UsageFault(f"the scores of {name!r} are hidden until it is closed: close it, or open them with a reason")
        arguments = {"study": name, **({"format": wanted} if kind == "export" else {})}
        jobs.enqueue(db, kind, arguments, curator_id=who.id)
        audit.append(
            db, f"{kind} asked for", curator_id=who.id, object_kind="study", object_id=study.id, detail={"format": wanted}
        )

    await request.app.state.writer.call(work)
    return here(request, "/c/jobs")


@router.post("/studies/{name}/count")
async def count_again(request: Request, name: str, form: Filled) -> Response:
    """Count the results and the review of a large study, as a job."""
    who = request.state.curator

    def work(db: Session) -> None:
        study = queries.named(db, name)
        queries.frozen_version(db, study)
        jobs.enqueue(db, "count", {"study": name}, curator_id=who.id)
        audit.append(db, "counting asked for", curator_id=who.id, object_kind="study", object_id=study.id)

    await request.app.state.writer.call(work)
    return here(request, "/c/jobs")


def _open_results(session: Session, request: Request, name: str) -> tuple[Study, StudyVersion]:
    study = study_named(session, name)
    version = queries.frozen_version(session, study)
    if not may_see_scores(session, study, request.state.curator):
        raise HTTPException(403, f"the scores of {name!r} are hidden until the study is closed")
    session.expunge(study)
    return study, version
