"""The collection's pages: the grid, one photo, bulk edits, undo, the target, uploads, thumbnails, a photo's ladder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from annotate_app import collection, ladder, uploads
from annotate_app.collection import EDITED, SHOWN, Changed, Filter
from annotate_app.pages import PAGE_HEADERS, render
from annotate_app.routes.curator import Filled, here
from annotate_app.security import form_token_fits, new_secret
from db.queries import audit, jobs
from workspace.errors import DermiqaError, UsageFault
from workspace.sources import read_source, row_hash

router = APIRouter(prefix="/c")
CHOICES = {
    "may_show": ("", "yes", "no"),
    "may_alter": ("", "yes", "no"),
    "may_redistribute": ("", "yes", "no"),
    "accepted": ("", "yes", "no"),
}
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


def filter_of(
    show: str = "all", flag: str = "", source: str = "", text: str = "", page: Annotated[int, Query(ge=1, le=10_000)] = 1
) -> Filter:
    """The filter that an address says."""
    return Filter(show if show in SHOWN else "all", flag[:60], source[:200], text[:200], page)


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
        elif action == "target":
            await run_in_threadpool(collection.set_target, workspace, form.one("target"))
        else:
            await _edit_many(request, form.fields, action)
    except DermiqaError as fault:
        return await run_in_threadpool(_grid, request, wanted, str(fault), 409)
    return here(request, "/c/collection" + (f"?{wanted.query()}" if wanted.query() else ""))


@router.get("/collection/{name}")
def photo_page(request: Request, name: str) -> Response:
    """One photo with its row to edit, its crop and masks, and its ladder of variants."""
    row = _row(request, name)
    return _photo(request, row, dict(row))


@router.post("/collection/{name}")
async def photo_save(request: Request, name: str, form: Filled) -> Response:
    """Save a photo's row; one changed meanwhile by somebody else is shown beside what was typed."""
    row = _row(request, name)
    typed = {column: form.one(column).strip() for column in EDITED if column in form.fields}
    try:
        await run_in_threadpool(
            collection.edit, request.app.state.workspace, [name], typed, seen={name: form.one("seen")}
        )  # fmt: skip
    except Changed as fault:
        return await run_in_threadpool(_photo, request, fault.now, {**fault.now, **typed}, str(fault), fault.now, 409)
    except DermiqaError as fault:
        return await run_in_threadpool(_photo, request, row, {**row, **typed}, str(fault), None, 422)
    await _note(request, "photo edited", {"columns": sorted(typed)})
    return here(request, f"/c/collection/{name}")


@router.get("/photos/{name}/{size}")
def thumbnail(request: Request, name: str, size: int) -> Response:
    """A photo as a JPEG of at most `size` pixels a side, or its own PNG (size 0)."""
    _row(request, name)
    return _image(ladder.pristine_bytes, request, name, size)


@router.get("/photos/{name}/variants/{variant}/{size}")
def variant_image(request: Request, name: str, variant: str, size: int) -> Response:
    """A variant of the workspace's recipe, in the same way."""
    _row(request, name)
    return _image(ladder.variant_bytes, request, name, variant, size)


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
async def upload_done(request: Request, batch: str, form: Filled) -> Response:
    """Prepare what a batch brought, as a job."""
    folder = uploads.batch_folder(request.app.state.workspace, batch)
    if not folder.is_dir() or not any(folder.iterdir()):
        raise UsageFault("nothing was uploaded: choose photos or a ZIP archive first")
    arguments = {"folder": f"uploads/{batch}"}
    who = request.state.curator.id
    await request.app.state.writer.call(lambda db: jobs.enqueue(db, "prepare", arguments, curator_id=who).id)
    return here(request, "/c/jobs")


async def _edit_many(request: Request, fields: Mapping[str, list[str]], action: str) -> None:
    names = fields.get("name", [])
    if not names:
        raise UsageFault("no photo is ticked: tick some first")
    column = {"accept": "accepted", "refuse": "accepted", "reopen": "accepted"}.get(action, (fields.get("column") or [""])[0])
    value = {"accept": "yes", "refuse": "no", "reopen": ""}.get(action, (fields.get("value") or [""])[0].strip())
    if column not in BULK:
        raise UsageFault("choose which cell to set")
    seen = dict(zip(fields.get("all", []), fields.get("seen", []), strict=False))
    await run_in_threadpool(collection.edit, request.app.state.workspace, names, {column: value}, seen=seen)
    await _note(request, "photos edited", {"column": column, "photos": len(names)})


async def _note(request: Request, action: str, detail: dict[str, Any]) -> None:
    who = request.state.curator.id
    await request.app.state.writer.call(
        lambda db: audit.append(db, action, curator_id=who, object_kind="photo", detail=detail).id
    )


def _row(request: Request, name: str) -> dict[str, str]:
    try:
        return read_source(request.app.state.workspace, name)
    except DermiqaError as fault:
        raise HTTPException(404, str(fault)) from None


def _grid(request: Request, wanted: Filter, fault: str = "", status: int = 200) -> Response:
    values = collection.view(request.app.state.workspace, wanted)
    return render(
        request, "curator/collection.html", status=status, curator=request.state.curator, wanted=wanted, shown=SHOWN,
        bulk=BULK, fault=fault, batch=new_secret()[:24], **values,
    )  # fmt: skip


def _photo(
    request: Request,
    row: dict[str, str],
    typed: dict[str, str],
    fault: str = "",
    theirs: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return render(
        request, "curator/photo.html", status=status, curator=request.state.curator, photo=collection.photo(row), typed=typed,
        seen=row_hash(row), fault=fault, theirs=theirs, columns=EDITED, choices=CHOICES,
        steps=ladder.steps(request.app.state.workspace, row["pristine"]),
    )  # fmt: skip


def _image(make: Any, request: Request, *words: Any) -> Response:
    try:
        data, kind = make(request.app.state.workspace, *words)
    except FileNotFoundError:
        raise HTTPException(404, "there is no such image") from None
    return Response(data, media_type=kind, headers={**PAGE_HEADERS, "Cache-Control": "private, max-age=300"})
