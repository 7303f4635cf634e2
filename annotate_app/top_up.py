"""More rows for a frozen study: the plan goes on where it ended, from the same seed and rules, each addition under its own hash.

Nothing that is frozen changes: rows already given stay, added ones go out after them, and the version keeps its hash. Each
addition's hash covers the one before it, back to the version's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Session

from annotate_app.design import DESIGN_VERSION, Plan, make_plan, plan_sha256
from annotate_app.design_proof import proof
from annotate_app.design_squares import square_rows
from annotate_app.seats import FILLED
from annotate_app.stored_plan import image_rows, rules_of, stored_plans, top_ups
from annotate_app.study_store import store_plan
from annotate_app.tables import ASSIGNMENTS, PANELS, SLOTS
from db.engine import reading, writing
from db.models import StudyVersion
from db.queries import audit
from db.queries import studies as queries
from db.types import now
from workspace.errors import StudyFault
from workspace.files import sha256_bytes, write_json
from workspace.settings import Workspace

MOST_ROWS = 10_000
KEPT = ("observers", "votes_per_image", "squares", "distance")


@dataclass(frozen=True)
class Places:
    """A panel's rows: how many it has, how many were given to an observer, and how many end the square that is under way."""

    panel: str
    phase: str
    rows: int
    given: int
    square: int


def places(session: Session, version: StudyVersion) -> list[Places]:
    """The rows of each panel of a frozen version, in the panels' order."""
    s, connection = SLOTS.c, session.connection()
    mine = select(s.panel_id, func.count()).join(PANELS, PANELS.c.id == s.panel_id).where(PANELS.c.version_id == version.id)
    held = {row[0]: row[1] for row in connection.execute(mine.group_by(s.panel_id))}
    taken = mine.where(exists().where(ASSIGNMENTS.c.slot_id == s.id, FILLED)).group_by(s.panel_id)
    given = {row[0]: row[1] for row in connection.execute(taken)}
    found = []
    for panel in queries.panels(session, version.id):
        rows, square = held.get(panel.id, 0), square_rows(rules_of(version, panel.name).blocks)
        found.append(Places(panel.name, panel.phase, rows, given.get(panel.id, 0), -rows % square or square))
    return found


