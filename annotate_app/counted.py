"""Results and review of a large study: counted by the worker, kept as files of the workspace, read by the pages with their age.

A study of common size is counted by the page itself. The files hold scores and, by the observer's key, what the screening found; they are
not shown any more once votes were removed, and an erasure removes them (`db.erasure`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import func, select
from sqlmodel import Session, col

from annotate_app import review, scores_page
from annotate_app.design import RATED
from annotate_app.results import study_data
from annotate_app.scores_page import Group
from annotate_app.summary import is_common
from annotate_app.tables import OBSERVERS, PANELS, PRESENTATIONS, RATINGS, STIMULI, STUDY_STIMULI
from db.models import Decision, StudyVersion, new_token
from db.queries import studies as queries
from db.types import now
from workspace.files import write_bytes, write_json
from workspace.settings import Workspace

INDEX = "counted.json"


@dataclass(frozen=True)
class Mark:
    """What a count was made from: the last vote, how many votes stand up to there (of all studies), the last decision."""

    last: int
    upto: int
    decided: int


@dataclass(frozen=True)
class Counted:
    """A study's results for a page: the groups with votes, one group's images and sections, who is out, and how old it is.

    `made` is None where it was counted just now; `later` votes came since, `decided` whether decisions did.
    """

    groups: list[Group]
    group: Group | None
    table: pd.DataFrame
    sections: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    simulated: bool
    made: datetime | None = None
    later: int = 0
    decided: bool = False


def mark(session: Session, version: StudyVersion) -> Mark:
    """Where votes and decisions stand now."""
    connection, r = session.connection(), RATINGS.c
    last, upto = connection.execute(select(func.coalesce(func.max(r.id), 0), func.count())).one()
    decided = (
        select(func.coalesce(func.max(col(Decision.id)), 0))
        .join(OBSERVERS, OBSERVERS.c.id == col(Decision.observer_id))
        .join(PANELS, PANELS.c.id == OBSERVERS.c.panel_id)
        .where(PANELS.c.version_id == version.id)
    )
    return Mark(last, upto, connection.execute(decided).scalar_one() or 0)


def folder(workspace: Workspace, study: str, version: StudyVersion) -> Path:
    """Where a version's counts are kept."""
    return workspace.counted / study / str(version.version)


def count(session: Session, workspace: Workspace, study: str, version: StudyVersion, step: Callable[[str], None]) -> int:
    """Count a version's results and review and keep them; gives the votes that were counted. `step` is told what comes next."""
    step("reading the votes")
    state, place, token = mark(session, version), folder(workspace, study, version), new_token(6)
    place.mkdir(parents=True, exist_ok=True)
    everybody = study_data(session, workspace, study, screened=False, times=False)
    step("judging observers")
    keys = review.keys_of(session, version)
    judged = [{**row, "observer": keys[row["observer"]]} for row in review.judged(everybody)]
    data = review.without_excluded(everybody, review.standings(session, version))
    made: dict[str, Any] = {
        "made": now().isoformat(), "mark": asdict(state), "groups": data.groups(), "main": data.main_question,
        "removed": [{"rule": one["rule"]} for one in data.meta.get("removed", [])], "simulated": data.simulated,
        "everybody_simulated": everybody.simulated, "review": judged, "files": [],
    }  # fmt: skip
    del everybody
    for number, (panel, question) in enumerate(made["groups"]):
        step(f"scores of {panel}, {question}")
        name = f"{token}-{number}"
        votes = data.as_votes(panel, question)
        scores_page.image_table(votes).to_parquet(place / f"{name}.parquet", index=False)
        write_bytes(place / f"{name}.json", json.dumps(scores_page.sections(votes, data.simulated)).encode())
        made["files"].append(name)
    write_json(place / INDEX, made)
    for old in place.iterdir():
        if old.name != INDEX and not old.name.startswith(token):
            old.unlink()
    return len(data.votes)


def results(
    session: Session, workspace: Workspace, study: str, version: StudyVersion, panel: str = "", question: str = "", *, plots: bool = True
) -> Counted | None:  # fmt: skip
    """A version's results: counted now for a study of common size, else as the worker kept them; None where it has not yet."""
    if not is_common(session, version.id or 0):
        return _kept(session, workspace, study, version, panel, question)
    data = study_data(session, workspace, study)
    groups = data.groups()
    group = scores_page.chosen(groups, data.main_question, panel, question)
    votes = data.as_votes(*group) if group else None
    table = scores_page.image_table(votes) if votes is not None else pd.DataFrame()
    parts = scores_page.sections(votes, data.simulated) if votes is not None and plots else []
    return Counted(groups, group, table, parts, data.meta.get("removed", []), data.simulated)


