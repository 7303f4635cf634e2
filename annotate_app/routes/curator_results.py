"""Results: opinion scores with intervals, plots with their tables, one image beside its votes, exports and the report as jobs."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse
from sqlmodel import Session, col, select

from annotate_app.pages import PAGE_HEADERS, render
from annotate_app.results import study_data
from annotate_app.roster import csv_text
from annotate_app.routes.curator import Filled, here
from annotate_app.routes.curator_board import may_see_scores, study_named
from annotate_app.studies import frozen_file
from db.engine import reading
from db.models import Stimulus, Study, StudyStimulus
from db.queries import audit, jobs
from db.queries import studies as queries
from mos.exports.formats import FORMATS
from mos.exports.study import StudyData
from mos.report_html import data_uri
from mos.scores import score_table
from workspace.errors import UsageFault

router = APIRouter(prefix="/c")
SORTS = ("stimulus", "content", "n", "mos", "sd", "dmos")
COLUMNS = ("stimulus", "panel", "content", "n", "n_simulated", "mos", "sd", "ci95_low", "ci95_high", "dmos")
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
        data = study_data(session, request.app.state.workspace, name) if version and shown else None
    chosen = _chosen(data, panel, question) if data is not None and len(data.votes) else None
    parts: dict[str, Any] = {"sections": [], "rows": [], "pages": 1, "found": 0}
    if data is not None and chosen is not None:
        parts = _parts(data, *chosen, sort, down == "yes", page)
    return render(
        request, "curator/results.html", curator=request.state.curator, study=study, version=version, shown=shown, data=data,
        groups=data.groups() if data is not None else [], chosen=chosen, sort=sort, down=down, page=page, formats=FORMATS.values(),
        data_uri=data_uri, sorts=SORTS, **parts,
    )  # fmt: skip


@router.get("/studies/{name}/results.csv")
def results_csv(
    request: Request, name: str, panel: str = "", question: str = "", sort: str = "stimulus", down: str = ""
) -> Response:
    """The table of images as it is seen, whole."""
    with reading(request.app.state.engine) as session:
        study = _open_results(session, request, name)
        data = study_data(session, request.app.state.workspace, study.name)
    chosen = _chosen(data, panel, question)
    rows = _table(data, *chosen, sort, down == "yes") if chosen else []
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="scores.csv"'}
    return Response("\ufeff" + csv_text(COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/studies/{name}/results/{stimulus}")
def image_page(request: Request, name: str, stimulus: str) -> Response:
    """One image beside its votes."""
    with reading(request.app.state.engine) as session:
        study = _open_results(session, request, name)
        data = study_data(session, request.app.state.workspace, study.name)
    row = data.stimuli.loc[data.stimuli["stimulus"] == stimulus]
    if row.empty:
        raise HTTPException(404, f"the study {name!r} rates no image {stimulus[:60]!r}")
    low, high = (int(end) for end in data.scale(data.main_question))
    votes = data.select(question=data.main_question)
    mine = votes.loc[(votes["stimulus"] == stimulus) & (votes["rep"] == 0)]
    counts = Counter(int(score) for score in mine["score"])
    scores = [one for one in _table(data, None, data.main_question, "stimulus", False) if one["stimulus"] == stimulus]
    bars = [(value, counts[value]) for value in range(low, high + 1)] if high - low <= 20 else sorted(counts.items())
    return render(
        request, "curator/image.html", curator=request.state.curator, study=study, stimulus=stimulus,
        info={key: str(value) for key, value in row.iloc[0].items() if key not in ("file", "sha256", "stimulus")}, bars=bars,
        scores=scores, simulated=int(mine["simulated"].sum()), votes=len(mine),
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


def _open_results(session: Session, request: Request, name: str) -> Study:
    study = study_named(session, name)
    queries.frozen_version(session, study)
    if not may_see_scores(session, study, request.state.curator):
        raise HTTPException(403, f"the scores of {name!r} are hidden until the study is closed")
    session.expunge(study)
    return study


def _chosen(data: StudyData, panel: str, question: str) -> tuple[str | None, str] | None:
    """The panel and question wanted, else the main question over the first panel that has votes; None without votes on a scale."""
    groups = data.groups()
    if (panel, question) in groups:
        return panel, question
    return next((pair for pair in groups if pair[1] == data.main_question), groups[0] if groups else None)


def _parts(data: StudyData, panel: str | None, question: str, sort: str, down: bool, page: int) -> dict[str, Any]:
    from mos.report_results import conditions, scores

    votes = data.as_votes(panel, question)
    badge = "SIMULATED" if data.simulated else ""
    rows = _table(data, panel, question, sort, down)
    return {
        "sections": [scores(votes, "", badge), conditions(votes, "", badge)], "rows": rows[(page - 1) * SIZE : page * SIZE],
        "pages": max(1, -(-len(rows) // SIZE)), "found": len(rows),
    }  # fmt: skip


def _table(data: StudyData, panel: str | None, question: str, sort: str, down: bool) -> list[dict[str, Any]]:
    table = score_table(data.as_votes(panel, question))
    table = table.loc[table["n"] > 0]
    if sort in SORTS and sort in table.columns:
        table = table.sort_values(sort, ascending=not down, kind="stable")
    kept = [column for column in COLUMNS if column in table.columns]
    return [{str(k): None if pd.isna(v) else v for k, v in row.items()} for row in table[kept].to_dict("records")]
