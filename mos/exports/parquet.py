"""Parquet: votes, stimuli and scores as columns with types, for large studies."""

from __future__ import annotations

from pathlib import Path

from mos.exports.long import labels
from mos.exports.study import StudyData
from mos.exports.tables import Options, typed, write_table


def write(study: StudyData, out: Path, options: Options) -> list[Path]:
    """Write `votes.parquet`, `stimuli.parquet` and `scores.parquet` into `out`."""
    votes = study.select(options.panel, options.question)
    return [
        write_table(out / "votes.parquet", typed(votes)),
        write_table(out / "stimuli.parquet", typed(labels(study))),
        write_table(out / "scores.parquet", typed(study.scores())),
    ]
