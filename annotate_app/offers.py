"""What a study's page offers beside its state: more places for a frozen plan, gold values from a pilot."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from annotate_app.gold import LEAST_VOTES
from annotate_app.protocol import complete_draft
from annotate_app.top_up import places
from db.models import Study, StudyVersion
from db.queries import studies as queries


def offered(session: Session, study: Study, version: StudyVersion | None) -> dict[str, Any]:
    """What the study's page offers: each panel's places, and the pilots that gold values can come from (none: nothing to take)."""
    draft = complete_draft(study.draft)
    frozen = [one.name for one in queries.all_studies(session) if queries.latest_version(session, one) is not None]
    takes = draft["gold"] and study.state != "open"
    return {
        "places": places(session, version) if version else [], "pilots": frozen if takes else [], "least": LEAST_VOTES,
        "held": draft["gold_values"] if isinstance(draft["gold_values"], dict) else {},
    }  # fmt: skip