def top_up(
    workspace: Workspace, engine: Engine, name: str, panel: str | None = None, rows: int | None = None, *, after: int | None = None,
    curator_id: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Add `rows` rows to a panel (None: to the end of its square, else a whole square); gives the record that is kept.

    `after`: how many rows the panel has as far as the caller knows; where these very rows were added since, their record is given
    back and nothing is added again. The plan is made before anything is locked, so votes go on meanwhile. Raises StudyFault.
    """
    with reading(engine) as session:
        version = queries.frozen_version(session, queries.named(session, name))
        chosen = queries.panel_named(session, version, panel).name
        if version.design_version != DESIGN_VERSION:
            raise StudyFault(f"the plan of {name!r} was made by design {version.design_version}, rows are made by {DESIGN_VERSION} "
                             f"now: they would not be balanced; start from `dermiqa study copy {name} NEW`")  # fmt: skip
        if (made := _made(session, version, chosen, after)) is not None:
            return made
        plan = next(one for one in stored_plans(session, version) if one.panel == chosen)
        question, before = version.protocol["questions"][0], list(version.proof.get("top_ups", ()))
        key = version.id
    added = _more(plan, rows)
    looked = proof(joined(plan, added), question["low"], question["high"])
    if faults := {fault: count for fault, count in looked["violations"].items() if count}:
        raise StudyFault(f"{len(added.rows)} more rows would break the plan's rules ({faults}): nothing was added")
    record = {"panel": chosen, "first": len(plan.rows), "rows": len(added.rows), "at": now().isoformat(timespec="seconds"),
              "plan_sha256": plan_sha256([added]), **{kept: looked[kept] for kept in KEPT}}  # fmt: skip
    with writing(engine) as session:
        version = session.get_one(StudyVersion, key)
        record = _store(session, name, version, record, added, before, curator_id)
        number = version.version
    write_json(workspace.study(name) / f"protocol-{number}-top-up-{len(before) + 1}.json", record)
    return record


def _made(session: Session, version: StudyVersion, panel: str, after: int | None) -> dict[str, Any] | None:
    """The record of the rows that were added after the row `after`; None where nothing has changed since. Raises StudyFault."""
    held = next(one.rows for one in places(session, version) if one.panel == panel)
    if after is None or after == held:
        return None
    for record in top_ups(version, panel):
        if record["first"] == after and after + record["rows"] == held:
            return dict(record)
    raise StudyFault(f"the panel {panel!r} has {held} rows, {after} were expected: others were added meanwhile; look again")


def _more(plan: Plan, rows: int | None) -> Plan:
    """The rows that follow those of a plan."""
    square, held = square_rows(plan.rules.blocks), len(plan.rows)
    count = (-held % square or square) if rows is None else rows
    if not 1 <= count <= MOST_ROWS - held:
        raise StudyFault(
            f"{count} more rows for the panel {plan.panel!r}, which has {held}: 1 to {MOST_ROWS - held} were expected"
        )
    return make_plan(plan.images, plan.rules, count, plan.seed, plan.panel, first=held)


def joined(plan: Plan, added: Plan) -> Plan:
    """A plan with the rows that follow."""
    return replace(plan, rows=plan.rows + added.rows, distances=plan.distances + added.distances)


def _store(
    session: Session,
    name: str,
    version: StudyVersion,
    record: dict[str, Any],
    added: Plan,
    before: Sequence[Any],
    curator_id: int | None,
) -> dict[str, Any]:
    """Write the rows and their record, unless others were added meanwhile."""
    study = queries.named(session, name)
    newest = queries.frozen_version(session, study)
    if newest.id != version.id or list(version.proof.get("top_ups", ())) != before:
        raise StudyFault(f"the plan of {name!r} was changed meanwhile: nothing was added, try again")
    record["previous"] = before[-1]["sha256"] if before else version.sha256
    record["sha256"] = record_sha256(record)
    panel = queries.panel_named(session, version, record["panel"])
    ids = {row.name: row.id for row in image_rows(session, version)}
    store_plan(session, version.id or 0, panel.id or 0, added, ids, first=record["first"])
    version.proof["top_ups"] = [*before, record]
    flag_modified(version, "proof")
    session.add(version)
    detail = {key: record[key] for key in ("panel", "first", "rows", "sha256")}
    audit.append(session, "rows added", curator_id=curator_id, object_kind="study", object_id=study.id, detail=detail)
    return record


def record_sha256(record: Mapping[str, Any]) -> str:
    """The hash of an addition: all that its record says, the hash before it too."""
    said = {key: value for key, value in record.items() if key != "sha256"}
    return sha256_bytes(json.dumps(said, sort_keys=True, ensure_ascii=False, allow_nan=False).encode())


def cut(plan: Plan, first: int, rows: int) -> Plan:
    """The rows `first` .. `first + rows - 1` of a plan."""
    return replace(plan, rows=plan.rows[first : first + rows], distances=plan.distances[first : first + rows])


def frozen_part(version: StudyVersion, plans: Sequence[Plan]) -> list[Plan]:
    """The rows that were frozen with the version, without those added later."""
    return [cut(plan, 0, version.protocol["derived"][plan.panel]["rows"]) for plan in plans]


def top_up_faults(version: StudyVersion, plans: Sequence[Plan]) -> Iterator[str]:
    """What is wrong with the rows added to a version: records changed, rows that differ from them, rows that no record knows."""
    previous = version.sha256
    for number, record in enumerate(version.proof.get("top_ups", ()), 1):
        if record["previous"] != previous or record["sha256"] != record_sha256(record):
            yield f"the record of addition {number} was changed"
        previous = record["sha256"]
    for plan in plans:
        end = version.protocol["derived"][plan.panel]["rows"]
        for record in top_ups(version, plan.panel):
            if record["first"] != end or plan_sha256([cut(plan, end, record["rows"])]) != record["plan_sha256"]:
                yield f"panel {plan.panel}: the rows added from {record['first'] + 1} on differ from their record"
            end += record["rows"]
        if len(plan.rows) != end:
            yield f"panel {plan.panel}: {len(plan.rows)} rows, {end} were frozen and added"
