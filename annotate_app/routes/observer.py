"""The observer's way: invitation, steps, rating page, next session. Each page is drawn by the step that the observer is at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from annotate_app import observers, steps, texts, views, visits
from annotate_app.answers import CHECKS
from annotate_app.clock import known_zone
from annotate_app.outcomes import Asked
from annotate_app.pages import choose_language, languages, render
from annotate_app.routes.forms import Form, form_of
from annotate_app.security import OBSERVER_COOKIE, is_secure, keyed_hash, set_cookie
from annotate_app.texts import _
from annotate_app.visits import Visit
from db.engine import reading, writing
from db.models import Observer
from db.types import now
from workspace.errors import VoteRefused

router = APIRouter()
Filled = Annotated[Form, Depends(form_of)]
REFUSALS = {
    "unknown": (_("This link is not known"), _("Please check it: it must be complete. If it still fails, ask for a new one.")),
    "revoked": (_("This link has been replaced"), _("A newer link was made for you. Please use that one, or ask for it.")),
    "full": (_("All places are taken"), _("Thank you for your interest. As many people as are needed have come already.")),
    "busy": (_("Too many tries"), _("Too many wrong links were tried just now. Please wait a minute and open yours again.")),
}


def here(request: Request, path: str) -> RedirectResponse:
    """An answer that leads to another page of this application."""
    return RedirectResponse(request.scope.get("root_path", "").rstrip("/") + path, status_code=303)


@contextmanager
def visiting(request: Request) -> Iterator[Visit]:
    """The visit of the signed-on observer, within one writing transaction."""
    with writing(request.app.state.engine) as db:
        yield visits.open_visit(db, request.state.observer_id)


@contextmanager
def looking(request: Request) -> Iterator[Visit]:
    """The visit of the signed-on observer, to be looked at; nothing is stored."""
    with Session(request.app.state.engine, autoflush=False) as db:
        yield visits.open_visit(db, request.state.observer_id)


def refusal(request: Request, code: str, language: str, status: int) -> Response:
    """A page that says why a link does not lead on."""
    heading, line = REFUSALS.get(code) or (views.MESSAGES.get(code) or views.MESSAGES["closed"])
    lines = [line] if isinstance(line, str) else list(line)
    said = [texts.word(each, language) for each in lines]
    return render(
        request,
        "observer/message.html",
        language,
        status=status,
        heading=texts.word(heading, language),
        lines=said,
        observer=None,
    )


@router.get("/i/{code}")
def invitation(request: Request, code: str, lang: str | None = None) -> Response:
    """What a link leads to: a button that signs on. Opening it changes nothing (mail scanners open links)."""
    language = choose_language(lang, request.headers.get("accept-language"))
    with reading(request.app.state.engine) as db:
        try:
            found = observers.find_invitation(db, code)
        except VoteRefused as fault:
            status = 429 if request.app.state.limiter.fail(code) else fault.status
            return refusal(request, "busy" if status == 429 else fault.code, language, status)
        second = found.observer_id is not None and db.get_one(Observer, found.observer_id).state != "invited"
        parameter = provider_parameter(request)
    query = {each: urlencode({**dict(request.query_params), "lang": each}) for each in languages()}
    return render(
        request,
        "observer/welcome.html",
        language,
        code=code,
        second=second,
        provider_id=parameter,
        query=query,
        names=views.names(),
    )


def provider_parameter(request: Request) -> str:
    """A panel provider's id in the link's query (`id`, `PROLIFIC_PID`, `workerId`), cut to 200 letters; empty without one."""
    for name in ("id", "PROLIFIC_PID", "workerId"):
        if request.query_params.get(name):
            return request.query_params[name][:200]
    return ""


@dataclass(frozen=True)
class Arrival:
    """What a sign-on came to: the device's cookie, a personal code where one was made, and the language."""

    cookie: str
    own_code: str
    language: str


@router.post("/i/{code}")
async def sign_on(request: Request, code: str, form: Filled) -> Response:
    """Sign this device on; the observer's other devices lose the session. An open link's first visitor gets a link of their own."""
    try:
        arrived: Arrival = await request.app.state.writer.call(lambda db: arrive(db, request, code, form))
    except VoteRefused as fault:
        language = choose_language(form.one("language"), request.headers.get("accept-language"))
        busy = fault.status == 404 and request.app.state.limiter.fail(code)
        return refusal(request, "busy" if busy else fault.code, language, 429 if busy else fault.status)
    answer = own_link_page(request, arrived.own_code, arrived.language) if arrived.own_code else here(request, "/o/")
    set_cookie(answer, OBSERVER_COOKIE, arrived.cookie, secure=is_secure(request))
    return answer


