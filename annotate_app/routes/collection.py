"""The collection's pages: the grid, bulk edits, grouping by subject, undo, the target, uploads, the variety of the selection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from annotate_app import collection, identity, uploads
from annotate_app.collection import SHOWN, Filter
from annotate_app.originals import waiting
from annotate_app.pages import PAGE_HEADERS, render
from annotate_app.roster import csv_text
from annotate_app.routes.curator import Filled, here
from annotate_app.routes.forms import form_of
from annotate_app.security import form_token_fits, new_secret
from db.queries import audit, jobs
from distort.intake import variety
from distort.intake.notes import read_measures
from workspace.errors import DermiqaError, UsageFault
from workspace.sources import read_sources

router = APIRouter(prefix="/c")
BULK = (
    "accepted",
    "subject",
    "source",
    "licence",
    "credit",
    "may_show",
    "may_alter",
    "may_redistribute",
    "body_site",
    "skin_tone",
)


SIZE = 100
Page = Annotated[int, Query(ge=1, le=10_000)]


def filter_of(show: str = "all", flag: str = "", source: str = "", subject: str = "", text: str = "", page: Page = 1) -> Filter:
    """The filter that an address says."""
    return Filter(show if show in SHOWN else "all", flag[:60], source[:200], subject[:200], text[:200], page)


Wanted = Annotated[Filter, Depends(filter_of)]


@router.get("/collection")
def collection_page(request: Request, wanted: Wanted) -> Response:
    """The grid of photos with filters, counts, target and balance."""
    return _grid(request, wanted)


@router.post("/collection")
async def collection_bulk(request: Request, form: Filled, wanted: Wanted) -> Response:
    """Accept, refuse or set one cell of all ticked photos; or take the last edit back; or set the target."""
    workspace = request.app.state.workspace
    action = form.one("action")
    try:
        if action == "undo":
            await run_in_threadpool(collection.undo, workspace)
        elif action == "prepare":
            return await _prepare_again(request, form.fields)
        elif action == "folder":
            return await _prepare_folder(request, form.one("folder"))
        elif action == "target":
            await run_in_threadpool(collection.set_target, workspace, form.one("target"))
        else:
            await _edit_many(request, form.fields, action)
    except DermiqaError as fault:
        return await run_in_threadpool(_grid, request, wanted, str(fault), 409)
    return here(request, "/c/collection" + (f"?{wanted.query()}" if wanted.query() else ""))


@router.get("/variety")
def variety_page(request: Request, sort: str = "pristine", down: str = "", page: Page = 1) -> Response:
    """Spatial information against colourfulness, chosen photos against those left out, with the numbers."""
    found = variety.points(request.app.state.workspace)
    lines = _points(found, sort, down)
    chosen = [point for point in found if point.chosen]
    return render(
        request, "curator/variety.html", curator=request.state.curator, found=len(found), chosen=len(chosen), page=page, sort=sort,
        down=down, pages=max(1, -(-len(lines) // SIZE)), rows=lines[(page - 1) * SIZE : page * SIZE], axes=list(variety.AXES),
        heads=[("pristine", "Photo"), ("chosen", "Chosen"), *((axis, f"{word} ({unit})") for axis, (word, unit) in variety.AXES.items())],
        ranges=[(variety.AXES[axis][0], *_ends(chosen, axis), *_ends(found, axis), share)
                for axis, share in variety.spread(chosen, found).items()],
    )  # fmt: skip


@router.get("/variety.svg")
def variety_plot(request: Request) -> Response:
    """The scatter itself."""
    drawn = variety.draw(variety.points(request.app.state.workspace))
    return Response(drawn, media_type="image/svg+xml", headers=PAGE_HEADERS)


@router.get("/variety.csv")
def variety_csv(request: Request, sort: str = "pristine", down: str = "") -> Response:
    """The numbers of the scatter, in the order that is seen."""
    lines = _points(variety.points(request.app.state.workspace), sort, down)
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="variety.csv"'}
    text = csv_text(("pristine", "chosen", *variety.AXES), lines)
    return Response("\ufeff" + text, media_type="text/csv; charset=utf-8", headers=headers)


@router.put("/uploads/{batch}/{name:path}")
async def upload(request: Request, batch: str, name: str) -> dict[str, Any]:
    """Keep one file of a batch (a photo or a ZIP); the body is the file. Answers what was kept and what was refused."""
    if not form_token_fits(request.app.state.key, request, request.headers.get("x-form-token", "")):
        raise HTTPException(403, "the page has run out: load it again")
    try:
        kept = await uploads.receive(request.app.state.workspace, batch, name, request.stream())
    except DermiqaError as fault:
        return {"kept": 0, "refused": [str(fault)]}
    return {"kept": kept.kept, "refused": list(kept.refused)}


@router.post("/uploads/{batch}")
async def upload_done(request: Request, batch: str) -> Response:
    """Prepare what a batch brought, as a job; files that come with the form (a browser without scripts) are kept first."""
    workspace, refused = request.app.state.workspace, []
    folder = uploads.batch_folder(workspace, batch)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        refused = await _kept_with_form(request, batch)
    else:
        await form_of(request)
    if not folder.is_dir() or not any(folder.iterdir()):
        raise UsageFault("; ".join(refused) or "nothing was uploaded: choose photos or a ZIP archive first")
    arguments, who = {"folder": f"uploads/{batch}", "refused": refused}, request.state.curator.id
    await request.app.state.writer.call(lambda db: jobs.enqueue(db, "prepare", arguments, curator_id=who).id)
    return here(request, "/c/jobs")


async def _kept_with_form(request: Request, batch: str) -> list[str]:
    """Keep the files of a form with files; gives one line for each that was refused."""
    refused: list[str] = []
    async with request.form(max_files=uploads.MOST_FILES, max_fields=20) as form:
        if not form_token_fits(request.app.state.key, request, str(form.get("form_token", ""))):
            raise HTTPException(403, "the form has run out: load the page again")
        for sent in form.getlist("files"):
            if not isinstance(sent, UploadFile) or not sent.filename:
                continue
            try:
                refused += (await uploads.receive(request.app.state.workspace, batch, sent.filename, _pieces(sent))).refused
            except DermiqaError as fault:
                refused.append(str(fault))
    return refused


async def _pieces(sent: UploadFile) -> AsyncIterator[bytes]:
    while piece := await sent.read(1 << 20):
        yield piece


async def _edit_many(request: Request, fields: Mapping[str, list[str]], action: str) -> None:
    names = fields.get("name", [])
    if not names:
        raise UsageFault("no photo is ticked: tick some first")
    seen = dict(zip(fields.get("all", []), fields.get("seen", []), strict=False))
    if action == "confirm":
        await run_in_threadpool(identity.confirm, request.app.state.workspace, names, request.state.curator.name, seen=seen)
        await _note(request, "photos confirmed: nothing identifies", {"photos": len(names)})
        return
    if action == "group":
        onto = (fields.get("onto") or [""])[0] or names[0]
        await run_in_threadpool(collection.group, request.app.state.workspace, names, onto, seen=seen)
        await _note(request, "photos grouped", {"photos": len(names)})
        return
    column = {"accept": "accepted", "refuse": "accepted", "reopen": "accepted"}.get(action, (fields.get("column") or [""])[0])
    value = {"accept": "yes", "refuse": "no", "reopen": ""}.get(action, (fields.get("value") or [""])[0].strip())
    if column not in BULK:
        raise UsageFault("choose which cell to set")
    await run_in_threadpool(collection.edit, request.app.state.workspace, names, {column: value}, seen=seen)
    await _note(request, "photos edited", {"column": column, "photos": len(names)})


async def _prepare_again(request: Request, fields: Mapping[str, list[str]]) -> Response:
    """Apply crop, rotation and masks of the named photos (none named: of all that wait), as a job."""
    workspace = request.app.state.workspace
    names = fields.get("photo") or await run_in_threadpool(
        lambda: waiting(workspace, read_sources(workspace), read_measures(workspace))
    )
    if not names:
        raise UsageFault("no photo waits for its edits: nothing was started")
    arguments, who = {"photos": names}, request.state.curator.id
    await request.app.state.writer.call(lambda db: jobs.enqueue(db, "prepare", arguments, curator_id=who).id)
    return here(request, "/c/jobs")


async def _prepare_folder(request: Request, name: str) -> Response:
    """Prepare the photos of a folder inside the workspace, as a job."""
    if name not in await run_in_threadpool(collection.folders, request.app.state.workspace):
        raise UsageFault(f"{name[:60]!r} is no folder of photos inside this workspace: choose one of the list")
    who = request.state.curator.id
    await request.app.state.writer.call(lambda db: jobs.enqueue(db, "prepare", {"folder": name}, curator_id=who).id)
    return here(request, "/c/jobs")


async def _note(request: Request, action: str, detail: dict[str, Any]) -> None:
    who = request.state.curator.id
    await request.app.state.writer.call(
        lambda db: audit.append(db, action, curator_id=who, object_kind="photo", detail=detail).id
    )


def _grid(request: Request, wanted: Filter, fault: str = "", status: int = 200) -> Response:
    values = collection.view(request.app.state.workspace, wanted)
    return render(
        request, "curator/collection.html", status=status, curator=request.state.curator, wanted=wanted, shown=SHOWN,
        bulk=BULK, fault=fault, batch=new_secret()[:24], **values,
    )  # fmt: skip


def _points(found: list[variety.Point], sort: str, down: str) -> list[dict[str, Any]]:
    lines = [{"pristine": p.name, "chosen": "yes" if p.chosen else "no", **p.values} for p in found]
    key = sort if sort in ("pristine", "chosen", *variety.AXES) else "pristine"
    return sorted(lines, key=lambda line: line[key], reverse=down == "yes")


def _ends(found: list[variety.Point], axis: str) -> tuple[float | None, float | None]:
    values = [point.values[axis] for point in found]
    return (min(values), max(values)) if values else (None, None)
