"""Tables 3 and 4 of the paper from finished runs: mean and SD over splits, the best three in bold, collapses marked.

Reads every folder with a results.json: trained models, baselines and other models' predictions alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train.cells import AVERAGE, Cell, Row, Table, mean_sd
from train.evaluate import wild
from train.run_folder import RESULTS, read_json
from train.table_bounds import bound_rows, left_out
from workspace.errors import DatasetFault

MEASURES = {"plcc": "Pearson linear correlation (PLCC, raw)", "srocc": "Spearman rank correlation (SROCC)"}
KINDS = ("model", "baseline", "external", "bound")
BEST = 3


def find_runs(places: Iterable[Path]) -> list[dict[str, Any]]:
    """The results of every finished run in these folders or below them, with `folder`. Raises DatasetFault when there is none."""
    folders: set[Path] = set()
    for place in places:
        folders |= {path.parent for path in place.rglob(RESULTS)}
    if not folders:
        named = ", ".join(str(place) for place in places)
        raise DatasetFault(f"no finished run in {named} (no {RESULTS}): train first, or name the runs' folder")
    return [{**read_json(folder / RESULTS, "a finished run"), "folder": str(folder)} for folder in sorted(folders)]


def tables(runs: Sequence[dict[str, Any]]) -> list[Table]:
    """Table 3 (PLCC) and table 4 (SROCC) of these runs."""
    columns = _columns(runs)
    return [_table(runs, columns, measure, title) for measure, title in MEASURES.items()]


def _columns(runs: Sequence[dict[str, Any]]) -> list[str]:
    """The titles of all sets with a test part: in the paper's order, then others as they come, the user's own sets last."""
    from train.datasets import all_facts

    order = {facts.title: facts.rank for facts in all_facts()}
    paper = ("KADID-10k", "KonIQ-10k", "SPAQ", "GFIQA-20k", "BIQ2021")
    found = {run["titles"][name] for run in runs for name, results in run["sets"].items() if "test" in results}

    def place(title: str) -> tuple[int, str]:
        if title in paper:
            return (paper.index(title), title)
        return (len(paper) if title in order else len(paper) + 1, title)

    return sorted(found, key=place)


def _table(runs: Sequence[dict[str, Any]], columns: list[str], measure: str, title: str) -> Table:
    by_row: dict[tuple[int, str, str], list[dict[str, Any]]] = {}
    for run in runs:
        row = run["row"]
        if left_out(run):
            continue
        by_row.setdefault((KINDS.index(row["kind"]), row["training"], row["model"]), []).append(run)
    order = sorted(by_row, key=lambda key: (key[0], key[1] == "All", _first(by_row[key]), key[2]))
    rows = [_row(by_row[key], columns, measure, key) for key in order]
    rows = _ranked(rows, [*columns, AVERAGE]) + bound_rows(runs, columns, measure)
    return Table(measure, title, [*columns, AVERAGE], rows, _notes(runs, rows))


def _first(runs: Sequence[dict[str, Any]]) -> str:
    return str(runs[0]["row"]["training"])


def _row(runs: Sequence[dict[str, Any]], columns: list[str], measure: str, key: tuple[int, str, str]) -> Row:
    cells: dict[str, Cell | None] = {column: _cell([_test(run, column) for run in runs], runs, measure) for column in columns}
    cells[AVERAGE] = _average(runs, columns, measure)
    return Row(key[2], key[1], KINDS[key[0]], cells)


def _test(run: dict[str, Any], title: str) -> dict[str, Any] | None:
    for name, found in run["sets"].items():
        if run["titles"][name] == title and "test" in found:
            test: dict[str, Any] = found["test"]
            return test
    return None


def _cell(tests: Sequence[dict[str, Any] | None], runs: Sequence[dict[str, Any]], measure: str) -> Cell | None:
    """The cell of one column over a row's runs."""
    known = [(test, bool(run.get("collapsed"))) for test, run in zip(tests, runs, strict=True) if test is not None]
    if not known:
        return None
    kept = [float(test[measure]) for test, bad in known if not bad and test[measure] is not None]
    every = [float(test[measure]) if test[measure] is not None else 0.0 for test, _ in known]
    bad = len(known) - len(kept)
    clipped = [float(test["plcc_clipped"]) for test, lost in known if not lost and test.get("plcc_clipped") is not None]
    mean, sd = mean_sd(kept)
    all_mean, all_sd = mean_sd(every)
    return Cell(
        mean, sd, len(kept), bad, sum(wild(test) for test, lost in known if not lost) if measure == "plcc" else 0,
        (all_mean, all_sd) if bad and all_mean is not None else None, mean_sd(clipped)[0] if measure == "plcc" else None,
    )  # fmt: skip


