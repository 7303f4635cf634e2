"""Model observers: votes from a known truth, so that a study can be rehearsed and its scores checked.

vote = round and clip of (true quality of the image + content effect + observer's bias + observer's inconsistency x normal noise
+ drift over the row). The true quality is KADID-10k's mean opinion of the type and level, mapped to the scale. Everything is drawn
from one seed and written to `studies/NAME/simulation.json`. What they rate carries `simulated` for good.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from annotate_app import observers, seats
from annotate_app.design_squares import generator
from annotate_app.kadid import dmos_of, on_scale
from annotate_app.security import token_hash
from annotate_app.sequence import Sequences, Step
from annotate_app.votes import Vote, done_steps, position, read_places, sequence_of, store
from db.engine import reading, writing
from db.models import Observer, Panel, Presentation, RatingSession, Slot, Stimulus, StudyStimulus
from db.queries import studies as queries
from workspace.errors import StudyFault, VoteRefused
from workspace.files import write_json
from workspace.settings import Workspace


@dataclass(frozen=True)
class Parameters:
    """The table that every model observer is drawn from; spreads in shares of the scale's length (10 levels: 9).

    `content_sd` and `bias_sd` of normal effects; inconsistency uniform in `noise_low`..`noise_high`; `drift_sd` from the row's
    first to its last vote; a share `careless` votes at random; log-normal times with a median of `response_ms` and sigma
    `response_sigma`, never under `least_view_ms`.
    """

    content_sd: float = 0.05
    bias_sd: float = 0.08
    noise_low: float = 0.07
    noise_high: float = 0.18
    drift_sd: float = 0.03
    careless: float = 0.05
    response_ms: float = 3200.0
    response_sigma: float = 0.45
    least_view_ms: float = 900.0


@dataclass(frozen=True)
class Truth:
    """What is known beforehand: `quality` of each image with its content's effect, by name, on the scale `low`..`high`."""

    low: int
    high: int
    quality: Mapping[str, float]
    content: Mapping[str, float]


class ModelObserver:
    """One model observer, the same for the same seed and pseudonym."""

    def __init__(self, truth: Truth, parameters: Parameters, seed: int, pseudonym: str) -> None:
        self.truth, self.parameters = truth, parameters
        self.rng = generator(seed, "observer", pseudonym)
        span = truth.high - truth.low
        self.bias = float(self.rng.normal(0, parameters.bias_sd * span))
        self.noise = float(self.rng.uniform(parameters.noise_low, parameters.noise_high) * span)
        self.drift = float(self.rng.normal(0, parameters.drift_sd * span))
        self.careless = bool(self.rng.random() < parameters.careless)
        self.seed = seed
        self.pseudonym = pseudonym

    def row(self) -> dict[str, Any]:
        """What was drawn for this observer, in units of the scale."""
        return {
            "observer": self.pseudonym,
            "bias": self.bias,
            "inconsistency": self.noise,
            "drift": self.drift,
            "careless": self.careless,
        }

    def vote(self, stimulus: str, presentation: str, low: int, high: int, share: float) -> dict[str, Any]:
        """A vote on `low`..`high` at `share` 0..1 of the row: value and times in ms; the same whenever it is asked."""
        rng = generator(self.seed, "vote", self.pseudonym, presentation, low, high)
        response = self.parameters.least_view_ms + self.parameters.response_ms * math.exp(
            rng.normal(0, self.parameters.response_sigma)
        )
        if self.careless:
            value = int(rng.integers(low, high + 1))
            response = self.parameters.least_view_ms + response / 8
        else:
            meant = self.truth.quality.get(stimulus, (self.truth.low + self.truth.high) / 2)
            meant += self.bias + self.drift * (share - 0.5) + self.noise * float(rng.normal())
            share_up = (meant - self.truth.low) / (self.truth.high - self.truth.low)
            value = int(min(high, max(low, round(low + share_up * (high - low)))))
        return {"value": value, "view_ms": round(response, 1), "response_ms": round(response, 1)}


