"""A small study with votes, written row by row: two observers, two images, one question."""

from __future__ import annotations

from sqlalchemy import Engine

from db.engine import writing
from db.models import (
    Assignment,
    Device,
    Event,
    Invitation,
    Observer,
    Panel,
    Presentation,
    Question,
    Rating,
    RatingSession,
    Slot,
    Stimulus,
    Study,
    StudyStimulus,
    StudyVersion,
)  # fmt: skip


def fill(engine: Engine) -> None:
    """Write the study `skin` with observers P01 and P02, two votes each."""
    with writing(engine) as session:
        study = Study(name="skin", state="open")
        session.add(study)
        session.flush()
        assert study.id
        version = StudyVersion(
            study_id=study.id, version=1, protocol={"texts": {"en": "ñ"}}, seed=1, design_version="1",
            plan_sha256="p", files_sha256="f", sha256="s",
        )  # fmt: skip
        session.add(version)
        session.flush()
        assert version.id
        panel, question = Panel(version_id=version.id), Question(version_id=version.id)
        images = [
            Stimulus(name=f"P0001/{kind}", sha256=kind, kind=kind, width=4, height=4, pristine="P0001", subject="S1")
            for kind in ("pristine", "variant")
        ]
        session.add_all([panel, question, *images])
        session.flush()
        for image in images:
            role = "reference" if image.kind == "pristine" else "test"
            assert image.id
            session.add(StudyStimulus(version_id=version.id, stimulus_id=image.id, role=role, content="P0001", file="x.png"))
        session.flush()
        for number in (1, 2):
            _observer(session, study, version, panel, question, images, number)


def _observer(session, study, version, panel, question, images, number):  # type: ignore[no-untyped-def]
    slot = Slot(panel_id=panel.id, number=number, sessions=1, length=2)
    observer = Observer(
        study_id=study.id,
        panel_id=panel.id,
        pseudonym=f"P0{number}",
        state="active",
        answers={"age": "30-39", "secret": "s3cr3t"},
    )
    session.add_all([slot, observer])
    session.flush()
    given = Assignment(slot_id=slot.id, observer_id=observer.id, to_position=1)
    session.add_all(
        [
            given,
            Invitation(panel_id=panel.id, observer_id=observer.id, code_hash=f"c{number}"),
            Device(observer_id=observer.id, token_hash=f"d{number}"),
            Event(study_id=study.id, observer_id=observer.id, kind="blur", data={"ms": 12}),
        ]
    )
    session.flush()
    sitting = RatingSession(assignment_id=given.id, slot_id=slot.id, observer_id=observer.id, number=1, display={"dpr": 2})
    shown = [
        Presentation(slot_id=slot.id, version_id=version.id, session=1, position=i, stimulus_id=image.id, role="test")
        for i, image in enumerate(images)
    ]
    session.add_all([sitting, *shown])
    session.flush()
    for i, one in enumerate(shown):
        session.add(
            Rating(
                presentation_id=one.id,
                question_id=question.id,
                slot_id=slot.id,
                assignment_id=given.id,
                observer_id=observer.id,
                session_id=sitting.id,
                low=1,
                high=10,
                value=9 - i * number,
                key=f"k{i}",
                view_ms=1234.5,
            )
        )
    session.flush()
