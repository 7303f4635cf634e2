"""The rating page's JSON: who is rating, one vote per request, events; and a sign-on for programs."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, select

from annotate_app import observers, seats, visits
from annotate_app.access import observer_of
from annotate_app.pages import choose_language
from annotate_app.protocol import SETTINGS
from annotate_app.security import OBSERVER_COOKIE, is_secure, set_cookie
from annotate_app.sequence import Sequences
from annotate_app.votes import Vote, position, read_places, sequence_of
from db.models import Event, Observer, Presentation, RatingSession
from db.types import now
from workspace.errors import VoteRefused

router = APIRouter(prefix="/api")
PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
KIND = re.compile(r"[a-z_]{1,40}")
MOST_EVENTS = 100
MOST_DATA = 2000
SHORT_SITTING = 20


class VoteIn(BaseModel):
    """A vote: a whole value on the question's scale, or `missing` with one word that says why there is none."""

    model_config = ConfigDict(strict=True, extra="forbid")

    key: Annotated[str, Field(max_length=64)]
    question: Annotated[str, Field(max_length=60)] | None = None
    value: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] | None = None
    missing: Annotated[str, Field(max_length=40)] | None = None
    view_ms: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    response_ms: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    pixels_per_degree: Annotated[float, Field(gt=0, le=1e5, allow_inf_nan=False)] | None = None
    replication: Annotated[int, Field(ge=1, le=100)] | None = None
    training: bool | None = None


class EventIn(BaseModel):
    """Something that happened beside the votes, at the browser's clock `at`."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    at: Annotated[str, Field(max_length=40)] = ""
    presentation: Annotated[str, Field(max_length=64)] | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class EventsIn(BaseModel):
    """Events, oldest first."""

    events: Annotated[list[EventIn], Field(max_length=MOST_EVENTS)]


class SignOnIn(BaseModel):
    """The code of an invitation."""

    model_config = ConfigDict(strict=True, extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=200)]


class Stored(BaseModel):
    """The answer to a vote: presentations done of `length` in this phase, and those that come next."""

    stored: bool
    done: int
    length: int
    finished: bool
    next: list[dict[str, Any]]


class Refused(BaseModel):
    """Why nothing was stored."""

    error: str
    message: str


REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": Refused} for status in (401, 403, 404, 409, 413, 422, 503)}
VOTE_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": VoteIn.model_json_schema()}}}}


def parsed(model: type[BaseModel], body: bytes) -> Any:
    """A checked body. Raises VoteRefused 422 naming the field."""
    try:
        return model.model_validate_json(body)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise VoteRefused(f"{where}: {first['msg']}", status=422, code="bad_value") from None


def as_json(text: str) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(text, media_type="application/json", headers=PRIVATE)


@router.put("/ratings/{presentation}", responses={200: {"model": Stored}, **REFUSALS}, openapi_extra=VOTE_BODY)
async def rate(request: Request, presentation: str) -> Response:
    """Store one vote for the presentation that is due; the same key gives the same answer again."""
    said: VoteIn = parsed(VoteIn, await request.body())
    vote = Vote(
        device=request.state.device, presentation=presentation, key=said.key, question=said.question, value=said.value,
        missing=said.missing, view_ms=said.view_ms, response_ms=said.response_ms, pixels_per_degree=said.pixels_per_degree,
        replication=said.replication,
    )  # fmt: skip
    return as_json(await request.app.state.writer.vote(vote))


@router.get("/session", responses=REFUSALS)
def session(request: Request) -> Response:
    """Where the observer stands: phase, position, questions, settings, and the presentations that come next."""
    with Session(request.app.state.engine) as db:
        return as_json(json.dumps(session_values(db, request.app.state.sequences, request.state.device)))


def told(visit: visits.Visit) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What a frozen version asks, in the observer's language, and its settings."""
    questions = [
        {"id": q.name, "name": q.name, "kind": q.kind, "low": q.low, "high": q.high, "labels": visit.labels(q), "text": visit.sentence(q)}
        for q in visit.questions
    ]  # fmt: skip
    return questions, {**SETTINGS, **visit.protocol.get("settings", {})}


