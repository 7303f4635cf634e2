"""Judging observers blind: each under a label that says nothing of who it is; rules propose, persons decide with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session, col, select

from annotate_app.security import keyed_hash
from db.models import Curator, Decision, Observer, Panel, StudyVersion
from mos.exports.study import StudyData
from mos.removal import gold_counts
from mos.screening import RULES, observer_table
from workspace.errors import UsageFault

LEAST_REASON = 10
SHOWN = ("n", "r_pearson", "longest_run", "gold_share", "repeats_within_sd", "response_ms_median", "drift")


@dataclass(frozen=True)
class Standing:
    """Where an observer stands: excluded, or who has asked for it so far, with the decisions in order."""

    excluded: bool
    asked: int
    needed: int
    decisions: tuple[Decision, ...]


def label_of(key: bytes, token: str) -> str:
    """The name of an observer in the review: keyed, so that it can't be matched with codes or links."""
    return "R-" + keyed_hash(key, "review", token)[:6]


def two_persons(protocol: Mapping[str, Any]) -> bool:
    """Whether a study asks two persons before an observer is excluded."""
    return bool((protocol.get("screening") or {}).get("two_persons"))


def standing(decisions: Sequence[Decision], two: bool) -> Standing:
    """The outcome of decisions in order: an exclusion needs one person or two different ones; a later `keep` reverses all."""
    asked: set[int] = set()
    for one in decisions:
        asked = set() if one.verdict == "keep" else asked | {one.curator_id}
    needed = 2 if two else 1
    return Standing(len(asked) >= needed, len(asked), needed, tuple(decisions))


def standings(session: Session, version: StudyVersion) -> dict[str, Standing]:
    """Pseudonym -> standing of every observer of a version with a decision."""
    query = (
        select(Observer.pseudonym, Decision)
        .join(Observer, col(Observer.id) == Decision.observer_id)
        .join(Panel, col(Panel.id) == Observer.panel_id)
        .where(Panel.version_id == version.id)
        .order_by(col(Decision.id))
    )
    found: dict[str, list[Decision]] = {}
    for pseudonym, decision in session.exec(query):
        found.setdefault(pseudonym, []).append(decision)
    two = two_persons(version.protocol)
    return {name: standing(made, two) for name, made in found.items()}


def decide(session: Session, observer: Observer, curator_id: int, verdict: str, reason: str, rules: dict[str, Any]) -> None:
    """Add a decision; earlier ones stay. Raises UsageFault for a verdict or reason that is none."""
    reason = " ".join(reason.split())[:500]
    if verdict not in ("keep", "exclude"):
        raise UsageFault(f"verdict {verdict[:40]!r}: keep or exclude was expected")
    if len(reason) < LEAST_REASON:
        raise UsageFault(f"a decision asks for a reason of {LEAST_REASON} characters or more: nothing was decided")
    session.add(Decision(observer_id=observer.id or 0, curator_id=curator_id, verdict=verdict, reason=reason, rules=rules))


def without_excluded(data: StudyData, found: Mapping[str, Standing]) -> StudyData:
    """A study's tables without the votes of excluded observers, who are named with the reason in `meta["removed"]`."""
    gone = {name: one for name, one in found.items() if one.excluded}
    if not gone:
        return data
    removed = [
        {"observer": name, "rule": ", ".join(one.decisions[-1].rules.get("proposed", [])) or "by hand", "reason": one.decisions[-1].reason}
        for name, one in sorted(gone.items())
    ]  # fmt: skip
    votes = data.votes.loc[~data.votes["observer"].isin(gone)].reset_index(drop=True)
    return replace(data, votes=votes, meta={**data.meta, "removed": removed})


def keys_of(session: Session, version: StudyVersion) -> dict[str, int]:
    """Pseudonym -> key of every observer of a version."""
    query = select(Observer.pseudonym, Observer.id).join(Panel, col(Panel.id) == Observer.panel_id)
    return {name: key or 0 for name, key in session.exec(query.where(Panel.version_id == version.id))}


def judged(data: StudyData) -> list[dict[str, Any]]:
    """What the rules find of each observer who voted, as JSON values: observer, panel, verdicts, statistics."""
    found = []
    for panel in sorted({panel for panel, question in data.groups() if question == data.main_question}):
        votes = data.as_votes(panel, data.main_question)
        votes = replace(votes, gold=gold_counts(data.meta.get("gold") or [], data.main_question))
        for row in observer_table(votes).to_dict("records"):
            found.append({
                "observer": row["observer"], "panel": panel, "verdicts": {rule: row[f"{rule}_verdict"] for rule in RULES},
                "statistics": {name: None if row[name] != row[name] else float(row[name]) for name in SHOWN},
            })  # fmt: skip
    return found


def review_rows(session: Session, key: bytes, version: StudyVersion, found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per observer of `judged`, sorted by label: what they did, each rule's verdict, and where they stand now."""
    tokens = dict(session.exec(
        select(Observer.pseudonym, Observer.token).join(Panel, col(Panel.id) == Observer.panel_id).where(Panel.version_id == version.id)
    ).all())  # fmt: skip
    made, two = standings(session, version), two_persons(version.protocol)
    people = dict(session.exec(select(Curator.id, Curator.name)).all())
    rows = []
    for one in found:
        now = made.get(one["observer"], standing((), two))
        said = [
            {"who": people.get(d.curator_id, "?"), "verdict": d.verdict, "reason": d.reason, "at": d.at} for d in now.decisions
        ]
        proposed = [rule for rule, verdict in one["verdicts"].items() if verdict == "reject"]
        label = label_of(key, tokens[one["observer"]])
        rows.append({**one, "label": label, "proposed": proposed, "standing": now, "decisions": said})
    return sorted(rows, key=lambda row: str(row["label"]))


def find_labelled(session: Session, key: bytes, version: StudyVersion, label: str) -> Observer:
    """The observer behind a label. Raises UsageFault."""
    query = select(Observer).join(Panel, col(Panel.id) == Observer.panel_id).where(Panel.version_id == version.id)
    for observer in session.exec(query):
        if label_of(key, observer.token) == label:
            return observer
    raise UsageFault(f"no observer {label[:20]!r} in this study: load the review again")
