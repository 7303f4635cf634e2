"""A frozen plan as a table: which image stands at which place of which row, and whose row it was."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import select
from sqlmodel import Session

from annotate_app.tables import ASSIGNMENTS, OBSERVERS, PANELS, PRESENTATIONS, SLOTS, STIMULI, STUDY_STIMULI
from db.models import StudyVersion

COLUMNS = ("panel", "row", "session", "position", "stimulus", "role", "content", "sha256", "observer")


def plan_rows(session: Session, version: StudyVersion, phase: str = "main") -> pd.DataFrame:
    """Every showing of a frozen version, in the plan's order, columns COLUMNS.

    `row` and `position` within it count from 0; session 0 is the training, which everyone sees who gets a part of the row, the
    sittings count from 1. `sha256` is that of the frozen file. `observer` is the pseudonym of who was given the place, empty for
    training and for a place that nobody has taken.
    """
    p, s, f, a = PRESENTATIONS.c, STIMULI.c, STUDY_STIMULI.c, ASSIGNMENTS.c
    given = (a.slot_id == p.slot_id) & (p.position >= a.from_position) & (p.position < a.to_position)
    query = (
        select(PANELS.c.name, SLOTS.c.number, p.session, p.position, s.name, p.role, f.content, s.sha256, OBSERVERS.c.pseudonym)
        .select_from(PRESENTATIONS)
        .join(SLOTS, SLOTS.c.id == p.slot_id)
        .join(PANELS, PANELS.c.id == SLOTS.c.panel_id)
        .join(STIMULI, s.id == p.stimulus_id)
        .join(STUDY_STIMULI, (f.version_id == p.version_id) & (f.stimulus_id == p.stimulus_id))
        .outerjoin(ASSIGNMENTS, given)
        .outerjoin(OBSERVERS, OBSERVERS.c.id == a.observer_id)
        .where(p.version_id == version.id, PANELS.c.phase == phase)
        .order_by(PANELS.c.id, SLOTS.c.number, p.position)
    )
    rows = [tuple(row) for row in session.connection().execute(query)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.fillna({"observer": ""})
