"""Observers of a study: invite, print, remind, replace, pay, erase. Links exist only in the answer that makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from sqlmodel import Session, select

from annotate_app import invitations, observers, roster
from annotate_app.observers import Invited
from annotate_app.pages import PAGE_HEADERS, render
from annotate_app.roster import DAYS, PAID, Line
from annotate_app.routes.curator import Filled, here
from annotate_app.routes.curator_board import study_named
from annotate_app.routes.forms import Form
from db.backup import default_folder
from db.engine import reading
from db.erasure import erase_observer, record_erasure
from db.models import Observer, Study, StudyVersion
from db.queries import audit
from db.queries import studies as queries
from workspace.errors import StudyFault, UsageFault

router = APIRouter(prefix="/c")
MOST = 200
AT_ONCE = 100
Days = Annotated[int, Query(ge=1, le=60)]
Page = Annotated[int, Query(ge=1, le=10_000)]
Money = Annotated[float, Query(ge=0, le=100_000)]
Done = tuple[list[Invited], str]


@router.get("/studies/{name}/observers")
def observers_page(
    request: Request, name: str, show: str = "", days: Days = DAYS, page: Page = 1, sort: str = "", down: str = ""
) -> Response:
    """Who is invited, due, late, done, a page at a time and by any column; the forms to invite and to remind."""
    with reading(request.app.state.engine) as session:
        study = study_named(session, name)
        version = queries.latest_version(session, study)
        people = roster.stands(session, version, days) if version else []
        chosen = [one.key for one in people if not show or one.word == show]
        pages = max(1, -(-len(chosen) // AT_ONCE))
        page = min(page, pages)
        lines = _page_of(session, version, days, chosen, page, sort, down) if version else []
        panels = [(p.name, p.phase, p.target) for p in queries.panels(session, version.id)] if version else []
    return render(
        request, "curator/observers.html", curator=request.state.curator, study=study, version=version, lines=lines, show=show,
        days=days, counts=roster.counts(people), panels=panels, everybody=len(people), page=page, pages=pages,
        sort=sort if sort in roster.ORDERS else "", down="yes" if down == "yes" else "", orders=roster.ORDERS,
    )  # fmt: skip


def _page_of(
    session: Session, version: StudyVersion, days: int, chosen: list[int], page: int, sort: str, down: str
) -> list[Line]:
    """The lines of one page; only an order that was asked for reads everybody's."""
    part = slice((page - 1) * AT_ONCE, page * AT_ONCE)
    if sort not in roster.ORDERS:
        return roster.roster(session, version, days, only=chosen[part])
    return roster.ordered(roster.roster(session, version, days, only=chosen), sort, down == "yes")[part]


@router.get("/studies/{name}/observers.csv")
def observers_csv(request: Request, name: str, show: str = "", days: Days = DAYS, sort: str = "", down: str = "") -> Response:
    """The list as it is seen, as CSV."""
    columns = ("pseudonym", "panel", "phase", "simulated", "language", "word", "sessions", "planned", "votes", "due")
    chosen = [line for line in _lines(request, name, days) if not show or line.word == show]
    return _csv("observers.csv", roster.csv_text(columns, [vars(line) for line in roster.ordered(chosen, sort, down == "yes")]))


@router.get("/studies/{name}/payments.csv")
def payments_csv(request: Request, name: str, per_session: Money = 0.0, per_hour: Money = 0.0) -> Response:
    """Code, sessions, minutes, amount by the rule in the address, and when it was paid."""
    rows = roster.payments(_lines(request, name, DAYS), per_session, per_hour)
    return _csv("payments.csv", roster.csv_text(("code", "sessions", "minutes", "amount", "paid_on"), rows))


@router.post("/studies/{name}/due.csv")
async def due_csv(request: Request, name: str, form: Filled) -> Response:
    """Who is to be reminded, with a text in each one's language; new links only where asked for, since old ones then end."""
    who, new_links = request.state.curator, form.one("links") == "new"
    days = int(form.one("days")) if form.one("days").isdecimal() else DAYS

    def work(db: Session) -> list[dict[str, str]]:
        study = queries.named(db, name)
        lines = roster.roster(db, queries.frozen_version(db, study), max(1, min(60, days)))
        rows = invitations.merge_rows(db, _base(request), lines, new_links=new_links)
        detail = {"observers": len(rows), "new_links": new_links}
        audit.append(db, "reminders listed", curator_id=who.id, object_kind="study", object_id=study.id, detail=detail)
        return rows

    rows = await request.app.state.writer.call(work)
    return _csv("due.csv", roster.csv_text(invitations.COLUMNS, rows))


