"""The study wizard's pages: a new study, one page for each step, the preview with its proof, freezing as a job, open, close, copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from annotate_app import studies, wizard
from annotate_app.curators import SignedIn
from annotate_app.identity import unconfirmed
from annotate_app.pages import render
from annotate_app.protocol import complete_draft
from annotate_app.routes.curator import Filled, here
from annotate_app.summary import is_common
from annotate_app.wizard_forms import WrongField
from db.engine import reading
from db.models import Study
from db.queries import audit, jobs
from db.queries import studies as queries
from workspace.errors import DermiqaError, StudyFault, UsageFault
from workspace.manifest import read_manifest
from workspace.settings import Workspace
from workspace.sources import read_sources

router = APIRouter(prefix="/c")
LOOKED_AT = 200_000


@router.get("/new-study")
def new_page(request: Request) -> Response:
    """The form for a new study's name."""
    return render(request, "curator/study_new.html", curator=request.state.curator, name="", fault="")


@router.post("/new-study")
async def new(request: Request, form: Filled) -> Response:
    """Make a draft and go to the wizard's first step."""
    name, who, recipe = form.one("name").strip(), request.state.curator, request.app.state.workspace.settings.recipe
    try:
        await request.app.state.writer.call(lambda db: _made(db, studies.create(db, name, recipe=recipe), "study made", who))
    except StudyFault as fault:
        return render(
            request, "curator/study_new.html", status=422, curator=who, name=name, fault=str(fault)
        )  # fmt: skip
    return here(request, f"/c/studies/{name}/setup/{wizard.NAMES[0]}")


@router.get("/studies/{name}/setup/{step}")
def step_page(request: Request, name: str, step: str) -> Response:
    """A step's form, or the last page before freezing."""
    study = _study(request, name)
    return _freeze_page(request, study) if step == wizard.FREEZE else _step(request, study, step)


@router.post("/studies/{name}/setup/{step}")
async def step_save(request: Request, name: str, step: str, form: Filled) -> Response:
    """Keep a step and go to the next one; what can't be taken is said beside its cell and nothing typed is lost."""
    who = request.state.curator
    if step == wizard.FREEZE:
        return await _freeze(request, name, form.one("confirm"))

    def work(db: Session) -> None:
        study = queries.named(db, name)
        said = wizard.step_named(step).read(complete_draft(study.draft), form.fields)
        _made(db, studies.change(db, name, **said), "study changed", who, step=step)

    try:
        await request.app.state.writer.call(work)
    except StudyFault as fault:
        study = await run_in_threadpool(_study, request, name)
        return await run_in_threadpool(_step, request, study, step, form.fields, fault)
    goal = step if form.one("then") == "stay" else wizard.following(step)
    return here(request, f"/c/studies/{name}/setup/{goal}")


@router.post("/studies/{name}/state")
async def change_state(request: Request, name: str, form: Filled) -> Response:
    """Open, close (its name typed) or copy a study."""
    who, action, new_name = request.state.curator, form.one("action"), form.one("new_name").strip()

    def work(db: Session) -> str:
        if action == "open":
            _made(db, studies.open_study(db, name), "study opened", who)
        elif action == "close":
            _require_name(name, form.one("confirm"), "closing")
            _made(db, closed := studies.close_study(db, name), "study closed", who)
            _count_large(db, closed, who)
        elif action == "copy":
            _made(db, studies.copy(db, name, new_name), "study made", who, copied="yes")
            return f"/c/studies/{new_name}/setup/{wizard.NAMES[0]}"
        else:
            raise UsageFault(f"{action!r} can't be done with a study")
        return f"/c/studies/{name}"

    return here(request, await request.app.state.writer.call(work))


def _count_large(db: Session, study: Study, who: SignedIn) -> None:
    """A closed study that is too large for its pages to count is counted by the worker at once."""
    version = queries.latest_version(db, study)
    if version is not None and not is_common(db, version.id or 0):
        jobs.enqueue(db, "count", {"study": study.name}, curator_id=who.id)


def _require_name(name: str, typed: str, what: str) -> None:
    if typed.strip() != name:
        raise UsageFault(f"{what} asks for the study's name: {name!r} was expected, {typed[:60]!r} was typed; nothing was done")


def _made(db: Session, study: Study, action: str, who: SignedIn, **detail: Any) -> None:
    audit.append(db, action, curator_id=who.id, object_kind="study", object_id=study.id, detail=detail)


async def _freeze(request: Request, name: str, typed: str) -> Response:
    who = request.state.curator

    def work(db: Session) -> None:
        study = queries.named(db, name)
        _require_name(name, typed, "freezing")
        jobs.enqueue(db, "freeze", {"study": name, "curator_id": who.id}, curator_id=who.id)
        _made(db, study, "freezing asked for", who)

    await request.app.state.writer.call(work)
    return here(request, "/c/jobs")


def _study(request: Request, name: str) -> Study:
    with reading(request.app.state.engine) as session:
        try:
            study = queries.named(session, name)
        except StudyFault as fault:
            raise HTTPException(404, str(fault)) from None
        session.expunge(study)
        return study


def _step(
    request: Request, study: Study, name: str, typed: Mapping[str, list[str]] | None = None, fault: StudyFault | None = None
) -> Response:
    try:
        step = wizard.step_named(name)
    except UsageFault as unknown:
        raise HTTPException(404, str(unknown)) from None
    draft = complete_draft(study.draft)
    values = step.show(draft)
    if typed is not None:
        values |= {key: list(said) if isinstance(values.get(key), list) else said[0] for key, said in typed.items() if said}
    workspace = request.app.state.workspace
    return render(
        request, "curator/wizard.html", status=200 if fault is None else 422, curator=request.state.curator, study=study, step=step,
        steps=wizard.STEPS, fields=step.fields(draft), values=values, fault=str(fault or ""),
        wrong=fault.field if isinstance(fault, WrongField) else "", recipes=_recipes(workspace, draft["recipe"]),
        looked=_preview(workspace, draft) if name in ("images", "design") else None,
    )  # fmt: skip


def _recipes(workspace: Workspace, now: str) -> list[str]:
    return sorted({row["recipe"] for row in read_manifest(workspace)} - {""} | {now})


def _preview(workspace: Workspace, draft: dict[str, Any]) -> dict[str, Any]:
    """The plan's proof for people, or the line that says why there is none yet."""
    try:
        looked = studies.preview(workspace, draft, LOOKED_AT)
    except DermiqaError as fault:
        return {"fault": str(fault)}
    rated = {c.image.content for c in looked.chosen if c.image.role in ("test", "reference", "anchor")}
    every = {c.image.content for c in looked.chosen}
    unsure = {c.row["pristine"] for c in looked.chosen} & set(unconfirmed(workspace, read_sources(workspace)))
    return {
        "fault": "", "proofs": looked.proofs, "violations": looked.violations, "unmade": looked.unmade, "rated": len(rated),
        "reserved": len(every - rated), "images": studies.rated_count([c.image for c in looked.chosen]), "seed": looked.seed,
        "unsure": len(unsure),
    }  # fmt: skip


def _freeze_page(request: Request, study: Study) -> Response:
    draft = complete_draft(study.draft)
    with reading(request.app.state.engine) as session:
        version = queries.latest_version(session, study)
    return render(
        request, "curator/freeze.html", curator=request.state.curator, study=study, steps=wizard.STEPS, draft=draft,
        version=version.version if version else 0, looked=_preview(request.app.state.workspace, draft),
    )  # fmt: skip
