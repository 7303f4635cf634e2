"""Matrix CSV: images by observers, one file per panel and question; a blank cell is a missing vote."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mos.exports.study import StudyData, safe_name
from mos.exports.tables import Options, write_csv


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `matrix.csv` into `out`, or `matrix_PANEL_QUESTION.csv` for each where there are several."""
    groups = [(p, q) for p, q in study.groups() if options.panel in (None, p) and options.question in (None, q)]
    made = []
    for panel, question in groups:
        name = "matrix.csv" if len(groups) == 1 else f"matrix_{safe_name(panel or 'all')}_{safe_name(question or 'score')}.csv"
        made.append(write_csv(out / name, matrix(study, panel, question).reset_index()))
    return made


def matrix(study: StudyData, panel: str, question: str) -> pd.DataFrame:
    """First presentations as a table: index `stimulus` in the study's order, one column per observer, nan = no vote."""
    votes = study.select(panel, question)
    first = votes.sort_values("rep", kind="stable").drop_duplicates(["stimulus", "observer"])
    wide = first.pivot(index="stimulus", columns="observer", values="score")
    rated = [s for s in study.stimuli["stimulus"] if s in wide.index]
    wide = wide.loc[rated, sorted(wide.columns)]
    wide.columns.name = None
    return wide
