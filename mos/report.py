"""The report of a study, as ITU-T P.910 asks for it: what was asked, of whom, how, what came out, and every deviation.

It lists what was done; it never claims conformance.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mos import report_method, report_results
from mos.document import Document, Section
from mos.exports.study import StudyData
from mos.exports.tables import note
from mos.removal import by_frozen_rules
from mos.report_observers import observers
from workspace.errors import StudyFault
from workspace.files import write_bytes, write_text

BADGE = "SIMULATED"


def build(study: StudyData, *, draws: int = 1000, seed: int = 0) -> Document:
    """The report of a study's main question, one part of results per panel. Raises StudyFault for a study without votes."""
    if study.votes.empty:
        raise StudyFault(f"study {study.name} has no votes yet: nothing to report")
    question = study.main_question
    kept, removal = by_frozen_rules(study)
    if kept.votes.empty:
        raise StudyFault(f"study {study.name}: the frozen rule set takes every observer out: nothing to report")
    badge = BADGE if study.simulated else ""
    sections = [
        report_method.method(study, question),
        report_method.plan(study),
        observers(study, question, kept, removal),
        report_method.viewing(study),
        report_method.deviations(study, question),
    ]
    panels = sorted(set(kept.select(question=question)["panel"]))
    for panel in panels:
        sections += results(kept, panel, question, several=len(panels) > 1, badge=badge, draws=draws, seed=seed)
    sections.append(report_method.limits(study))
    return Document(f"Report of the study {study.name}", badge, _facts(study, question), sections)


def results(study: StudyData, panel: str, question: str, *, several: bool, badge: str, draws: int, seed: int) -> list[Section]:
    """The sections of scores, reliability and drift of one panel."""
    votes = study.as_votes(panel, question)
    name = f" ({panel or 'no panel'})" if several else ""
    return [
        report_results.scores(votes, name, badge),
        report_results.conditions(votes, name, badge),
        report_results.reliability_section(votes, name, badge, draws=draws, seed=seed),
        report_results.course(votes, name, badge),
        report_results.images(votes, name),
    ]


def _facts(study: StudyData, question: str) -> list[tuple[str, str]]:
    votes = study.select(question=question)
    low, high = study.scale(question)
    facts: list[tuple[str, Any]] = [
        ("Study", study.name),
        ("Version", study.meta.get("version")),
        ("Frozen protocol (SHA-256)", study.meta.get("hash")),
        ("Votes (SHA-256)", study.votes_hash),
        ("Question", _text_of(study, question)),
        ("Scale", f"{low:g} to {high:g}"),
        ("Observers", f"{votes['observer'].nunique()}"),
        ("Images", f"{votes['stimulus'].nunique()}"),
        ("Votes", f"{len(votes)}, of them {int(votes['simulated'].sum())} by model observers"),
    ]
    return [*([("Note", note(study))] if note(study) else []), *[(k, str(v)) for k, v in facts if v not in (None, "")]]


def _text_of(study: StudyData, question: str) -> str:
    row = study.questions.loc[study.questions["question"] == question]
    text = row["text"].iloc[0] if len(row) else ""
    return str(text) if text and not pd.isna(text) else question


def write(study: StudyData, out: Path, *, pdf: bool = True, draws: int = 1000, seed: int = 0) -> list[Path]:
    """Write `report.html` (one file, no network) and, with `pdf`, `report.pdf` into `out`. Returns the paths."""
    from mos.report_html import render
    from mos.report_pdf import compile_pdf

    document = build(study, draws=draws, seed=seed)
    write_text(out / "report.html", render(document))
    if not pdf:
        return [out / "report.html"]
    write_bytes(out / "report.pdf", compile_pdf(document))
    return [out / "report.html", out / "report.pdf"]
