"""One photo's pages: its row to edit, crop, rotation and masks on the original, its images, and its ladder of variants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from annotate_app import collection, identity, ladder, originals, studies
from annotate_app.collection import EDITED, Changed
from annotate_app.pages import PAGE_HEADERS, render
from annotate_app.protocol import complete_draft
from annotate_app.routes.curator import Filled, here
from db.engine import reading
from db.queries import audit
from db.queries import studies as queries
from distort.intake.notes import read_measures
from workspace.errors import DermiqaError, PhotoFault, StudyFault, UsageFault
from workspace.sources import read_source, read_sources, row_hash

router = APIRouter(prefix="/c")
CHOICES = dict.fromkeys(("may_show", "may_alter", "may_redistribute", "accepted"), ("", "yes", "no"))
LABELS = {
    "subject": "Person (subject)", "source": "Source", "source_url": "Address of a public source", "licence": "Licence",
    "credit": "Credit", "may_show": "May be shown", "may_alter": "May be altered", "may_redistribute": "May be passed on",
    "consent_ref": "Consent kept as", "consent_expires": "Consent ends on", "body_site": "Body site", "skin_tone": "Skin tone",
    "diagnosis": "Diagnosis", "notes": "Notes", "crop": "Crop", "rotation": "Rotation, degrees", "masks": "Masks",
    "accepted": "Accepted for studies",
}  # fmt: skip
LEAST_REASON = 3


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
        await run_in_threadpool(collection.edit, request.app.state.workspace, [name], typed, seen={name: form.one("seen")})
    except Changed as fault:
        return await run_in_threadpool(_photo, request, fault.now, {**fault.now, **typed}, str(fault), fault.now, 409)
    except DermiqaError as fault:
        return await run_in_threadpool(_photo, request, row, {**row, **typed}, str(fault), None, 422)
    who = request.state.curator.id
    await request.app.state.writer.call(
        lambda db: audit.append(db, "photo edited", curator_id=who, object_kind="photo", detail={"columns": sorted(typed)}).id
    )
    return here(request, f"/c/collection/{name}")


@router.post("/collection/{name}/variants")
async def leave_out(request: Request, name: str, form: Filled) -> Response:
    """Leave a variant out of a study, everywhere or of this photo alone, with a reason; or put it back."""
    _row(request, name)
    study, variant, reason = form.one("study"), form.one("variant").strip(), " ".join(form.one("reason").split())[:200]
    key = f"{name}_{variant}" if form.one("scope") == "photo" else variant
    back, who = form.one("action") == "back", request.state.curator.id
    if not back and (not variant or len(reason) < LEAST_REASON):
        raise UsageFault("choose a variant and say why it is left out: nothing was changed")

    def work(db: Session) -> None:
        said = complete_draft(queries.named(db, study).draft)["leave_out"]
        kept = {known: why for known, why in said.items() if known != key}
        changed = studies.change(db, study, leave_out=kept if back else {**kept, key: reason})
        detail = {"step": "images", "variant": variant}
        audit.append(db, "study changed", curator_id=who, object_kind="study", object_id=changed.id, detail=detail)

    try:
        await request.app.state.writer.call(work)
    except StudyFault as fault:
        row = await run_in_threadpool(_row, request, name)
        return await run_in_threadpool(_photo, request, row, dict(row), str(fault), None, 409)
    return here(request, f"/c/collection/{name}#ladder-head")


@router.get("/originals/{name}")
def original(request: Request, name: str, rotation: str = "") -> Response:
    """The upright original, turned by `rotation` degrees, as a JPEG; the headers say the size of the frame in pixels."""
    _row(request, name)
    found = originals.original_paths(request.app.state.workspace, [name])
    if not found:
        raise HTTPException(404, "the original is gone: keys.csv names where it lay")
    try:
        shown = originals.frame(found[0], rotation[:20])
    except PhotoFault as fault:
        raise HTTPException(422, str(fault)) from None
    size = {"X-Frame-Width": str(shown.width), "X-Frame-Height": str(shown.height)}
    return Response(shown.data, media_type="image/jpeg", headers={**PAGE_HEADERS, **size})


@router.get("/photos/{name}/{size}")
def thumbnail(request: Request, name: str, size: int) -> Response:
    """A photo as a JPEG of at most `size` pixels a side, or its own PNG (size 0)."""
    return _image(ladder.pristine_bytes, request, name, size)


@router.get("/photos/{name}/variants/{variant}/{size}")
def variant_image(request: Request, name: str, variant: str, size: int) -> Response:
    """A variant of the workspace's recipe, in the same way."""
    return _image(ladder.variant_bytes, request, name, variant, size)


def _row(request: Request, name: str) -> dict[str, str]:
    try:
        return read_source(request.app.state.workspace, name)
    except DermiqaError as fault:
        raise HTTPException(404, str(fault)) from None


def _photo(
    request: Request,
    row: dict[str, str],
    typed: dict[str, str],
    fault: str = "",
    theirs: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    workspace, name = request.app.state.workspace, row["pristine"]
    steps = ladder.steps(workspace, name)
    return render(
        request, "curator/photo.html", status=status, curator=request.state.curator, photo=collection.photo(row), typed=typed,
        seen=row_hash(row), fault=fault, theirs=theirs, columns=EDITED, labels=LABELS, choices=CHOICES, steps=steps,
        original=bool(originals.original_paths(workspace, [name])),
        waits=name in originals.waiting(workspace, [row], read_measures(workspace)),
        mates=[one["pristine"] for one in read_sources(workspace) if row["subject"] and one["subject"] == row["subject"]],
        unsure=bool(identity.unconfirmed(workspace, [row])),
        drafts=_drafts(request, name, {step["variant"] for step in steps}),
    )  # fmt: skip


def _drafts(request: Request, name: str, variants: set[str]) -> list[dict[str, Any]]:
    """Studies that may still be changed, with what each leaves out of this ladder: variant, reason, and whether everywhere."""
    with reading(request.app.state.engine) as session:
        drafts = [
            (one.name, complete_draft(one.draft)["leave_out"]) for one in queries.all_studies(session) if one.state != "open"
        ]
    return [
        {"name": study, "left": [(variant, said[key], key == variant)
                                 for variant in sorted(variants) for key in (variant, f"{name}_{variant}") if key in said]}
        for study, said in drafts
    ]  # fmt: skip


def _image(make: Callable[..., tuple[bytes, str]], request: Request, *words: Any) -> Response:
    try:
        data, kind = make(request.app.state.workspace, *words)
    except FileNotFoundError:
        raise HTTPException(404, "there is no such image") from None
    return Response(data, media_type=kind, headers={**PAGE_HEADERS, "Cache-Control": "private, max-age=300"})
