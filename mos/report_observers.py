"""The report's section on observers: what each did, what rules propose, who was taken out and why, and what that changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from mos.document import Block, Section, Table, Text, number, plus_minus
from mos.exports.study import StudyData
from mos.removal import Removal, frozen_rules, gold_counts, with_and_without
from mos.report_method import pairs
from mos.screening import observer_table


def observers(study: StudyData, question: str, kept: StudyData, removal: Removal) -> Section:
    """Observers before and after screening, with every rule's verdict, the reasons of those taken out, scores with and without.

    `study` is before and `kept` after the frozen rule set, whose outcome is `removal`; persons' exclusions are in `meta`.
    """
    by_persons = study.meta.get("removed") or []
    rows = [[str(r.get("observer", "")), str(r.get("rule", "")), str(r.get("reason", ""))] for r in by_persons]
    for name in sorted({row["observer"] for row in removal.rows() if row["question"] == question}):
        rules = [
            rule for row in removal.rows() if (row["observer"], row["question"]) == (name, question) for rule in row["rules"]
        ]
        rows.append([name, ", ".join(rules), "the study's frozen rule set"])
    blocks: list[Block] = [Text(_screened(study.meta.get("screening"), len(rows)))]
    if rows:
        blocks.append(Table(["observer", "rule", "reason"], rows, "Observers taken out"))
    if any(row["question"] == question for row in removal.rows()):
        blocks.append(_compared(study, kept, question))
    for panel in sorted(set(study.select(question=question)["panel"])):
        blocks += _panel(study, panel, question)
    return Section("Observers and screening", blocks)


def _panel(study: StudyData, panel: str, question: str) -> list[Block]:
    table = observer_table(replace(study.as_votes(panel, question), gold=gold_counts(study.meta.get("gold") or [], question)))
    verdicts = [c for c in table.columns if c.endswith("_verdict")]
    people = set(table["observer"])
    simulated = study.votes.loc[study.votes["observer"].isin(people)].groupby("observer")["simulated"].any()
    rules = [[c.removesuffix("_verdict").replace("_", " "), *_counts(table[c])] for c in verdicts]
    return [
        Text(f"Panel {panel or '(one)'}: {len(table)} observers voted, {int(simulated.sum())} of them model observers."),
        Table(["rule", "would keep", "would take out", "not assessable"], rules, "What each screening rule proposes"),
        _people(table, verdicts),
    ]


def _screened(screening: Any, removed: int) -> str:
    said = (
        f"Rules stated before the first vote: {'; '.join(': '.join(p) for p in pairs(screening))}. " if pairs(screening) else ""
    )
    if removed:
        return f"{said}{removed} observers were taken out; the scores below are without them."
    if frozen_rules(screening):
        return f"{said}The frozen rule set took nobody out. All votes count in the scores below."
    return f"{said}Nobody was taken out: rules propose, people decide. All votes count in the scores below."


def _compared(study: StudyData, kept: StudyData, question: str) -> Table:
    """Means of all images and by variant, without and with the observers whom the frozen rules took out."""
    table = with_and_without([kept.as_votes(question=question)], [study.as_votes(question=question)])
    table = table.loc[table["grouping"].isin(["all", "variant"])]
    several = table["panel"].nunique() > 1
    rows = [
        [
            f"{row['panel']}: {row['name']}" if several else str(row["name"]),
            plus_minus(row["mean"], row["ci95_low"], row["ci95_high"]),
            plus_minus(row["mean_all"], row["ci95_low_all"], row["ci95_high_all"]),
            number(row["change"]),
        ]
        for _, row in table.iterrows()
    ]
    return Table(
        ["variant", "without them", "with everyone", "change"], rows, "Scores without and with the observers taken out by rule"
    )


def _counts(verdict: pd.Series) -> list[str]:
    return [str(int((verdict == word).sum())) for word in ("keep", "reject", "not assessable")]


def _people(table: pd.DataFrame, verdicts: list[str]) -> Table:
    rows = []
    for _, row in table.iterrows():
        against = [c.removesuffix("_verdict").replace("_", " ") for c in verdicts if row[c] == "reject"]
        rows.append([str(row["observer"]), str(row["n"]), number(row["mean"]), number(row["sd"]), number(row["r_pearson"], 3),
                     number(row["r_spearman"], 3), ", ".join(against) or "-"])  # fmt: skip
    heads = ["observer", "votes", "mean", "SD", "r of others", "rank r", "rules against"]
    return Table(heads, rows, "Observers (r: correlation with the mean of the others)", long=len(rows) > 30)
