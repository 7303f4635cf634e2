"""A study's votes, images and protocol as the tables that scores, exports and reports are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlmodel import Session

from annotate_app.design import RATED
from annotate_app.plan_table import plan_rows
from annotate_app.review import standings, without_excluded
from annotate_app.studies import frozen_file
from annotate_app.tables import OBSERVERS, PANELS, STIMULI, STUDY_STIMULI
from annotate_app.texts import QUESTIONS as WORDING
from annotate_app.texts import study_texts
from annotate_app.vote_table import StoredVotes, read_votes
from db.models import StudyVersion
from db.queries import studies as queries
from mos.exports.study import VOTE_COLUMNS, StudyData
from workspace.settings import Workspace

KINDS = {"scale": "scale", "yes_no": "yesno", "one_of": "one", "several_of": "several"}


def study_data(
    session: Session, workspace: Workspace, study_name: str, *, phase: str = "main", screened: bool = True, plan: bool = False,
    times: bool = True,
) -> StudyData:  # fmt: skip
    """The newest frozen version of a study as tables; pilot and dry-run panels are apart (`phase`). Raises StudyFault.

    `votes` holds first presentations of test, reference and anchor images (rep 0) and hidden repeats (rep 1 on). A repeat whose
    first presentation another person rated is void, and so are reasoned missing votes: both are counted in `meta`. Gold votes
    stand in `meta["gold"]`, with the value to expect; training and stabilising votes nowhere. `screened`: without the votes of
    observers whom persons have excluded in the review (named in `meta["removed"]`); the stored rows never change. `plan`: with
    the frozen plan, one row per showing, in `meta["plan_rows"]`. Without `times` the votes' moments stay empty, which a large
    study's scores don't need: positions tell the order.
    """
    study = queries.named(session, study_name)
    version = queries.frozen_version(session, study)
    stored = read_votes(session, version, phase)
    votes = stored.select(stored.counted & ~stored.void).frame(times=times)[list(VOTE_COLUMNS)]
    planned = {"plan_rows": plan_rows(session, version, phase)} if plan else {}
    stimuli = stimulus_table(session, workspace, study.name, version)
    whole = StudyData(
        name=study.name,
        votes=votes,
        stimuli=stimuli,
        observers=_observers(session, version, phase),
        questions=_questions(session, version),
        meta={**_meta(version, study.state), **planned, "gold": _gold(session, version, stored), "void_repeats": int(stored.void.sum()),
              "missing": int(np.isnan(stored.value).sum()), "stabilising": int(stored.is_role("stabilising").sum())},
    )  # fmt: skip
    return without_excluded(whole, standings(session, version)) if screened else whole


def stimulus_table(
    session: Session, workspace: Workspace, study: str, version: StudyVersion, only: str | None = None
) -> pd.DataFrame:
    """The images that count (or the one named `only`), one row each, with their frozen file and what is known of them."""
    s, f = STIMULI.c, STUDY_STIMULI.c
    query = (
        select(s.name, s.sha256, s.kind, s.pristine, s.subject, s.variant, s.axis, s.info, f.role, f.content, f.file)
        .join(STUDY_STIMULI, f.stimulus_id == s.id)
        .where(f.version_id == version.id, f.role.in_(RATED))
        .order_by(s.name)
    )
    query = query if only is None else query.where(s.name == only)
    rows = []
    for row in session.connection().execute(query):
        info = row.info
        rows.append(
            {
                "stimulus": row.name, "file": str(frozen_file(workspace, study, row.file)), "sha256": row.sha256,
                "content": row.content, "is_ref": row.role == "reference", "subject": row.subject, "pristine": row.pristine,
                "kind": row.kind, "variant": row.variant or "", "axis": row.axis or "",
                "kadid_type": _number(info, "kadid_type"), "kadid_level": _number(info, "kadid_level"),
                **{key: info.get(key, "") for key in ("source", "licence", "credit", "skin_tone", "body_site", "may_redistribute")},
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _number(info: Mapping[str, Any], key: str) -> float:
    text = info.get(key, "")
    return float(text) if text else np.nan


def _observers(session: Session, version: StudyVersion, phase: str) -> pd.DataFrame:
    o = OBSERVERS.c
    query = (
        select(o.pseudonym, PANELS.c.name, o.simulated, o.flags, o.state)
        .join(PANELS, PANELS.c.id == o.panel_id)
        .where(PANELS.c.version_id == version.id, PANELS.c.phase == phase)
        .order_by(o.id)
    )
    rows = [
        {"observer": row[0], "panel": row[1], "simulated": bool(row[2]), "state": row[4],
         "flags": "; ".join(sorted(str(key) for key, said in row[3].items() if said))}
        for row in session.connection().execute(query)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["observer", "panel", "simulated", "state", "flags"])


def _questions(session: Session, version: StudyVersion) -> pd.DataFrame:
    rows = []
    for q in queries.questions(session, version.id):
        own = q.texts.get("en")
        text = own.get("text", "") if isinstance(own, dict) else own
        rows.append({"question": q.name, "kind": KINDS[q.kind], "low": q.low, "high": q.high,
                     "labels": list(q.texts.get("labels", [])), "text": text or WORDING.get(q.name, "")})  # fmt: skip
    return pd.DataFrame(rows)


def _meta(version: StudyVersion, state: str) -> dict[str, Any]:
    """What is frozen, in the words that the report uses."""
    protocol = version.protocol
    question = protocol["questions"][0]
    return {
        "title": protocol["title"], "state": state, "version": version.version, "hash": version.sha256,
        "method": protocol["method"], "scale": [question["low"], question["high"]], "labels": question["labels"],
        "seed": version.seed, "design_version": version.design_version, "plan": version.proof, "plan_sha256": version.plan_sha256,
        "files_sha256": version.files_sha256, "texts": texts_read(protocol), "screening": protocol["screening"],
        "display": {"settings": protocol["settings"], "viewing": protocol["viewing"]},
        "deviations": deviations(protocol), "created": version.frozen.isoformat(), "recipe": protocol["recipe"],
        "left_out": dict(protocol["leave_out"]),
    }  # fmt: skip


def texts_read(protocol: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """By language: the instructions as observers read them, the project's own wording where the study has none, and its own texts."""
    question = protocol["questions"][0]
    labels = question["labels"]
    ends = {"low_label": (question["low"], labels[:1]), "high_label": (question["high"], labels[-1:])}
    places = {name: f"{value} ({label[0]})" if label else value for name, (value, label) in ends.items()}
    return {
        code: {**(protocol["texts"].get(code) or {}), "instructions": study_texts(protocol, code, places)["instructions"]}
        for code in protocol["languages"]
    }


