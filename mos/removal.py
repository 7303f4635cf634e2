"""Observers taken out of scores: by a rule set that was stated, or by persons with a reason; never by a rule that only proposes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from mos.conditions import condition_table
from mos.exports.study import StudyData
from mos.screening import check_rules, rejected_by
from mos.votes import Votes

BY_PERSONS = "persons"


@dataclass(frozen=True)
class Removal:
    """Who is out: (panel, question) -> observer -> the rules that say so; `reasons` are persons' words by observer."""

    gone: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.gone)

    def of(self, panel: str, question: str) -> dict[str, list[str]]:
        """Observer -> rules, of one panel and question."""
        return self.gone.get((panel, question), {})

    def without(self, votes: Votes) -> Votes:
        """The votes less those of observers who are out in their panel and question."""
        if not self.gone:
            return votes
        keep = np.ones(len(votes), bool)
        panels, questions = votes.panels(), votes.questions()
        for (panel, question), people in self.gone.items():
            out = np.array([name in people for name in votes.observers], bool)
            keep &= ~((panels == panel) & (questions == question) & out[votes.observer])
        return votes.select(keep)

    def rows(self) -> list[dict[str, Any]]:
        """One entry per panel, question and observer: panel, question, observer, rules, and persons' reason where there is one."""
        return [
            {"panel": panel, "question": question, "observer": name, "rules": why, **self._said(name)}
            for (panel, question), people in self.gone.items()
            for name, why in people.items()
        ]

    def _said(self, name: str) -> dict[str, str]:
        return {"reason": self.reasons[name]} if name in self.reasons else {}


def find_removal(parts: Sequence[Votes], rules: Sequence[str], by_persons: Mapping[str, str] | None = None) -> Removal:
    """Whom the rules reject in each panel and question, and whom persons took out. Rules see everyone's votes.

    Raises UsageFault for an unknown rule.
    """
    check_rules(rules)
    said = by_persons or {}
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for votes in parts if rules or said else ():
        for panel, question, group in votes.groups():
            gone = rejected_by(group, rules) if rules else {}
            voted = set(np.array(group.observers, dtype=object)[np.unique(group.observer)].tolist())
            for name in said:
                if name in voted:
                    gone.setdefault(name, []).append(BY_PERSONS)
            if gone:
                found[panel, question] = gone
    return Removal(found, said)


def frozen_rules(screening: Any) -> tuple[str, ...]:
    """The rules that a frozen study lets remove observers: its list `reject_by`; nothing when it only proposes."""
    found = screening.get("reject_by", []) if isinstance(screening, dict) else []
    return (found,) if isinstance(found, str) else tuple(str(rule) for rule in found)


def gold_counts(gold: Sequence[Mapping[str, Any]], question: str) -> dict[str, tuple[int, int]]:
    """Observer -> (gold votes within their range, gold votes judged) of one question, from a study's `meta["gold"]`."""
    counted: dict[str, tuple[int, int]] = {}
    for row in gold:
        if row["question"] == question and row["missed"] is not None:
            hits, asked = counted.get(row["observer"], (0, 0))
            counted[row["observer"]] = (hits + (not row["missed"]), asked + 1)
    return counted


def by_frozen_rules(study: StudyData) -> tuple[StudyData, Removal]:
    """A study without the votes that its frozen rule set removes, and who is out; the study itself where it only proposes."""
    rules = frozen_rules(study.meta.get("screening"))
    if not rules or study.votes.empty:
        return study, Removal()
    kinds = dict(zip(study.questions["question"], study.questions["kind"], strict=True))
    asked = [q for q in kinds if kinds[q] in ("", "scale") and (study.votes["question"] == q).any()]
    gold = study.meta.get("gold") or []
    removal = find_removal([replace(study.as_votes(question=q), gold=gold_counts(gold, q)) for q in asked], rules)
    votes = study.votes
    for (panel, question), people in removal.gone.items():
        votes = votes[~((votes["panel"] == panel) & (votes["question"] == question) & votes["observer"].isin(list(people)))]
    return replace(study, votes=votes.reset_index(drop=True)), removal


def with_and_without(kept: Sequence[Votes], every: Sequence[Votes]) -> pd.DataFrame:
    """Conditions of the kept votes beside those of all: panel, question, grouping, name, mean and interval, `mean_all`, `change`."""
    keys = ["panel", "question", "grouping", "name"]
    less = pd.concat([condition_table(v) for v in kept], ignore_index=True)
    whole = pd.concat([condition_table(v) for v in every], ignore_index=True)
    both = less[[*keys, "mean", "ci95_low", "ci95_high"]].merge(
        whole[[*keys, "mean", "ci95_low", "ci95_high"]], on=keys, how="outer", suffixes=("", "_all"), sort=False
    )
    both["change"] = both["mean"] - both["mean_all"]
    return both