def _average(runs: Sequence[dict[str, Any]], columns: list[str], measure: str) -> Cell | None:
    """Mean over the columns, per run, then over runs; only where every column is there."""
    values, bad = [], 0
    for run in runs:
        tests = [_test(run, column) for column in columns]
        if run.get("collapsed"):
            bad += 1
        elif all(test is not None and test[measure] is not None for test in tests):
            values.append(float(np.mean([test[measure] for test in tests if test is not None])))
    mean, sd = mean_sd(values)
    return Cell(mean, sd, len(values), bad) if values else None


def _ranked(rows: list[Row], columns: Sequence[str]) -> list[Row]:
    """The rows with the rank 1, 2, 3 of the best cells of each column."""
    ranks: dict[tuple[int, str], int] = {}
    for column in columns:
        means = [
            (cell.mean, n) for n, row in enumerate(rows) if (cell := row.cells[column]) is not None and cell.mean is not None
        ]
        for rank, (_, n) in enumerate(sorted(means, key=lambda pair: -float(pair[0] or 0.0))[:BEST], start=1):
            ranks[n, column] = rank
    return [
        Row(row.model, row.training, row.kind, {c: _with_rank(cell, ranks.get((n, c))) for c, cell in row.cells.items()})
        for n, row in enumerate(rows)
    ]


def _with_rank(cell: Cell | None, rank: int | None) -> Cell | None:
    return cell if cell is None or rank is None else Cell(**{**vars(cell), "rank": rank})


def _notes(runs: Sequence[dict[str, Any]], rows: Sequence[Row]) -> list[str]:
    """What must be said under a table: splits, marks, settings, simulated votes."""
    splits = sorted({run["split"] for run in runs})
    notes = [f"Mean ± SD (ddof 1) over splits {', '.join(str(s) for s in splits)}; the best {BEST} of each column in bold."]
    for row in rows:
        for column, cell in row.cells.items():
            if cell is not None and cell.collapsed and cell.with_collapsed is not None:
                mean, sd = cell.with_collapsed
                spread = "" if sd is None else f" ± {sd:.4f}"
                notes.append(
                    f"† {row.model} on {row.training}, {column}: {cell.collapsed} of {cell.collapsed + cell.runs} runs collapsed "
                    f"(no information on their own validation part) and are left out; with them {mean:.4f}{spread}."
                )
            if cell is not None and cell.wild and cell.clipped is not None:
                notes.append(
                    f"‡ {row.model} on {row.training}, {column}: outputs outside 1 to 10 spoil the PLCC of {cell.wild} runs; "
                    f"clipped, the mean is {cell.clipped:.4f}."
                )
    for text in sorted({_settings(run) for run in runs if run.get("settings")}):
        notes.append(f"Settings: {text}.")
    if any(run.get("simulated") for run in runs):
        notes.append(
            "SIMULATED VOTES: sets or models here rest on votes of simulated observers; they say nothing about what people see."
        )
    return notes


def _settings(run: dict[str, Any]) -> str:
    shown = {"weighting": "weights", "weight_cap": "cap", "select_by": "selected by", "select": "select"}
    return ", ".join(f"{shown.get(key, key)} {'off' if value is None else value}" for key, value in run["settings"].items())
