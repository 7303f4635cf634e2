"""A frozen plan as the database holds it: its images in their roles, and the rows of each panel."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from annotate_app.design import RATED, Image, Plan, Rules, Shown
from annotate_app.design_proof import rules_from
from annotate_app.tables import PRESENTATIONS, SLOTS, STIMULI, STUDY_STIMULI
from db.models import StudyVersion
from db.queries import studies as queries


def image_rows(session: Session, version: StudyVersion) -> list[Any]:
    """The images of a version by name: id, name, sha256, variant, role, content, file, expected, tolerance."""
    s, f = STIMULI.c, STUDY_STIMULI.c
    query = select(s.id, s.name, s.sha256, s.variant, f.role, f.content, f.file, f.expected, f.tolerance).join(
        STUDY_STIMULI, f.stimulus_id == s.id
    )
    return list(session.connection().execute(query.where(f.version_id == version.id).order_by(s.name)))


def stored_plans(session: Session, version: StudyVersion) -> list[Plan]:
    """The plans as the database holds them, added rows too; the distances are the ones that were reached when rows were made."""
    rows = image_rows(session, version)
    everything = [Image(row.name, row.content, row.variant or "", row.role) for row in rows]
    plans = []
    for number, panel in enumerate(queries.panels(session, version.id)):
        contents = set(version.protocol["panel_contents"][panel.name])
        images = tuple(i for i in everything if i.role not in RATED or i.content in contents)
        rules = rules_of(version, panel.name)
        made = _stored_rows(session, panel.id, {image.name: k for k, image in enumerate(images)})
        reached = _reached(version, number, panel.name, len(made))
        distances = tuple((distance,) * rules.sittings for distance in reached)
        plans.append(Plan(images, rules, version.seed, panel.name, made, distances))
    return plans


def rules_of(version: StudyVersion, panel: str) -> Rules:
    """The rules that a panel's rows were made by."""
    return rules_from(version.protocol["derived"][panel]["rules"])


def top_ups(version: StudyVersion, panel: str) -> list[Mapping[str, Any]]:
    """What was added to a panel's frozen rows, in order."""
    return [added for added in version.proof.get("top_ups", ()) if added["panel"] == panel]


def _reached(version: StudyVersion, number: int, panel: str, rows: int) -> list[int]:
    """The distance that each row reached, by the proof of the frozen plan or of the rows added to it."""
    found = [int(version.proof["panels"][number]["distance"]["reached"])] * rows
    for added in top_ups(version, panel):
        end = min(rows, added["first"] + added["rows"])
        found[added["first"] : end] = [int(added["distance"]["reached"])] * max(0, end - added["first"])
    return found


def _stored_rows(session: Session, panel_id: int | None, place: dict[str, int]) -> tuple[tuple[Shown, ...], ...]:
    """A panel's rows in order; equal showings are one value, since a plan of millions holds few different ones."""
    p, s = PRESENTATIONS.c, SLOTS.c
    query = (
        select(s.number, p.session, p.role, STIMULI.c.name)
        .join(SLOTS, s.id == p.slot_id)
        .join(STIMULI, STIMULI.c.id == p.stimulus_id)
        .where(s.panel_id == panel_id)
        .order_by(s.number, p.position)
    )
    rows: dict[int, list[Shown]] = {}
    known: dict[tuple[int, str, str], Shown] = {}
    for number, *said in session.connection().execute(query.execution_options(yield_per=10_000)):
        key = (said[0], said[1], said[2])
        shown = known.get(key)
        if shown is None:
            shown = known[key] = Shown(said[0], place[said[2]], sys.intern(said[1]))
        rows.setdefault(number, []).append(shown)
    return tuple(tuple(rows.pop(number)) for number in sorted(rows))
