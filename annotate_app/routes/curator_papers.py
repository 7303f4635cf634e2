"""Papers for the boards as pages to print; they carry a mark until the study is frozen."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from annotate_app import studies
from annotate_app.pages import render
from annotate_app.papers import PAPERS, Subject
from annotate_app.protocol import DRAFT, complete_draft
from annotate_app.routes.curator_board import study_named
from db.engine import reading
from db.models import Study, StudyVersion
from db.queries import studies as queries
from workspace.errors import DermiqaError
from workspace.settings import Workspace

router = APIRouter(prefix="/c")


@router.get("/studies/{name}/papers")
def papers_page(request: Request, name: str) -> Response:
    """The list of papers, of the frozen version and, where it differs, of the draft."""
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
        differs = version is not None and changed_since(study, version)
    return render(
        request, "curator/papers.html", curator=request.state.curator, study=study, version=version, differs=differs,
        papers=[(key, title) for key, (title, _) in PAPERS.items()],
    )  # fmt: skip


@router.get("/studies/{name}/papers/{paper}")
def paper_page(request: Request, name: str, paper: str, of: str = "") -> Response:
    """One paper, of the newest frozen version or (`of=draft`, or nothing frozen) of the draft."""
    if paper not in PAPERS:
        raise HTTPException(404, f"there is no such paper; there are: {', '.join(PAPERS)}")
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
    title, make = PAPERS[paper]
    subject, fault = subject_of(request.app.state.workspace, study, None if of == "draft" else version)
    return render(
        request, "curator/paper.html", curator=request.state.curator, study=study, title=title, subject=subject, sections=make(subject),
        fault=fault,
    )  # fmt: skip


def subject_of(workspace: Workspace, study: Study, version: StudyVersion | None) -> tuple[Subject, str]:
    """What a paper is about, and why a draft's plan can't be made yet (empty: it can)."""
    if version is not None:
        return Subject(study.name, version.protocol, version.proof["panels"], version.version, version.sha256), ""
    draft = complete_draft(study.draft)
    try:
        return Subject(study.name, draft, studies.preview(workspace, draft).proofs), ""
    except DermiqaError as fault:
        return Subject(study.name, draft, ()), str(fault)


def changed_since(study: Study, version: StudyVersion) -> bool:
    """Whether the draft differs from what was frozen last."""
    draft = complete_draft(study.draft)
    return any(draft[key] != version.protocol.get(key) for key in DRAFT if key != "seed")
