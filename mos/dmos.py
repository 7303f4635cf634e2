"""Differential opinion scores against the hidden reference (ACR-HR), from paired differences of each observer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mos.bounded import student_half
from mos.counts import divide, means, spreads, totals
from mos.votes import Bools, Floats, Ints, Votes
from workspace.errors import UsageFault

CRUSHING = ("none", "literal", "scaled")


@dataclass(frozen=True)
class Dmos:
    """Per stimulus `(J,)`: `dmos`, `n` (observers with both votes), `sd`, `se`, interval; nan = undefined."""

    dmos: Floats
    n: Floats
    sd: Floats
    se: Floats
    ci95_low: Floats
    ci95_high: Floats


def crush(value: Floats, high: float, low: float, how: str = "none") -> Floats:
    """Differential votes above H pressed together: (c + H) DV / (c + DV), with f(H) = H.

    `literal` takes c = 2 as P.910 prints it for 1..5, `scaled` c = 2 (H - L) / 4. Raises UsageFault for another word.
    """
    if how not in CRUSHING:
        raise UsageFault(f"crushing {how!r} is not known: choose {', '.join(CRUSHING)}")
    if how == "none":
        return value
    c = 2.0 if how == "literal" else 2.0 * (high - low) / 4.0
    above = value > high
    return np.where(above, (c + high) * value / (c + np.where(above, value, high)), value)


def differences(votes: Votes) -> tuple[Bools, Floats]:
    """Which first votes have their observer's vote on the reference too, `(V,)`, and DV = u - u_ref + H of those."""
    reference = votes.references()
    paired, seen = np.zeros(len(votes), bool), np.full(len(votes), np.nan)
    rows: Ints = np.full(len(votes.stimuli), -1, np.int64)
    codes = np.unique(reference[reference >= 0])
    rows[codes] = np.arange(len(codes))
    grid = np.full((len(codes), len(votes.observers)), np.nan)
    of_reference = rows[votes.stimulus] >= 0
    grid[rows[votes.stimulus[of_reference]], votes.observer[of_reference]] = votes.score[of_reference]
    own = reference[votes.stimulus]
    asked = own >= 0
    seen[asked] = grid[rows[own[asked]], votes.observer[asked]]
    paired = np.isfinite(seen)
    return paired, votes.score[paired] - seen[paired] + votes.high


def dmos_table(votes: Votes, crushing: str = "none") -> Dmos:
    """Paired DMOS (P.910 ACR-HR): mean over observers of u - u_ref + H, interval by Student's t from the differences.

    Observers without a vote on the reference drop out of that stimulus. A stimulus of equal differences and the
    reference itself have no interval (a width of 0 would claim certainty).
    """
    first, size = votes.first(), len(votes.stimuli)
    paired, value = differences(first)
    value = crush(value, votes.high, votes.low, crushing)
    codes = first.stimulus[paired]
    n = totals(codes, size)
    mean, sd = means(codes, size, value), spreads(codes, size, value)
    se = divide(sd, np.sqrt(n))
    half = student_half(se, n)
    half[sd == 0] = np.nan
    return Dmos(mean, n, sd, se, mean - half, mean + half)


def dmos_reasons(votes: Votes, table: Dmos) -> list[str]:
    """Per stimulus why DMOS or its interval is missing; empty text = it is there."""
    reference, is_ref = votes.references(), votes.info["is_ref"].to_numpy(dtype=bool)
    content = votes.info["content"].to_numpy(dtype=object)
    doubled = {name for name, count in Counter(content[is_ref].tolist()).items() if count > 1}
    reasons = []
    for j in range(len(votes.stimuli)):
        if reference[j] < 0:
            why = "content has several references" if content[j] in doubled else "reference missing"
        elif table.n[j] == 0:
            why = "no observer rated both the image and its reference"
        elif is_ref[j]:
            why = "the reference against itself"
        elif table.n[j] == 1:
            why = "one observer rated both the image and its reference"
        else:
            why = "all differences are equal" if table.sd[j] == 0 else ""
        reasons.append(why)
    return reasons
