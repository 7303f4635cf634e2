"""Long CSV: one row per vote, the form that `dermiqa mos` and most statistics programs read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mos.exports.study import VOTE_COLUMNS, StudyData, complete
from mos.exports.tables import Options, read_csv, write_csv


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `votes.csv` (pseudonyms, repeats included) and `stimuli.csv` (labels, no paths) into `out`."""
    votes = study.select(options.panel, options.question)
    return [write_csv(out / "votes.csv", votes), write_csv(out / "stimuli.csv", labels(study))]


def labels(study: StudyData) -> pd.DataFrame:
    """The images' table without paths on this machine."""
    return study.stimuli.drop(columns=["file"])


def read(path: Path) -> pd.DataFrame:
    """The votes of a long CSV, columns as in VOTE_COLUMNS: their `votes_hash` equals that of the study they came from.

    Raises TableFault naming a missing column.
    """
    return complete(read_csv(path), VOTE_COLUMNS, ("stimulus", "observer", "score"), str(path))