def deviations(protocol: Mapping[str, Any]) -> list[str]:
    """How the protocol departs from P.910, one line each."""
    found = []
    question = protocol["questions"][0]
    levels = question["high"] - question["low"] + 1
    if levels not in (5, 9, 11):
        found.append(f"a scale of {levels} levels ({question['low']} to {question['high']}); P.910 names 5, 9 and 11")
    if protocol["viewing"] == "not controlled":
        found.append("display, distance and light were not controlled")
    found.append("images were shown by a web browser on each observer's own display")
    if protocol["settings"]["view_ms"] is None:
        found.append("an image stayed until its vote; P.910 shows it for a set time")
    return found


def _gold(session: Session, version: StudyVersion, stored: StoredVotes) -> list[dict[str, Any]]:
    """Votes on gold images: what was expected, what was given, and whether it missed (None: nothing was expected)."""
    s, f = STIMULI.c, STUDY_STIMULI.c
    query = select(s.name, f.expected, f.tolerance).join(STUDY_STIMULI, f.stimulus_id == s.id)
    expected = {
        row[0]: (row[1], row[2])
        for row in session.connection().execute(query.where(f.version_id == version.id, f.role == "gold"))
    }
    found = []
    columns = ["observer", "stimulus", "question", "session", "position", "score"]
    for values in stored.select(stored.is_role("gold")).frame(times=False)[columns].itertuples(index=False, name=None):
        row: dict[str, Any] = dict(zip([*columns[:-1], "value"], values, strict=True))
        row["value"] = None if row["value"] != row["value"] else row["value"]
        row["expected"], row["tolerance"] = expected.get(row["stimulus"], (None, None))
        judged = row["expected"] is not None and row["value"] is not None
        row["missed"] = bool(abs(row["value"] - row["expected"]) > row["tolerance"]) if judged else None
        found.append(row)
    return found
