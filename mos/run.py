"""Votes in, every table out: scores, models, conditions, observers, and why any cell is empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mos.compat import SUREAL_MODELS
from mos.conditions import condition_table
from mos.effects import order_effects
from mos.gsd import consistency
from mos.models import MODELS, check_model, fit
from mos.reliability import reliability
from mos.removal import Removal, find_removal
from mos.scores import reference_lines, score_reasons, score_table
from mos.screening import check_rules, observer_table
from mos.sos import sos
from mos.undefined import COLUMNS, model_reasons, observer_reasons
from mos.usefulness import usefulness_table
from mos.votes import Votes
from workspace.errors import StudyFault, UsageFault
from workspace.files import write_json, write_text

DECIMALS = 9
COMPATIBLE = ("sureal",)
OPTIONAL = ("scores_all_observers.csv", "conditions_all_observers.csv", "bad_cells.csv", "usefulness.csv")


@dataclass(frozen=True)
class Options:
    """How a run goes: screening rules that remove observers, sureal's own models beside, DMOS crushing, which models.

    `frozen`: the rules are those that the study froze; `by_persons`: observers whom persons took out, with the reason.
    """

    reject_by: tuple[str, ...] = ()
    compat: str | None = None
    crushing: str = "none"
    models: tuple[str, ...] = tuple(MODELS)
    seed: int = 0
    draws: int = 1000
    frozen: bool = False
    by_persons: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """What a run gathers: the files written and the summary that `summary.json` holds."""

    out: Path
    files: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    undefined: list[tuple[str, ...]] = field(default_factory=list)

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Write one CSV of the run."""
        write_text(self.out / name, csv_of(frame))
        self.files.append(name)


def csv_of(frame: pd.DataFrame) -> str:
    """A table as CSV: nine decimals, empty for undefined, 1 and 0 for yes and no."""
    plain = frame.copy()
    for column in plain.columns:
        if plain[column].dtype == bool:
            plain[column] = plain[column].astype(int)
        elif plain[column].dtype == float:
            plain[column] = plain[column].round(DECIMALS)
    return str(plain.to_csv(index=False, lineterminator="\n"))


def run(
    parts: Votes | Sequence[Votes],
    out: Path,
    options: Options | None = None,
    said: dict[str, Any] | None = None,
    answers: Sequence[Votes] = (),
) -> Run:
    """All tables of the votes into the folder `out`; several parts when questions have scales of their own.

    `answers` are votes on yes/no and choice questions, for usefulness.csv. `said` joins the summary (source, layout,
    notes, bad cells). Raises UsageFault for an unknown rule or switch.
    """
    *_, (_, made) = steps(parts, out, options, said, answers)
    return made


def steps(
    parts: Votes | Sequence[Votes],
    out: Path,
    options: Options | None = None,
    said: dict[str, Any] | None = None,
    answers: Sequence[Votes] = (),
) -> Iterator[tuple[str, Run]]:
    """`run` step by step: yields what was just made, and the run."""
    chosen = options or Options()
    check_rules(chosen.reject_by)
    if chosen.compat is not None and chosen.compat not in COMPATIBLE:
        raise UsageFault(f"compatibility with {chosen.compat!r} is not known: choose {', '.join(COMPATIBLE)}")
    for name in chosen.models:
        check_model(name)
    every = [parts] if isinstance(parts, Votes) else list(parts)
    made = Run(out)
    for name in OPTIONAL:
        (out / name).unlink(missing_ok=True)
    removal = find_removal(every, chosen.reject_by, chosen.by_persons)
    kept = [removal.without(votes) for votes in every]
    if removal and not any(len(votes) for votes in kept):
        rules = ", ".join(sorted({rule for row in removal.rows() for rule in row["rules"]}))
        raise StudyFault(f"the screening removes every observer ({rules}): nothing is left to score; choose other rules")
    made.summary = _summary(every, chosen, removal) | (said or {})
    yield from _scores(made, every, kept, chosen, bool(removal))
    yield from _observers(made, every, removal)
    yield from _models(made, kept, chosen)
    yield from _reliability(made, kept, chosen)
    if answers:
        tables = [usefulness_table(removal.without(a), kept[0] if kept else None, draws=chosen.draws) for a in answers]
        made.table("usefulness.csv", pd.concat(tables, ignore_index=True))
        yield "usefulness", made
    made.table("undefined.csv", pd.DataFrame(made.undefined, columns=list(COLUMNS)))
    made.summary["files"] = [*made.files, "summary.json"]
    write_json(out / "summary.json", made.summary)
    made.files.append("summary.json")
    yield "summary", made


