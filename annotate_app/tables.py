"""The tables as plain ones, for queries that are asked for every vote."""

from __future__ import annotations

from sqlalchemy import Table
from sqlmodel import SQLModel

import db.models  # noqa: F401


def _table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


ASSIGNMENTS = _table("assignments")
DEVICES = _table("devices")
EVENTS = _table("events")
OBSERVERS = _table("observers")
PANELS = _table("panels")
PRESENTATIONS = _table("presentations")
QUESTIONS = _table("questions")
RATINGS = _table("ratings")
SESSIONS = _table("sessions")
SLOTS = _table("slots")
STIMULI = _table("stimuli")
STUDIES = _table("studies")
STUDY_STIMULI = _table("study_stimuli")
VERSIONS = _table("study_versions")