@dataclass(frozen=True)
class Rehearsal:
    """What a run of model observers needs: study, panel, truth, seed and the observers' pseudonyms."""

    study: str
    panel_id: int
    truth: Truth
    parameters: Parameters
    seed: int
    observers: tuple[str, ...]
    places: int

    def model(self, pseudonym: str) -> ModelObserver:
        """The model observer of that pseudonym."""
        return ModelObserver(self.truth, self.parameters, self.seed, pseudonym)


def prepare(
    workspace: Workspace, engine: Engine, study: str, count: int, *, panel: str | None = None, seed: int | None = None,
    parameters: Parameters | None = None,
) -> Rehearsal:  # fmt: skip
    """Bring a panel to `count` simulated observers (those who are there go on) and write the table. Raises StudyFault."""
    parameters = parameters or Parameters()
    with writing(engine) as session:
        found = queries.named(session, study)
        if found.state != "open":
            raise StudyFault(f"the study {study!r} is {found.state}: open it with `dermiqa study open {study}`")
        version = queries.frozen_version(session, found)
        chosen = queries.panel_named(session, version, panel)
        used = version.seed if seed is None else seed
        names = _names(session, chosen, count)
        truth = _truth(session, version.id, used, parameters)
        rows = session.exec(select(Slot.length).where(Slot.panel_id == chosen.id)).first() or 0
        assert chosen.id is not None
        made = Rehearsal(study, chosen.id, truth, parameters, used, tuple(names), rows)
    write_json(workspace.study(study) / "simulation.json", table(made))
    return made


def table(rehearsal: Rehearsal) -> dict[str, Any]:
    """Everything that was drawn or chosen, as it is written beside the study."""
    return {
        "seed": rehearsal.seed,
        "parameters": asdict(rehearsal.parameters),
        "scale": [rehearsal.truth.low, rehearsal.truth.high],
        "observers": [rehearsal.model(name).row() for name in rehearsal.observers],
        "content_effects": dict(sorted(rehearsal.truth.content.items())),
        "true_quality": dict(sorted(rehearsal.truth.quality.items())),
    }


def _names(session: Session, panel: Panel, count: int) -> list[str]:
    query = select(Observer).where(Observer.panel_id == panel.id, col(Observer.simulated).in_([True])).order_by(col(Observer.id))
    held = list(session.exec(query).all())
    people = session.exec(select(Observer.id).where(Observer.panel_id == panel.id, col(Observer.simulated).in_([False]),
                                                    col(Observer.state).in_(("active", "finished")))).all()  # fmt: skip
    rows = len(queries.slots(session, panel.id))
    if count > rows - len(people):
        raise StudyFault(
            f"{count} simulated observers and a plan with {rows - len(people)} free rows: ask for fewer, or plan more"
        )
    names = [observer.pseudonym for observer in held][:count]
    return names + [made.pseudonym for made in observers.invite(session, panel, max(0, count - len(names)), simulated=True)]


def _truth(session: Session, version_id: int | None, seed: int, parameters: Parameters) -> Truth:
    """True quality of every image of a version, contents shifted by effects of their own."""
    question = queries.questions(session, version_id)[0]
    rows = session.exec(select(Stimulus, StudyStimulus.content).join(StudyStimulus, col(StudyStimulus.stimulus_id) == Stimulus.id).where(
        StudyStimulus.version_id == version_id)).all()  # fmt: skip
    span = question.high - question.low
    effects = {
        c: float(generator(seed, "content", c).normal(0, parameters.content_sd * span)) for c in sorted({c for _, c in rows})
    }
    quality = {}
    for stimulus, content in rows:
        dmos = dmos_of(str(stimulus.info.get("kadid_type", "")), str(stimulus.info.get("kadid_level", "")))
        known = dmos if dmos is not None else 1 + 4 * float(generator(seed, "image", stimulus.name).uniform(0.1, 0.9))
        quality[stimulus.name] = on_scale(known, question.low, question.high) + effects[content]
    return Truth(question.low, question.high, quality, effects)


