"""The four public vote sets and what sureal and the strict rules give on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from mos.votes import Votes

SETS = ("hdtv1_exp1", "nflx_public", "nflx_public_4outliers", "vqeghd3")
NAMES = {"stimulus": str, "observer": str, "content": str}


def golden_votes(shared: Path, name: str) -> Votes:
    """The votes of one set, on 1..5."""
    folder = shared / "golden" / "mos" / name
    stimuli = pd.read_csv(folder / "stimuli.csv", dtype=NAMES)
    return Votes.from_frame(pd.read_csv(folder / "votes.csv", dtype=NAMES), 1, 5, stimuli)


def golden_table(shared: Path, name: str, file: str, votes: Votes) -> pd.DataFrame | None:
    """An expected table in the order of the votes' stimuli (or observers); None where that set has none."""
    path = shared / "golden" / "mos" / name / "expected" / file
    if not path.exists():
        return None
    key = "observer" if ".observers." in file else "stimulus"
    order = list(votes.observers if key == "observer" else votes.stimuli)
    return pd.read_csv(path, dtype=NAMES).set_index(key).loc[order]


def golden_json(shared: Path, name: str) -> dict[str, Any]:
    """The strict rules and reliability of one set."""
    found: dict[str, Any] = json.loads((shared / "golden" / "mos" / name / "expected" / f"{name}.json").read_text())
    return found