def review_of(
    session: Session, workspace: Workspace, study: str, version: StudyVersion
) -> tuple[list[dict[str, Any]], bool, Counted | None] | None:
    """What the screening found of each observer (`review.judged`), whether simulated votes are among them, and the count that it
    comes from (None: counted now); None where a large study was not counted yet."""
    if is_common(session, version.id or 0):
        data = study_data(session, workspace, study, screened=False)
        found = review.judged(data)
        return found, bool(found) and data.simulated, None
    index = _index(session, workspace, study, version)
    if index is None:
        return None
    names = {key: name for name, key in review.keys_of(session, version).items()}
    found = [{**row, "observer": names[row["observer"]]} for row in index["review"] if row["observer"] in names]
    return found, index["everybody_simulated"], _counted(index, session, version, None, pd.DataFrame(), [])


def _index(session: Session, workspace: Workspace, study: str, version: StudyVersion) -> dict[str, Any] | None:
    """The newest count; None where there is none, and where votes that it holds were removed since."""
    path = folder(workspace, study, version) / INDEX
    if not path.is_file():
        return None
    index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    r, held = RATINGS.c, index["mark"]
    still = session.connection().execute(select(func.count()).where(r.id <= held["last"])).scalar_one()
    return index if still == held["upto"] else None


def _kept(session: Session, workspace: Workspace, study: str, version: StudyVersion, panel: str, question: str) -> Counted | None:
    index = _index(session, workspace, study, version)
    if index is None:
        return None
    groups = [(pair[0], pair[1]) for pair in index["groups"]]
    group = scores_page.chosen(groups, index["main"], panel, question)
    if group is None:
        return _counted(index, session, version, None, pd.DataFrame(), [])
    path = folder(workspace, study, version) / index["files"][groups.index(group)]
    parts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return _counted(index, session, version, group, pd.read_parquet(path.with_suffix(".parquet")), parts)


def _counted(
    index: dict[str, Any], session: Session, version: StudyVersion, group: Group | None, table: pd.DataFrame, parts: Sequence[Any]
) -> Counted:
    state, r, p = mark(session, version), RATINGS.c, PRESENTATIONS.c
    newer = select(func.count()).select_from(RATINGS).join(PRESENTATIONS, p.id == r.presentation_id)
    later = session.connection().execute(newer.where(r.id > index["mark"]["last"], p.version_id == version.id)).scalar_one()
    return Counted(
        [(pair[0], pair[1]) for pair in index["groups"]], group, table, list(parts), index["removed"], index["simulated"],
        datetime.fromisoformat(index["made"]), later, state.decided != index["mark"]["decided"],
    )  # fmt: skip


def forget(workspace: Workspace, study: str) -> None:
    """Remove what was counted of a study."""
    shutil.rmtree(workspace.counted / study, ignore_errors=True)


def image_scores(
    session: Session, workspace: Workspace, study: str, version: StudyVersion, stimulus: str
) -> list[dict[str, Any]]:
    """One image's scores on the main question, a row for each panel; none where a large study was not counted yet."""
    if is_common(session, version.id or 0):
        data = study_data(session, workspace, study, times=False)
        tables = [scores_page.image_table(data.as_votes())] if len(data.votes) else []
    else:
        index, place = _index(session, workspace, study, version), folder(workspace, study, version)
        pairs = zip(index["groups"], index["files"], strict=True) if index is not None else ()
        tables = [pd.read_parquet(place / f"{name}.parquet") for pair, name in pairs if index and pair[1] == index["main"]]
    return [row for table in tables for row in scores_page.rows_of(table.loc[table["stimulus"] == stimulus])]


def votes_on(session: Session, version: StudyVersion, stimulus: str) -> list[tuple[int, int, int]]:
    """Each value of the main question's scale, how many people gave it to an image at first sight, and how many of them are
    simulated; without observers whom persons have excluded. Values nobody gave are left out on a scale of more than 21."""
    r, p, o, f, s = RATINGS.c, PRESENTATIONS.c, OBSERVERS.c, STUDY_STIMULI.c, STIMULI.c
    main = next(q for q in queries.questions(session, version.id or 0) if q.kind == "scale")
    gone = [name for name, one in review.standings(session, version).items() if one.excluded]
    query = (
        select(r.value, func.count(), func.sum(o.simulated))
        .select_from(STIMULI)
        .join(STUDY_STIMULI, (f.stimulus_id == s.id) & (f.version_id == version.id))
        .join(PRESENTATIONS, (p.version_id == f.version_id) & (p.stimulus_id == f.stimulus_id) & p.role.in_(RATED))
        .join(RATINGS, (r.presentation_id == p.id) & (r.question_id == main.id) & r.value.is_not(None))
        .join(OBSERVERS, (o.id == r.observer_id) & o.pseudonym.not_in(gone))
        .join(PANELS, (PANELS.c.id == o.panel_id) & (PANELS.c.phase == "main"))
        .where(s.name == stimulus)
        .group_by(r.value)
    )
    given = {int(row[0]): (int(row[1]), int(row[2] or 0)) for row in session.connection().execute(query)}
    values = range(main.low, main.high + 1) if main.high - main.low <= 20 else sorted(given)
    return [(value, *given.get(value, (0, 0))) for value in values]