def links(engine: Engine, rehearsal: Rehearsal) -> dict[str, str]:
    """A fresh code for every simulated observer who has not finished; older links die. Gives pseudonym -> code."""
    with writing(engine) as session:
        query = select(Observer).where(Observer.panel_id == rehearsal.panel_id, col(Observer.simulated).in_([True]))
        return {
            o.pseudonym: observers.reissue(session, o)
            for o in session.exec(query.order_by(col(Observer.id))).all()
            if o.pseudonym in rehearsal.observers and o.state in ("invited", "active", "waiting")
        }


def directly(engine: Engine, rehearsal: Rehearsal, batch: int = 200) -> Iterator[int]:
    """Let the observers rate without a server, by the server's own checks; yields votes stored, observer by observer."""
    sequences = Sequences()
    for pseudonym, code in links(engine, rehearsal).items():
        with writing(engine) as session:
            device = _sign_on(session, code)
        while _start(engine, device):
            yield from _sitting(engine, device, rehearsal, pseudonym, sequences, batch)


def _sign_on(session: Session, code: str) -> str:
    return token_hash(observers.sign_on(session, code).cookie)


def _start(engine: Engine, device: str) -> bool:
    with writing(engine) as session:
        row = read_places(session.connection(), {device})[0]
        if row.state != "active":
            return False
        try:
            seats.start_sitting(session, session.get_one(Observer, row.observer_id))
        except VoteRefused as refusal:
            if refusal.code in ("finished", "waiting"):
                return False
            raise
    return True


def _sitting(
    engine: Engine, device: str, rehearsal: Rehearsal, pseudonym: str, sequences: Sequences, batch: int
) -> Iterator[int]:
    with reading(engine) as session:
        connection = session.connection()
        row = read_places(connection, {device})[0]
        sequence = sequence_of(connection, row, sequences)
        index = position(connection, row, sequence)
        names = stimulus_names(session, row.slot_id)
    model = rehearsal.model(pseudonym)
    for start in range(index, len(sequence.steps), batch):
        steps = sequence.steps[start : start + batch]
        votes = [_vote(device, step, model, names, rehearsal.places) for step in steps]
        with writing(engine) as session:
            for answer in store(session.connection(), votes, sequences):
                if isinstance(answer, VoteRefused):
                    raise answer
        yield len(steps)


def _vote(device: str, step: Step, model: ModelObserver, names: Mapping[str, tuple[str, int]], places: int) -> Vote:
    stimulus, place = names[step.token]
    said = model.vote(stimulus, f"{stimulus}@{place}", step.question.low, step.question.high, place / max(1, places))
    return Vote(device, step.token, f"{model.pseudonym}-{step.presentation}-{step.question.id}", step.question.name, **said)


def stimulus_names(session: Session, slot_id: int) -> dict[str, tuple[str, int]]:
    """Presentation -> (image, position) of a row: what no page is ever told."""
    query = select(Presentation.token, Stimulus.name, Presentation.position).join(
        Stimulus, col(Stimulus.id) == Presentation.stimulus_id
    )
    return {token: (name, place) for token, name, place in session.exec(query.where(Presentation.slot_id == slot_id)).all()}


def left_to_do(engine: Engine, rehearsal: Rehearsal) -> int:
    """Places that the observers have still to rate, training counted: what a progress bar counts to."""
    with reading(engine) as session:
        query = select(RatingSession.id).join(Observer, col(Observer.id) == RatingSession.observer_id).where(
            Observer.panel_id == rehearsal.panel_id, col(Observer.pseudonym).in_(rehearsal.observers))  # fmt: skip
        sittings: Sequence[int] = [key for key in session.exec(query).all() if key is not None]
        done = sum(done_steps(session.connection(), list(sittings)).values())
    return max(0, rehearsal.places * len(rehearsal.observers) - done)
