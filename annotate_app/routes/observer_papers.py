"""What an observer can fetch or do beside the way: cards, plates and examples, papers to keep, a calendar file, withdrawal."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter, Request, Response
from numpy.typing import NDArray

from annotate_app import clock, observers, texts, views, vision, visits
from annotate_app.pages import PAGE_HEADERS, paragraphs, render
from annotate_app.routes.observer import Filled, here, looking, visiting
from annotate_app.studies import frozen_file
from annotate_app.texts import _
from annotate_app.visits import Visit
from db.types import now
from workspace.errors import VoteRefused

router = APIRouter()
PAPERS = ("sheet", "consent", "contacts")
FINAL = ("withdrawn", "erased", "screened_out")


def picture(pixels: NDArray[np.uint8]) -> Response:
    """An image of the project's own as PNG."""
    from distort.png import encode

    return Response(encode(pixels), media_type="image/png", headers=PAGE_HEADERS)


def missing() -> VoteRefused:
    """Nothing is there."""
    return VoteRefused("there is nothing here for this observer now", status=404, code="unknown")


@router.get("/o/card/{gap}")
def card(request: Request, gap: int) -> Response:
    """The card of signs that is due; card 0 is the example."""
    with looking(request) as visit:
        if gap == 0:
            return picture(vision.acuity_card(vision.DIRECTIONS, 10))
        if visits.current_step(visit) != "acuity" or gap != visits.acuity_gap(visit):
            raise missing()
        return picture(vision.acuity_card(vision.signs(visit.seed, gap), gap))


@router.get("/o/plate/{number}")
def plate(request: Request, number: int) -> Response:
    """A colour plate; plate 0 is the example."""
    with looking(request) as visit:
        if number == 0:
            return picture(vision.draw_plate(vision.EXAMPLE_PLATE))
        if visits.current_step(visit) != "plates" or not 1 <= number <= vision.PLATES:
            raise missing()
        drawn = vision.plates(visit.seed)[number - 1]
    return picture(vision.draw_plate(drawn))


@router.get("/o/example/{number}")
def example(request: Request, number: int) -> Response:
    """The image beside a label of the scale."""
    with looking(request) as visit:
        found = visits.examples(visit) if visits.current_step(visit) == "examples" else []
        if not 0 <= number < len(found):
            raise missing()
        path = frozen_file(request.app.state.workspace, visit.study.name, found[number][0].file)
    return Response(path.read_bytes(), media_type="image/png", headers=PAGE_HEADERS)


@router.get("/o/papers/{paper}")
def papers(request: Request, paper: str) -> Response:
    """The information sheet, the consent with its moment, or the contacts, as a text file to keep."""
    with looking(request) as visit:
        if paper not in PAPERS:
            raise missing()
        body = "\n\n".join([heading(visit, paper), *paragraphs(visit.texts()[paper]), *signature(visit, paper)])
    name = f"{visit.study.name}-{paper}.txt"
    headers = {**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + body + "\n", media_type="text/plain; charset=utf-8", headers=headers)


def heading(visit: Visit, paper: str) -> str:
    """A paper's title."""
    titles = {"sheet": _("Information about the study"), "consent": _("Your consent"), "contacts": _("Contacts")}
    return texts.word(titles[paper], visit.language)


def signature(visit: Visit, paper: str) -> list[str]:
    """The code and, under the consent, its version and moment."""
    say = views.saying(visit)
    code, agreed = say(_("Your code")), say(_("Agreed on"))
    lines = [f"{code}: {visit.observer.pseudonym}"]
    if paper == "consent" and visit.observer.consented is not None:
        moment = clock.moment(visit.observer.consented, visit.language, visit.observer.time_zone)
        lines.append(f"{agreed}: {moment} ({visit.observer.consent_version})")
    return lines


@router.get("/o/next.ics")
def calendar(request: Request) -> Response:
    """The next session as an entry for a calendar."""
    with looking(request) as visit:
        start = visits.may_start(visit)
        title = texts.word(_("Rating images: session"), visit.language) + f" {visit.number}"
        address = request.app.state.workspace.settings.public_url.rstrip("/") + "/o/"
        text = clock.calendar_file(
            start, visit.way.minutes, uid=f"{visit.observer.token}-{visit.number}", title=title, address=address
        )
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="session.ics"'}
    return Response(text, media_type="text/calendar; charset=utf-8", headers=headers)


@router.get("/o/withdraw")
def ask_withdrawal(request: Request) -> Response:
    """Ask whether the observer wants to leave, and what may happen to the answers."""
    with looking(request) as visit:
        if visit.observer.state in FINAL:
            return here(request, "/o/")
        return render(request, "observer/withdraw.html", visit.language, **views.shared(visit, "withdraw"))


@router.post("/o/withdraw")
def withdraw(request: Request, form: Filled) -> Response:
    """Take the observer out at once; the wish about the answers is kept for the curator to carry out."""
    wish = form.one("votes")
    if wish not in ("keep", "erase"):
        return here(request, "/o/withdraw")
    with visiting(request) as visit:
        observer = visit.observer
        if observer.state not in FINAL:
            observer.flags = {
                **observer.flags,
                "wish": wish,
                "withdrew_at_step": observer.step,
                "withdrew": now().isoformat(timespec="seconds"),
            }
            observers.withdraw(visit.db, observer)
        template, values = views.page(visit, "withdrawn")
        return render(request, template, visit.language, **values)