def session_values(db: Session, sequences: Sequences, device: str) -> dict[str, Any]:
    """The session's values; `phase` is done where no sitting is open."""
    connection = db.connection()
    row = read_places(connection, {device})[0]
    key = (row.version_id, choose_language(row.language))
    if key not in sequences.told:
        sequences.told[key] = told(visits.open_visit(db, row.observer_id))
    questions, settings = sequences.told[key]
    found: dict[str, Any] = {"session": row.token, "phase": "done", "position": 0, "length": 0, "paused_at": None, "pause_at": None,
                             "questions": questions, "settings": settings, "next": []}  # fmt: skip
    if row.session_id is None or row.study_state != "open" or row.state != "active":
        return found
    sequence = sequence_of(connection, row, sequences)
    index = position(connection, row, sequence)
    training = index < sequence.training
    found |= {
        "phase": "training" if training else "rating" if index < len(sequence.steps) else "done",
        "position": index if training else sequence.place(index),
        "length": sequence.training if training else sequence.length,
        "next": [json.loads(step.item) for step in sequence.due(index)],
    }
    if settings["pause"] and sequence.length >= SHORT_SITTING:
        found["pause_at"] = sequence.length // 2
    return found


@router.post("/session", responses=REFUSALS)
async def start(request: Request) -> Response:
    """Open the next sitting of a simulated observer; people open theirs on the pages, after consent and display."""
    device = request.state.device

    def work(db: Session) -> dict[str, Any]:
        observer = db.get_one(Observer, observer_of(db.connection(), device))
        if not observer.simulated:
            raise VoteRefused("a session begins on the pages", status=403, code="not_simulated")
        seats.start_sitting(db, observer)
        return session_values(db, request.app.state.sequences, device)

    return as_json(json.dumps(await request.app.state.writer.call(work)))


@router.post("/sign-on", responses=REFUSALS)
async def sign_on(request: Request) -> Response:
    """Sign on by an invitation's code; the answer sets the cookie."""
    said: SignOnIn = parsed(SignOnIn, await request.body())
    try:
        signed = await request.app.state.writer.call(lambda db: observers.sign_on(db, said.code))
    except VoteRefused as refusal:
        if refusal.status == 404 and request.app.state.limiter.fail(said.code):
            raise VoteRefused("too many wrong links: wait a minute", status=429, code="busy") from None
        raise
    answer = as_json(json.dumps({"pseudonym": signed.observer.pseudonym, "took_over": signed.took_over}))
    set_cookie(answer, OBSERVER_COOKIE, signed.cookie, secure=is_secure(request))
    return answer


@router.post("/events", status_code=204, responses=REFUSALS)
async def events(request: Request) -> Response:
    """Keep what happened beside the votes."""
    said: EventsIn = parsed(EventsIn, await request.body())
    for event in said.events:
        if not KIND.fullmatch(event.kind) or len(json.dumps(event.data)) > MOST_DATA:
            raise VoteRefused("an event has a kind of small letters and at most 2 kB of data", status=422, code="bad_event")
    await request.app.state.writer.call(lambda db: keep_events(db, request.state.observer_id, said.events))
    return Response(status_code=204, headers=PRIVATE)


def keep_events(db: Session, observer_id: int, said: list[EventIn]) -> None:
    """Store an observer's events; a presentation that isn't in the observer's row is left out."""
    observer = db.get_one(Observer, observer_id)
    query = select(RatingSession.id, RatingSession.slot_id).where(RatingSession.observer_id == observer_id)
    held = list(db.exec(query.order_by(RatingSession.number)).all())  # type: ignore[arg-type]
    tokens = [event.presentation for event in said if event.presentation]
    shown = dict(db.exec(select(Presentation.token, Presentation.id).where(
        Presentation.slot_id == held[-1][1], Presentation.token.in_(tokens))).all()) if held and tokens else {}  # type: ignore[attr-defined]  # fmt: skip
    for event in said:
        db.add(Event(study_id=observer.study_id, observer_id=observer_id, session_id=held[-1][0] if held else None,
                     presentation_id=shown.get(event.presentation or ""), kind=event.kind, at=now(),
                     data={**event.data, "client_at": event.at}))  # fmt: skip
