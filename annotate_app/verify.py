"""Checks of frozen studies: files and rows against their hashes, the plan derived again, balance, distances, and every vote's place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, and_, func, select
from sqlmodel import Session

from annotate_app.design import DESIGN_VERSION, derived_rows, plan_sha256
from annotate_app.design_proof import proof
from annotate_app.stored_plan import image_rows, stored_plans
from annotate_app.studies import files_sha256, frozen_file, image_line, version_sha256
from annotate_app.tables import ASSIGNMENTS, PANELS, PRESENTATIONS, RATINGS, SESSIONS, SLOTS
from annotate_app.top_up import frozen_part, top_up_faults
from db.engine import open_engine, reading
from db.migrate import current
from db.models import Study, StudyVersion
from db.queries import audit
from db.queries import studies as queries
from workspace.errors import DatabaseFault
from workspace.files import sha256_file
from workspace.settings import Workspace


def database_faults(workspace: Workspace) -> Iterator[str]:
    """One line per fault in all studies of a workspace; nothing where there is no database yet."""
    url = workspace.database_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return
    engine = open_engine(url)
    try:
        if current(engine) is None:
            return
        yield from integrity_faults(engine.connect())
        with reading(engine) as session:
            yield from audit.chain_faults(session)
            for study in queries.all_studies(session):
                yield from study_faults(session, workspace, study.name)
    except DatabaseFault as fault:
        yield str(fault)
    finally:
        engine.dispose()


def integrity_faults(connection: Connection) -> Iterator[str]:
    """What SQLite finds in its own file; nothing on other databases."""
    with connection:
        if connection.dialect.name != "sqlite":
            return
        for row in connection.exec_driver_sql("PRAGMA integrity_check"):
            if row[0] != "ok":
                yield f"database: {row[0]}"
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"database: a row of {row[0]} points to a missing row of {row[2]}"


def study_faults(session: Session, workspace: Workspace, name: str) -> Iterator[str]:
    """One line per fault of a study; a draft has none. Raises StudyFault when there is no such study."""
    study = queries.named(session, name)
    for version in queries.versions(session, study):
        where = f"study {name}, version {version.version}"
        yield from _file_faults(session, workspace, study, version, where)
        yield from _plan_faults(session, version, where)
        yield from _vote_faults(session, version, where)


def _file_faults(session: Session, workspace: Workspace, study: Study, version: StudyVersion, where: str) -> Iterator[str]:
    lines = {}
    for row in image_rows(session, version):
        path = frozen_file(workspace, study.name, row.file)
        lines[row.name] = image_line(row.sha256, row.role, row.content, row.expected, row.tolerance)
        if not path.is_file():
            yield f"{where}: {path.relative_to(workspace.root)} is missing"
        elif sha256_file(path) != row.sha256:
            yield f"{where}: {path.relative_to(workspace.root)}: its bytes differ from what was frozen"
    if files_sha256(lines) != version.files_sha256:
        yield f"{where}: the list of images differs from what was frozen"
    whole = version_sha256(version.protocol, version.seed, version.plan_sha256, version.files_sha256, version.design_version)
    if whole != version.sha256:
        yield f"{where}: protocol, seed or hashes differ from what was frozen"


def _plan_faults(session: Session, version: StudyVersion, where: str) -> Iterator[str]:
    stored = stored_plans(session, version)
    if plan_sha256(frozen_part(version, stored)) != version.plan_sha256:
        yield f"{where}: the rows of the plan differ from what was frozen"
    yield from (f"{where}: {fault}" for fault in top_up_faults(version, stored))
    question = version.protocol["questions"][0]
    for plan in stored:
        for fault, count in proof(plan, question["low"], question["high"])["violations"].items():
            if count:
                yield f"{where}, panel {plan.panel}: {fault.replace('_', ' ')}: {count}"
    if version.design_version == DESIGN_VERSION and any(
        row != again for plan in stored for row, again in zip(plan.rows, derived_rows(plan), strict=True)
    ):
        yield f"{where}: the plan derived again from seed {version.seed} differs from what was frozen"


def _vote_faults(session: Session, version: StudyVersion, where: str) -> Iterator[str]:
    """Votes outside the positions that were given to their observer, on training, or with a place left out before them."""
    r, p, a = RATINGS.c, PRESENTATIONS.c, ASSIGNMENTS.c
    votes = (
        select(func.count()).select_from(RATINGS).join(PRESENTATIONS, p.id == r.presentation_id).where(p.version_id == version.id)
    )
    outside = votes.join(ASSIGNMENTS, a.id == r.assignment_id).where(
        (p.position < a.from_position) | (p.position >= a.to_position)
    )
    trained = votes.where(p.role == "training")
    connection = session.connection()
    for query, what in ((outside, "outside the places given to their observer"), (trained, "on training images")):
        count = connection.execute(query).scalar_one()
        if count:
            yield f"{where}: {count} votes {what}"
    first = queries.questions(session, version.id)[0].id
    span = func.max(p.position) - func.min(p.position) + 1
    gaps = (
        select(SESSIONS.c.id, span, func.count())
        .join(RATINGS, and_(r.session_id == SESSIONS.c.id, r.question_id == first))
        .join(PRESENTATIONS, p.id == r.presentation_id)
        .join(SLOTS, SLOTS.c.id == SESSIONS.c.slot_id)
        .join(PANELS, PANELS.c.id == SLOTS.c.panel_id)
        .where(PANELS.c.version_id == version.id)
        .group_by(SESSIONS.c.id)
        .having(span != func.count())
    )
    for sitting, places, count in connection.execute(gaps):
        yield f"{where}: session {sitting} holds {count} votes on {places} places in a row: some were skipped"
