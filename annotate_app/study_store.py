"""A frozen study's rows in the database: version, images in their roles, questions, panels and the plan, written in bounded pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session

from annotate_app.design import Plan
from annotate_app.selection import Chosen
from annotate_app.tables import PRESENTATIONS, SLOTS, STIMULI, STUDY_STIMULI
from db.models import Panel, Question, Study, StudyVersion, new_token

CHUNK = 20_000
NAMES = 5_000


@dataclass(frozen=True)
class Preview:
    """What a draft would freeze: its images in roles, one plan per panel, and each plan's proof; `unmade` presentations where the
    plans were too large to be made for looking at."""

    draft: dict[str, Any]
    seed: int
    chosen: list[Chosen]
    plans: list[Plan]
    proofs: list[dict[str, Any]]
    unmade: int = 0

    @property
    def violations(self) -> int:
        """All violations of all panels; must be 0."""
        return sum(sum(p["violations"].values()) for p in self.proofs)


def store(session: Session, looked: Preview, version: StudyVersion, study: Study, files: Mapping[str, str]) -> None:
    """Write a version and all that belongs to it within the caller's transaction; the study becomes frozen."""
    version.study_id = _id(study)
    session.add(version)
    session.flush()
    session.refresh(version)
    stimuli = store_stimuli(session, _id(version), looked.chosen, files)
    for place, question in enumerate(looked.draft["questions"]):
        kept = {key: question[key] for key in ("name", "kind", "low", "high")}
        session.add(
            Question(version_id=_id(version), position=place, texts={"labels": question["labels"], **question["texts"]}, **kept)
        )
    for said, plan in zip(looked.draft["panels"], looked.plans, strict=True):
        panel = Panel(version_id=_id(version), name=plan.panel, phase=said["phase"], target=said["target"])
        session.add(panel)
        session.flush()
        store_plan(session, _id(version), _id(panel), plan, stimuli)
    study.state = "frozen"
    session.add(study)


def _id(row: Any) -> int:
    assert isinstance(row.id, int)
    return row.id


def store_stimuli(session: Session, version_id: int, chosen: Sequence[Chosen], files: Mapping[str, str]) -> dict[str, int]:
    """Rows of the images (those that are there already are used again) and of their roles; gives name -> id."""
    connection = session.connection()
    ids: dict[str, int] = {}
    for some in pieces(chosen, NAMES):
        known = _known(session, some)
        new = [stimulus_row(item) for item in some if _key(item) not in known]
        if new:
            connection.execute(insert(STIMULI), new)
            known = _known(session, some)
        ids |= {item.image.name: known[_key(item)] for item in some}
        rows = [
            {"version_id": version_id, "stimulus_id": ids[c.image.name], "role": c.image.role, "content": c.image.content,
             "file": files[c.image.name], "expected": c.expected, "tolerance": c.tolerance}
            for c in some
        ]  # fmt: skip
        connection.execute(insert(STUDY_STIMULI), rows)
    return ids


def pieces(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """A sequence in pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _key(item: Chosen) -> tuple[str, str]:
    return item.image.name, item.row["sha256"]


def _known(session: Session, some: Sequence[Chosen]) -> dict[tuple[str, str], int]:
    """Name and hash -> id of those images that the database holds."""
    query = select(STIMULI.c.name, STIMULI.c.sha256, STIMULI.c.id).where(STIMULI.c.name.in_([c.image.name for c in some]))
    return {(name, sha256): key for name, sha256, key in session.connection().execute(query)}


def stimulus_row(item: Chosen) -> dict[str, Any]:
    """An image as the database holds it."""
    row, image = item.row, item.image
    own = image.role == "reference" or image.content == row["pristine"]
    return {
        "name": image.name, "sha256": row["sha256"], "kind": "variant" if row["variant"] else "pristine" if own else "authentic",
        "width": int(row["width"]), "height": int(row["height"]), "pristine": row["pristine"], "subject": row["subject"],
        "variant": row["variant"] or None, "axis": row["axis"] or None, "info": dict(row),
    }  # fmt: skip


def store_plan(session: Session, version_id: int, panel_id: int, plan: Plan, stimuli: Mapping[str, int], first: int = 0) -> None:
    """A panel's slots and presentations, piece by piece, so that a plan of any length needs little memory beside itself.

    Rows are numbered from `first` on; the panel has `first` rows already.
    """
    connection, ids = session.connection(), [stimuli[image.name] for image in plan.images]
    slots = [
        {"panel_id": panel_id, "number": n, "sessions": plan.rules.sittings, "length": len(row)}
        for n, row in enumerate(plan.rows, first)
    ]
    for some in pieces(slots, CHUNK):
        connection.execute(insert(SLOTS), some)
    numbered = select(SLOTS.c.id).where(SLOTS.c.panel_id == panel_id, SLOTS.c.number >= first).order_by(SLOTS.c.number)
    made = connection.execute(numbered).scalars().all()
    rows = (
        {"token": new_token(), "slot_id": slot, "version_id": version_id, "session": shown.sitting, "position": position,
         "stimulus_id": ids[shown.image], "role": shown.role}
        for slot, row in zip(made, plan.rows, strict=True) for position, shown in enumerate(row)
    )  # fmt: skip
    while some := list(islice(rows, CHUNK)):
        connection.execute(insert(PRESENTATIONS), some)
