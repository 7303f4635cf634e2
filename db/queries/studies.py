"""Studies, their versions, panels and questions."""

from __future__ import annotations

from sqlmodel import Session, col, select

from db.models import Panel, Question, Slot, Study, StudyStimulus, StudyVersion
from workspace.errors import StudyFault, nearest


def named(session: Session, name: str) -> Study:
    """The study of that name. Raises StudyFault naming the nearest one."""
    found = session.exec(select(Study).where(Study.name == name)).first()
    if found is None:
        known = list(session.exec(select(Study.name).order_by(Study.name)).all())
        raise StudyFault(f"no study {name!r}{nearest(name, known)}: make one with `dermiqa study create {name}`")
    return found


def all_studies(session: Session) -> list[Study]:
    """Every study, by name."""
    return list(session.exec(select(Study).order_by(Study.name)).all())


def versions(session: Session, study: Study) -> list[StudyVersion]:
    """All frozen versions, oldest first."""
    return list(
        session.exec(select(StudyVersion).where(StudyVersion.study_id == study.id).order_by(col(StudyVersion.version))).all()
    )


def latest_version(session: Session, study: Study) -> StudyVersion | None:
    """The newest frozen version; None while there is none."""
    found = versions(session, study)
    return found[-1] if found else None


def frozen_version(session: Session, study: Study) -> StudyVersion:
    """The newest frozen version. Raises StudyFault when nothing is frozen."""
    found = latest_version(session, study)
    if found is None:
        raise StudyFault(f"the study {study.name!r} is not frozen yet: run `dermiqa study freeze {study.name}`")
    return found


def panels(session: Session, version_id: int | None) -> list[Panel]:
    """The panels of a version."""
    return list(session.exec(select(Panel).where(Panel.version_id == version_id).order_by(col(Panel.id))).all())


def panel_named(session: Session, version: StudyVersion, name: str | None) -> Panel:
    """A version's panel by name (None: its first). Raises StudyFault."""
    found = panels(session, version.id)
    if name is None:
        return found[0]
    for panel in found:
        if panel.name == name:
            return panel
    known = [panel.name for panel in found]
    raise StudyFault(f"no panel {name!r}{nearest(name, known)}: {', '.join(known)}")


def questions(session: Session, version_id: int | None) -> list[Question]:
    """The questions of a version, in their order."""
    return list(session.exec(select(Question).where(Question.version_id == version_id).order_by(col(Question.position))).all())


def study_stimuli(session: Session, version_id: int | None) -> list[StudyStimulus]:
    """The images of a version in their roles."""
    return list(session.exec(select(StudyStimulus).where(StudyStimulus.version_id == version_id)).all())


def slots(session: Session, panel_id: int | None) -> list[Slot]:
    """The rows of a panel's plan, in order."""
    return list(session.exec(select(Slot).where(Slot.panel_id == panel_id).order_by(col(Slot.number))).all())
