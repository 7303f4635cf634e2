"""What every column of the exported tables means: the codebook."""

from __future__ import annotations

import pandas as pd

from mos.exports.dermiqa import MEANINGS
from mos.exports.study import StudyData

VOTES = {
    "stimulus": ("text", "", "image that was rated"),
    "observer": ("text", "", "observer's pseudonym"),
    "score": ("number", "", "the vote, in the units of its question"),
    "panel": ("text", "", "group of observers"),
    "question": ("text", "", "what was asked"),
    "rep": ("whole", "", "0 = first presentation; later ones only judge observers"),
    "session": ("text", "", "session of this observer"),
    "position": ("whole", "", "place in the observer's order, over all sessions"),
    "response_ms": ("number", "ms", "from the image's appearance to the vote"),
    "time": ("text", "", "UTC, ISO 8601"),
    "simulated": ("flag", "", "1 = vote of a model observer, not of a person"),
}
STIMULI = {
    "stimulus": ("text", "", "image"),
    "is_ref": ("flag", "", "1 = hidden reference of its content"),
    "licence": ("text", "", "licence of the photo"),
    "credit": ("text", "", "whom to name"),
    "may_redistribute": ("text", "", "whether the image may be passed on"),
}
OBSERVERS = {
    "observer": ("text", "", "pseudonym"),
    "panel": ("text", "", "group of observers"),
    "simulated": ("flag", "", "1 = model observer, not a person"),
    "state": ("text", "", "how far the observer came: invited, active, finished, withdrawn ..."),
    "flags": ("text", "", "what the study noted about the observer's session"),
}
QUESTIONS = {
    "question": ("text", "", "name of the question"),
    "kind": ("text", "", "scale, yesno, one or several"),
    "low": ("number", "", "lowest value"),
    "high": ("number", "", "highest value"),
    "labels": ("text", "", "words at the scale, from low to high"),
    "text": ("text", "", "the question as it was asked"),
}
PLAN = {
    "panel": ("text", "", "group of observers"),
    "row": ("whole", "", "row of the plan, from 0: what one observer sees in order"),
    "session": ("whole", "", "sitting, from 1; 0 = training"),
    "position": ("whole", "", "place in the row, from 0"),
    "stimulus": ("text", "", "image that stands there"),
    "role": ("text", "", "test, reference, anchor, repeat, gold, training or stabilising"),
    "content": ("text", "", "the photo that the image was made from"),
    "sha256": ("text", "", "of the frozen file's bytes"),
    "observer": ("text", "", "pseudonym of who was given the place; empty for training and for a place that nobody took"),
}
NUMBERS = {"kadid_type": "whole", "kadid_level": "whole", "mos": "number", "sd": "number", "n": "whole", "n_simulated": "whole"}


def codebook(study: StudyData, *, whole: bool = False) -> pd.DataFrame:
    """Columns table, column, type, unit, meaning, low, high; the scale's ends stand with `score` and `mos`.

    `whole`: with the tables that the archive holds besides, observers.csv, questions.csv and, if there is one, plan.csv.
    """
    low, high = study.scale(study.main_question)
    rows = [("votes.csv", name, *facts) for name, facts in VOTES.items()]
    rows += [("stimuli.csv", name, *_stimulus(name)) for name in study.stimuli.columns if name != "file"]
    rows += [
        ("scores.csv", n, NUMBERS.get(n, "text"), "", MEANINGS[n]) for n in ("panel", "question", "mos", "sd", "n", "n_simulated")
    ]
    rows.insert(len(VOTES) + len(study.stimuli.columns) - 1, ("scores.csv", "stimulus", "text", "", "image"))
    if whole:
        rows += [("observers.csv", str(n), *OBSERVERS.get(str(n), ("text", "", ""))) for n in study.observers.columns]
        rows += [("questions.csv", name, *QUESTIONS[name]) for name in QUESTIONS]
        rows += [("plan.csv", name, *facts) for name, facts in PLAN.items()] if "plan_rows" in study.meta else []
    table = pd.DataFrame(rows, columns=["table", "column", "type", "unit", "meaning"])
    scale = table["column"].isin(["score", "mos"])
    return table.assign(low=scale.map({True: f"{low:g}", False: ""}), high=scale.map({True: f"{high:g}", False: ""}))


def _stimulus(name: str) -> tuple[str, str, str]:
    if name in STIMULI:
        return STIMULI[name]
    return NUMBERS.get(name, "text"), "", MEANINGS.get(name, "label of the image, as the curator gave it")


def meaning(column: str) -> str:
    """One line about a column of any exported table."""
    return VOTES.get(column, STIMULI.get(column, ("", "", MEANINGS.get(column, ""))))[2]
