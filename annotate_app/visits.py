"""An observer's visit: who it is, which study and plan, which step comes now; and what a step's answer changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy.orm import defer
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Session, col, select

from annotate_app import steps, texts, vision
from annotate_app.eyes import is_lab, next_gap
from annotate_app.kadid import dmos_of
from annotate_app.outcomes import Outcome
from annotate_app.pages import choose_language
from annotate_app.seats import start_sitting
from annotate_app.sequence import Part, sittings_of
from annotate_app.steps import Way
from db.models import Assignment, Observer, Panel, Question, RatingSession, Slot, Stimulus, Study, StudyStimulus, StudyVersion
from db.types import now

_LIGHT = defer(StudyVersion.proof)  # type: ignore[arg-type]


@dataclass
class Visit:
    """One request of a signed-on observer, inside one database session."""

    db: Session
    observer: Observer
    study: Study
    panel: Panel
    version: StudyVersion

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The frozen protocol."""
        return self.version.protocol

    @cached_property
    def way(self) -> Way:
        """What the study asks on the way to the pictures."""
        return Way.of(self.protocol)

    @property
    def language(self) -> str:
        """The observer's language."""
        return choose_language(self.observer.language)

    @cached_property
    def assignment(self) -> Assignment | None:
        """The observer's part of the plan; None while waiting for a place."""
        found = select(Assignment).where(Assignment.observer_id == self.observer.id).order_by(col(Assignment.id).desc())
        return self.db.exec(found).first()

    @cached_property
    def sessions(self) -> list[RatingSession]:
        """The observer's sessions so far, in order."""
        found = select(RatingSession).where(RatingSession.observer_id == self.observer.id).order_by(col(RatingSession.number))
        return list(self.db.exec(found))

    @property
    def done(self) -> int:
        """Sessions that have ended."""
        return sum(one.ended is not None for one in self.sessions)

    @property
    def total(self) -> int:
        """Sessions in all."""
        if self.assignment is not None:
            held = self.assignment
            part = Part(held.slot_id, held.from_position, held.to_position)
            return max(1, len(sittings_of(self.db.connection(), part)))
        found = select(Slot.sessions).where(Slot.panel_id == self.panel.id)
        return self.db.exec(found).first() or 1

    @property
    def number(self) -> int:
        """The session that is open or comes next, counted from 1."""
        return self.done + 1

    @cached_property
    def questions(self) -> list[Question]:
        """What is asked of each image, the quality first."""
        found = select(Question).where(Question.version_id == self.version.id).order_by(col(Question.position))
        return list(self.db.exec(found))

    @property
    def seed(self) -> int:
        """A number of the observer's own for signs and plates: the same at each visit, unknown outside."""
        return int.from_bytes(hashlib.sha256(self.observer.token.encode()).digest()[:6], "big")

    def texts(self) -> dict[str, str]:
        """The study's texts in the observer's language, places filled."""
        labels = self.labels(self.questions[0])
        places = {
            "sessions": self.total,
            "minutes": self.way.minutes,
            "per_window": self.way.per_window,
            "window_hours": f"{self.way.window_hours:g}",
            "low_label": f"{self.questions[0].low} ({labels[0]})" if labels else self.questions[0].low,
            "high_label": f"{self.questions[0].high} ({labels[-1]})" if labels else self.questions[0].high,
        }
        return texts.study_texts(self.protocol, self.language, places)

    def labels(self, question: Question) -> list[str]:
        """A question's labels in the observer's language."""
        own = question.texts.get(self.language) or {}
        labels = (own.get("labels") if isinstance(own, dict) else None) or question.texts.get("labels") or []
        return [texts.word(str(label), self.language) for label in labels]

    def sentence(self, question: Question) -> str:
        """A question as it is asked, in the observer's language."""
        own = question.texts.get(self.language) or question.texts.get("en") or {}
        said = own.get("text") if isinstance(own, dict) else own
        return str(said or texts.word(texts.QUESTIONS.get(question.name, question.name), self.language))


def open_visit(db: Session, observer_id: int) -> Visit:
    """The visit of an observer known by its key."""
    observer = db.get_one(Observer, observer_id)
    panel = db.get_one(Panel, observer.panel_id)
    version = db.get_one(StudyVersion, panel.version_id, options=[_LIGHT])
    return Visit(db, observer, db.get_one(Study, observer.study_id), panel, version)


def current_step(visit: Visit) -> str:
    """The step that the observer is at, moved on where the study or a session has; stored by the caller's commit, if any."""
    observer = visit.observer
    if observer.state in ("withdrawn", "erased"):
        return "withdrawn"
    if observer.state in ("waiting", "screened_out", "replaced"):
        return observer.state
    if observer.step in ("finished", "remarks"):
        return observer.step
    if visit.study.state != "open":
        return "closed"
    if observer.step == "welcome":
        observer.step = steps.first(visit.way, visit.number)
    elif observer.step == "rate" and visit.sessions and visit.sessions[-1].ended is not None:
        _end_session(visit)
    visit.db.add(observer)
    return observer.step


