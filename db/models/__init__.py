"""Tables. The database itself refuses another's vote (composite keys) and a value off the scale (CHECK).

A study has versions; a frozen one has panels, questions, the images in their roles, and a plan: slots (rows) of presentations.
An assignment gives positions of a slot to an observer; a rating belongs to a presentation of that slot. Integer keys stay inside;
`token` columns are the random opaque names that stand in addresses. Moments are UTC.
"""

from __future__ import annotations

from db.models.columns import CURATOR_ROLES, JOB_STATES, OBSERVER_STATES, PHASES, ROLES, STRICT, STUDY_STATES, new_token
from db.models.curators import Curator, CuratorSession
from db.models.observers import Assignment, Decision, Device, Invitation, Observer
from db.models.plans import Presentation, Slot, Stimulus, StudyStimulus
from db.models.studies import Panel, Question, Study, StudyVersion
from db.models.votes import Event, Rating, RatingSession
from db.models.work import Audit, Job, Summary

__all__ = [
    "Assignment",
    "Audit",
    "CURATOR_ROLES",
    "Curator",
    "CuratorSession",
    "Decision",
    "Device",
    "Event",
    "Invitation",
    "JOB_STATES",
    "Job",
    "OBSERVER_STATES",
    "Observer",
    "PHASES",
    "Panel",
    "Presentation",
    "Question",
    "ROLES",
    "Rating",
    "RatingSession",
    "STRICT",
    "STUDY_STATES",
    "Slot",
    "Stimulus",
    "Study",
    "StudyStimulus",
    "StudyVersion",
    "Summary",
    "new_token",
]