def _summary(parts: list[Votes], options: Options, removal: Removal) -> dict[str, Any]:
    return {
        "votes": sum(len(v) for v in parts),
        "votes_simulated": sum(0 if v.simulated is None else int(v.simulated.sum()) for v in parts),
        "stimuli": len({s for v in parts for s in v.stimuli}),
        "observers": len({v.observers[i] for v in parts for i in set(v.observer.tolist())}),
        "scales": sorted({(v.low, v.high) for v in parts}),
        "screening": {
            "rule_set": list(options.reject_by) or None,
            "frozen": options.frozen,
            "removed": removal.rows(),
            "note": _removal_note(options, removal),
        },
        "crushing": options.crushing,
        "groups": [],
    }


def _removal_note(options: Options, removal: Removal) -> str:
    if removal:
        return "scores.csv and conditions.csv are without the removed observers, *_all_observers.csv with them"
    if options.reject_by:
        return "the rule set removed nobody"
    return "nobody was removed: screening only proposes (observers.csv)"


def _scores(made: Run, every: list[Votes], kept: list[Votes], options: Options, screened: bool) -> Iterator[tuple[str, Run]]:
    table = pd.concat([score_table(v, options.crushing) for v in kept], ignore_index=True)
    made.table("scores.csv", table)
    if screened:
        made.table("scores_all_observers.csv", pd.concat([score_table(v, options.crushing) for v in every], ignore_index=True))
    for votes in kept:
        own = table[table["question"].isin([q for _, q, _ in votes.groups()])]
        reasons = score_reasons(votes, own)
        made.undefined += [("scores.csv", *row) for row in reasons.itertuples(index=False, name=None)]
        made.summary.setdefault("references", []).extend(reference_lines(votes, own))
    yield "scores", made
    made.table("conditions.csv", pd.concat([condition_table(v) for v in kept], ignore_index=True))
    if screened:
        made.table("conditions_all_observers.csv", pd.concat([condition_table(v) for v in every], ignore_index=True))
    yield "conditions", made


def _observers(made: Run, every: list[Votes], removal: Removal) -> Iterator[tuple[str, Run]]:
    tables = []
    for votes in every:
        for panel, question, group in votes.groups():
            table = observer_table(group)
            made.undefined += observer_reasons(table, panel, question)
            gone = removal.of(panel, question)
            table.insert(1, "panel", panel)
            table.insert(2, "question", question)
            table.insert(3, "removed_by", [" ".join(gone.get(name, [])) for name in table["observer"]])
            tables.append(table)
    made.table("observers.csv", pd.concat(tables, ignore_index=True))
    yield "observers", made


def _models(made: Run, kept: list[Votes], options: Options) -> Iterator[tuple[str, Run]]:
    """models/MODEL.csv; with several panels or questions models/PANEL.QUESTION/MODEL.csv."""
    groups = [(panel, question, group.first()) for votes in kept for panel, question, group in votes.groups()]
    names = [*options.models, *(SUREAL_MODELS if options.compat else ())]
    for panel, question, votes in groups:
        folder = "models" if len(groups) == 1 else f"models/{_plain(panel)}.{_plain(question)}"
        notes: dict[str, list[str]] = {}
        report: dict[str, Any] = {"panel": panel, "question": question, "model_notes": notes}
        for name in names:
            if name == "GSD" and not votes.whole:
                notes["GSD"] = ["needs whole votes on a scale of at most 21 steps: not fitted"]
                continue
            result = fit(name, votes)
            made.table(f"{folder}/{name}.csv", result.table(votes))
            observers = result.observer_table(votes)
            if observers is not None:
                made.table(f"{folder}/{name}.observers.csv", observers)
            made.undefined += model_reasons(result, votes, panel, question)
            if result.notes:
                notes[name] = list(result.notes)
            if name == "GSD":
                test = consistency(result.extra["g_p"])
                report["g_test"] = {k: v for k, v in asdict(test).items() if k != "points"}
                report["g_test"]["pp_points"] = test.points.tolist()
            yield f"model {name}", made
        made.summary["groups"].append(report)


def _reliability(made: Run, kept: list[Votes], options: Options) -> Iterator[tuple[str, Run]]:
    """reliability.json: one entry per panel and question."""
    entries = [
        {
            "panel": panel,
            "question": question,
            **reliability(group, draws=options.draws, seed=options.seed),
            "sos": asdict(sos(group)),
            "order_effects": order_effects(group.first()),
        }
        for votes in kept
        for panel, question, group in votes.groups()
    ]
    write_json(made.out / "reliability.json", {"groups": entries})
    made.files.append("reliability.json")
    yield "reliability", made


def _plain(name: str) -> str:
    """A name fit for a folder."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name) or "_"