@router.post("/studies/{name}/observers")
async def invite(request: Request, name: str, form: Filled) -> Response:
    """Invite so many people, or make an open link; the answer shows the links, as a sheet to print or as CSV."""
    count, kind, who = _count(form), form.one("kind"), request.state.curator

    def work(db: Session) -> tuple[Study, list[Invited]]:
        study = queries.named(db, name)
        panel = queries.panel_named(db, queries.frozen_version(db, study), form.one("panel") or None)
        if kind == "open":
            made = [Invited(f"{panel.name}: up to {count} people", observers.open_link(db, panel, count))]
        else:
            made = observers.invite(db, panel, count)
        detail = {"people": count, "open_link": kind == "open"}
        audit.append(db, "observers invited", curator_id=who.id, object_kind="study", object_id=study.id, detail=detail)
        return study, made

    study, made = await request.app.state.writer.call(work)
    return _links(request, study, made, csv=kind == "csv")


@router.post("/studies/{name}/observers/{token}")
async def act(request: Request, name: str, token: str, form: Filled) -> Response:
    """A new link, a replacement, a payment noted, or an erasure (its code typed)."""
    who, action, typed = request.state.curator, form.one("action"), form.one("confirm").strip()
    votes = form.one("votes")

    def work(db: Session) -> tuple[Study, list[Invited], dict[str, Any] | None]:
        study = queries.named(db, name)
        observer = db.exec(select(Observer).where(Observer.study_id == study.id, Observer.token == token)).first()
        if observer is None:
            raise HTTPException(404, "there is no such observer in this study")
        key, entry, made = observer.id, None, []
        if action == "erase":
            entry = _erase(db, observer, typed, votes)
        elif action in ACTIONS:
            made = ACTIONS[action][1](db, observer)
        else:
            raise UsageFault(f"{action!r} can't be done with an observer")
        said = "observer erased" if entry else ACTIONS[action][0]
        audit.append(db, said, curator_id=who.id, object_kind="observer", object_id=key, detail={"study": study.id})
        return study, made, entry

    study, made, entry = await request.app.state.writer.call(work)
    if entry is not None:
        record_erasure(request.app.state.workspace, entry, default_folder(request.app.state.workspace))
    return _links(request, study, made, csv=False) if made else here(request, f"/c/studies/{name}/observers")


def _reissue(db: Session, observer: Observer) -> list[Invited]:
    if observer.state in ("withdrawn", "erased", "replaced", "screened_out"):
        raise StudyFault(f"{observer.pseudonym} has left the study: a new link would lead nowhere")
    return [Invited(observer.pseudonym, observers.reissue(db, observer))]


ACTIONS: dict[str, tuple[str, Callable[[Session, Observer], list[Invited]]]] = {
    "reissue": ("link replaced", _reissue),
    "replace": ("observer replaced", lambda db, observer: [observers.replace(db, observer, simulated=observer.simulated)]),
    "paid": (PAID, lambda db, observer: []),
}


def _erase(db: Session, observer: Observer, typed: str, votes: str) -> dict[str, Any]:
    if typed != observer.pseudonym:
        raise UsageFault(f"erasing asks for the code {observer.pseudonym!r}: {typed[:40]!r} was typed; nothing was erased")
    if votes not in ("keep", "remove"):
        raise UsageFault("say whether the votes are kept without a name or removed, as the consent says; nothing was erased")
    return erase_observer(db, observer, keep_votes=votes == "keep")


def _count(form: Form) -> int:
    said = form.one("count").strip()
    if not said.isascii() or not said.isdigit() or not 1 <= int(said[:6]) <= MOST:
        raise UsageFault(f"{said[:40]!r} people: a whole number from 1 to {MOST} was expected")
    return int(said)


def _links(request: Request, study: Study, made: list[Invited], *, csv: bool) -> Response:
    slips = invitations.slips(_base(request), made)
    if csv:
        return _csv("links.csv", roster.csv_text(("code", "link"), [{"code": s.pseudonym, "link": s.link} for s in slips]))
    return render(request, "curator/links.html", curator=request.state.curator, study=study, slips=slips)


def _base(request: Request) -> str:
    return str(request.app.state.workspace.settings.public_url).rstrip("/")


def _lines(request: Request, name: str, days: int) -> list[Line]:
    with reading(request.app.state.engine) as session:
        version = queries.latest_version(session, study_named(session, name))
        return roster.roster(session, version, days) if version else []


def _csv(name: str, text: str) -> Response:
    headers = {**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + text, media_type="text/csv; charset=utf-8", headers=headers)
