"""The audit trail: append-only, each row's hash covers the row before; ids, actions and hashes, never answers or names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from db.models import Audit
from db.types import now

FIRST = "0" * 64
PAGE = 1000
LOCK = 7_019_274_553


def append(
    session: Session,
    action: str,
    *,
    curator_id: int | None = None,
    object_kind: str = "",
    object_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> Audit:
    """Add a row within the caller's writing transaction; the chain is kept by one writer at a time."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    last = session.exec(select(Audit.sha256).order_by(col(Audit.id).desc()).limit(1)).first()
    row = Audit(
        at=now(), curator_id=curator_id, action=action, object_kind=object_kind, object_id=object_id, detail=detail or {},
        previous=last or FIRST, sha256="",
    )  # fmt: skip
    row.sha256 = digest(row)
    session.add(row)
    session.flush()
    return row


def digest(row: Audit) -> str:
    """SHA-256 over the row before and all that this row says."""
    said = [
        row.previous, row.at.astimezone(UTC).isoformat(timespec="microseconds"), row.curator_id, row.action, row.object_kind,
        row.object_id, row.detail,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def chain_faults(session: Session) -> Iterator[str]:
    """One line for the first break of the chain: a changed, removed or inserted row."""
    before, last = FIRST, 0
    while rows := session.exec(select(Audit).where(col(Audit.id) > last).order_by(col(Audit.id)).limit(PAGE)).all():
        for row in rows:
            if row.previous != before:
                yield f"audit: row {row.id} does not follow the row before it: one was removed or put in between"
                return
            if row.sha256 != digest(row):
                yield f"audit: row {row.id} ({row.action}) was changed after it was written"
                return
            before = row.sha256
        last = rows[-1].id or last


def last_at(session: Session) -> datetime | None:
    """When the newest row was written."""
    return session.exec(select(Audit.at).order_by(col(Audit.id).desc()).limit(1)).first()