def _end_session(visit: Visit) -> None:
    observer = visit.observer
    observer.step = steps.after_session(visit.done, visit.total, visit.way)
    if visit.done >= visit.total and observer.finished is None:
        observer.state, observer.finished = "finished", now()


def may_start(visit: Visit) -> datetime:
    """When the observer's next session may start, now or later."""
    return steps.may_start([one.started for one in visit.sessions], now(), visit.way)


def keep(visit: Visit, step: str, outcome: Outcome) -> None:
    """Store a step's values and flags, and move on unless something is open or the visit ends."""
    observer = visit.observer
    kept = dict(outcome.values)
    if visit.number > 1 and step == "short":
        observer.answers.setdefault("later", {})[str(visit.number)] = kept
    else:
        observer.answers[step] = {**(observer.answers.get(step) or {}), **kept, "at": now().isoformat(timespec="seconds")}
    observer.flags.update(outcome.flags)
    flag_modified(observer, "answers")
    flag_modified(observer, "flags")
    if not outcome.faults:
        _move_on(visit, step, outcome)
    visit.db.add(observer)


def _move_on(visit: Visit, step: str, outcome: Outcome) -> None:
    observer = visit.observer
    if step == "consent":
        observer.consent_version, observer.consented = outcome.values["version"], now()
        observer.state = "active" if observer.state == "invited" else observer.state
    if step == "questions":
        observer.time_zone = outcome.values["time_zone"]
    if outcome.ending is not None:
        observer.state, observer.step = outcome.ending, outcome.ending
    elif step == "remarks":
        observer.step = "finished"
    elif not outcome.again:
        following = steps.after(step, visit.way, visit.number)
        if following == "examples" and not examples(visit):
            following = steps.after(following, visit.way, visit.number)
        go_to(visit, following)


def go_to(visit: Visit, step: str) -> None:
    """Put the observer at a step; the pictures open the session, with what is known of the display."""
    observer = visit.observer
    observer.step = step
    if step == "rate":
        start_sitting(visit.db, observer, display(visit))
    visit.db.add(observer)


def display(visit: Visit) -> dict[str, Any]:
    """What is known of the display in this session: the first time's measures, then this session's short check."""
    kept = visit.observer.answers
    parts = [kept.get(step) or {} for step in ("screen", "card", "patches", "ticks", "short")]
    if visit.number > 1:
        parts.append((kept.get("later") or {}).get(str(visit.number)) or {})
    known: dict[str, Any] = {}
    for part in parts:
        known |= {name: value for name, value in part.items() if name != "at"}
    return known


def measured(visit: Visit) -> float | None:
    """Device pixels per degree from the card and the distance, None where the display was not measured."""
    value = (visit.observer.answers.get("card") or {}).get("pixels_per_degree")
    return float(value) if value else None


def examples(visit: Visit) -> list[tuple[StudyStimulus, Stimulus, str]]:
    """One reserved image for each label, worst first, by KADID-10k's mean opinion of that type and level; empty without any."""
    labels = visit.labels(visit.questions[0])
    rows = visit.db.exec(
        select(StudyStimulus, Stimulus)
        .join(Stimulus, col(Stimulus.id) == col(StudyStimulus.stimulus_id))
        .where(StudyStimulus.version_id == visit.version.id, col(StudyStimulus.role).in_(("training", "stabilising")))
        .order_by(col(Stimulus.name))
    ).all()
    left = [(quality(stimulus), use, stimulus) for use, stimulus in rows]
    if not labels or len(left) < len(labels):
        return []
    found = []
    for i, label in enumerate(labels):
        target = 1 + 4 * i / max(1, len(labels) - 1)
        best = min(left, key=lambda one: abs(one[0] - target))
        left.remove(best)
        found.append((best[1], best[2], label))
    return found


def quality(stimulus: Stimulus) -> float:
    """An image's supposed quality, 1..5: KADID-10k's for its type and level, 5 for a pristine one, 3 where nothing is known."""
    if not stimulus.variant:
        return 5.0
    known = dmos_of(str(stimulus.info.get("kadid_type", "")), str(stimulus.info.get("kadid_level", "")))
    return 3.0 if known is None else float(known)


def acuity_gap(visit: Visit) -> int | None:
    """The gap in device pixels of the card that is due; None when none is left."""
    if is_lab(visit.way, visit.observer.answers):
        return vision.GAP_PIXELS
    return next_gap((visit.observer.answers.get("acuity") or {}).get("cards") or {})
