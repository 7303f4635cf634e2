"""The audit trail as people read it: newest first, with the names of curators and studies that the rows name by key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from db.models import Audit, Curator, Observer, Study
from db.queries import audit

SIZE = 100


def page(session: Session, number: int, action: str = "", study: str = "") -> dict[str, Any]:
    """Rows of a page with the count, the actions to filter by, the studies' names by key, and the chain's first fault (empty:
    whole)."""
    wanted = _wanted(action, study)
    count = session.exec(select(func.count()).select_from(wanted.subquery())).one()
    names = _names(session)
    rows = session.exec(wanted.order_by(col(Audit.id).desc()).offset((number - 1) * SIZE).limit(SIZE)).all()
    return {
        "rows": [_shown(row, names) for row in rows],
        "found": count,
        "page": number,
        "pages": max(1, -(-count // SIZE)),
        "actions": list(session.exec(select(Audit.action).distinct().order_by(Audit.action)).all()),
        "studies": {key: name for (kind, key), name in names.items() if kind == "study" and key is not None},
        "chain": next(audit.chain_faults(session), ""),
    }


def whole(session: Session, action: str = "", study: str = "") -> Iterator[dict[str, Any]]:
    """Every row that fits, oldest first, as it is stored: whole moments, JSON details and hashes, and what the keys are called."""
    names = _names(session)
    for row in session.exec(_wanted(action, study).order_by(col(Audit.id)).execution_options(yield_per=1000)):
        yield {
            **_shown(row, names), "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"), "curator": row.curator_id or "",
            "object_kind": row.object_kind, "object_key": row.object_id or "",
            "detail": json.dumps(row.detail, sort_keys=True, ensure_ascii=False), "previous": row.previous,
        }  # fmt: skip


def _wanted(action: str, study: str) -> SelectOfScalar[Audit]:
    """The rows of an action and a study (empty: of all)."""
    wanted = select(Audit)
    if action:
        wanted = wanted.where(Audit.action == action)
    if study:
        key = select(Study.id).where(Study.name == study).scalar_subquery()
        wanted = wanted.where(Audit.object_kind == "study", col(Audit.object_id) == key)
    return wanted


def _names(session: Session) -> dict[tuple[str, int | None], str]:
    """What curators and studies are called now; observers by the opaque name of their row."""
    found: dict[tuple[str, int | None], str] = {}
    for kind, key, name in (
        ("curator", Curator.id, Curator.name),
        ("study", Study.id, Study.name),
        ("observer", Observer.id, Observer.token),
    ):
        found |= {(kind, k): n for k, n in session.exec(select(key, name))}
    return found


def _shown(row: Audit, names: dict[tuple[str, int | None], str]) -> dict[str, Any]:
    return {
        "number": row.id, "at": row.at, "who": names.get(("curator", row.curator_id), "the command line or the server"),
        "action": row.action, "object": f"{row.object_kind} {names.get((row.object_kind, row.object_id), row.object_id or '')}".strip(),
        "detail": row.detail, "sha256": row.sha256,
    }  # fmt: skip