def arrive(db: Session, request: Request, code: str, form: Form) -> Arrival:
    """Sign a device on within a transaction. Raises VoteRefused."""
    provider = form.one("provider_id")[:200]
    hashed = keyed_hash(request.app.state.key, "provider", provider) if provider else None
    signed = observers.sign_on(db, code, provider_hash=hashed)
    observer = signed.observer
    new = observer.step == "welcome"
    if new:
        observer.language = choose_language(form.one("language"), request.headers.get("accept-language"))
        if known_zone(form.one("time_zone") or "UTC"):
            observer.time_zone = form.one("time_zone") or "UTC"
    own_link = new and "open_link" in observer.flags and observers.find_invitation(db, code).observer_id is None
    own_code = observers.reissue(db, observer) if own_link else ""
    db.add(observer)
    return Arrival(signed.cookie, own_code, choose_language(observer.language))


def own_link_page(request: Request, code: str, language: str) -> Response:
    """The personal link of somebody who came by an open one; shown this once."""
    root = request.scope.get("root_path", "").rstrip("/")
    address = f"{request.app.state.workspace.settings.public_url.rstrip('/')}/i/{code}"
    return render(request, "observer/link.html", language, address=address, go=f"{root}/o/", observer=None)


@router.get("/o/")
def next_step(request: Request) -> Response:
    """Lead to the step that comes now."""
    with looking(request) as visit:
        step = visits.current_step(visit)
    return here(request, "/o/rate" if step == "rate" else f"/o/step/{step}")


@router.get("/o/step/{step}")
def show_step(request: Request, step: str) -> Response:
    """The page of the step that the observer is at; any other one leads there."""
    with looking(request) as visit:
        if visits.current_step(visit) != step or step == "rate":
            return here(request, "/o/")
        template, values = views.page(visit, step)
        return render(request, template, visit.language, **values)


@router.post("/o/step/{step}")
def answer_step(request: Request, step: str, form: Filled) -> Response:
    """Take a step's answers: on to the next one, or the same page with what was typed and the faults beside the fields."""
    with visiting(request) as visit:
        if visits.current_step(visit) != step or step not in CHECKS:
            return here(request, "/o/")
        outcome = CHECKS[step](form.fields, asked(request, visit))
        try:
            visits.keep(visit, step, outcome)
        except VoteRefused as fault:
            visit.observer.state = "waiting" if fault.code == "waiting" else visit.observer.state
            return here(request, "/o/")
        if not outcome.faults:
            return here(request, "/o/")
        template, values = views.page(visit, step)
        return render(request, template, visit.language, status=422, **{**values, "faults": outcome.faults, "typed": form.fields})


def asked(request: Request, visit: Visit) -> Asked:
    """What a step's check needs to know."""
    return Asked(
        visit.way, visit.seed, visit.observer.answers, request.headers.get("user-agent", ""), views.saying(visit), visit.texts()
    )


@router.get("/o/rate")
def rate(request: Request) -> Response:
    """The rating page; whoever is at another step is led there."""
    with looking(request) as visit:
        if visits.current_step(visit) != "rate":
            return here(request, "/o/")
        values: views.Values = {
            "owner": f"{visit.study.token}.{visit.observer.token}",
            "measured": visits.measured(visit),
            "high": visit.way.pixels_per_degree[1],
            "room": views.room(visit),
        }
        return render(request, "observer/rate.html", visit.language, **values)


@router.post("/o/start")
def start(request: Request, form: Filled) -> Response:
    """Open the next session once it may start; before that, the page that says when."""
    with visiting(request) as visit:
        if visits.current_step(visit) == "rest" and visits.may_start(visit) <= now():
            visits.go_to(visit, steps.first(visit.way, visit.number))
    return here(request, "/o/")


@router.post("/o/language")
def change_language(request: Request, form: Filled) -> Response:
    """Show the pages in another language from here on."""
    with visiting(request) as visit:
        if form.one("language") in languages():
            visit.observer.language = form.one("language")
            visit.db.add(visit.observer)
    return here(request, "/o/")
