"""Whether a model's weights may be passed on: what the licences of its training sets say, set by set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workspace.errors import ModelFault

OPEN = {
    "koniq10k": "images CC BY and similar, scores free with citation: pass the weights on with the citation and the list of credits",
}
"""Sets whose licence lets weights made from them be passed on, with the duty that goes with it; all others are kept back."""


def shipping(sets: list[Mapping[str, Any]]) -> list[tuple[str, bool, str]]:
    """Title, whether its weights may be passed on, and why, for each training set of a model's facts.

    A set's own folder (custom, dermiqa) is its owner's to judge, so it counts as not open. Raises ModelFault for a model without sets.
    """
    if not sets:
        raise ModelFault("the model names no training set: its weights can't be judged")
    rows = []
    for row in sets:
        duty = OPEN.get(str(row.get("kind", row["name"])))
        why = duty or f"its licence ({row['licence']}) does not say that weights made from it may be passed on"
        rows.append((str(row["title"]), duty is not None, why))
    return rows
