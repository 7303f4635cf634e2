"""A photo taken out: its images keep their places in plans, and lose what was told of them."""

from __future__ import annotations

from sqlmodel import Session, col, func, select

from db.models import Presentation, Rating, Stimulus, Study, StudyStimulus, StudyVersion
from db.queries.audit import append


def withdraw_photo(session: Session, pristine: str, day: str) -> list[str]:
    """Within a writing transaction: mark the photo's images as withdrawn (`info` keeps that day alone); one line per study.

    Plans and votes stay. Nothing happens when no study holds the photo.
    """
    images = list(session.exec(select(Stimulus).where(Stimulus.pristine == pristine)).all())
    if not images:
        return []
    for image in images:
        image.info = {"withdrawn": day}
        session.add(image)
    append(session, "photo withdrawn", object_kind="photo", detail={"pristine": pristine, "images": len(images)})
    return [_line(session, name, pristine) for name in _studies(session, pristine)]


def _studies(session: Session, pristine: str) -> list[str]:
    found = session.exec(
        select(Study.name)
        .join(StudyVersion, col(StudyVersion.study_id) == col(Study.id))
        .join(StudyStimulus, col(StudyStimulus.version_id) == col(StudyVersion.id))
        .join(Stimulus, col(Stimulus.id) == col(StudyStimulus.stimulus_id))
        .where(Stimulus.pristine == pristine)
        .distinct()
        .order_by(Study.name)
    )
    return list(found.all())


def _line(session: Session, study: str, pristine: str) -> str:
    shown = (
        select(Presentation.id)
        .join(Stimulus, col(Stimulus.id) == col(Presentation.stimulus_id))
        .join(StudyVersion, col(StudyVersion.id) == col(Presentation.version_id))
        .join(Study, col(Study.id) == col(StudyVersion.study_id))
        .where(Stimulus.pristine == pristine, Study.name == study)
    )
    planned = session.exec(select(func.count()).select_from(shown.subquery())).one()
    voted = session.exec(select(func.count()).select_from(Rating).where(col(Rating.presentation_id).in_(shown))).one()
    return f"study {study}: {planned} places in the plan can't be shown any more; {voted} votes stay"
