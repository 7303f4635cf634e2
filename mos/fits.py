"""What every score model gives, and how it becomes a table."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import special

from mos.counts import totals
from mos.votes import Floats, Ints, Votes

Z95 = 1.95996


@dataclass(frozen=True)
class Fit:
    """A model's scores `(J,)` in the scale's units (z or 0..100 where the model says so) with 95 % intervals.

    `extra` holds further columns per stimulus, `observers` columns `(I,)` per observer, `notes` what the reader should
    know (did not converge, observers left out). Nan = undefined; `reason` says why where one reason holds for all.
    """

    name: str
    votes: Ints
    score: Floats
    se: Floats
    ci95_low: Floats
    ci95_high: Floats
    extra: dict[str, Floats] = field(default_factory=dict)
    observers: dict[str, Floats] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reason: str = ""

    def table(self, votes: Votes) -> pd.DataFrame:
        """stimulus, content, is_ref, votes, score, se, ci95_low, ci95_high and the model's further columns."""
        base = {
            "stimulus": np.array(votes.stimuli, dtype=object),
            "content": votes.info["content"].to_numpy(dtype=object),
            "is_ref": votes.info["is_ref"].to_numpy(dtype=bool),
            "votes": self.votes,
            "score": self.score,
            "se": self.se,
            "ci95_low": self.ci95_low,
            "ci95_high": self.ci95_high,
        }
        return pd.DataFrame(base | self.extra)

    def observer_table(self, votes: Votes) -> pd.DataFrame | None:
        """observer, bias, bias_se, inconsistency, ...; None for a model without observers."""
        if not self.observers:
            return None
        return pd.DataFrame({"observer": np.array(votes.observers, dtype=object)} | self.observers)


def counts(votes: Votes) -> Ints:
    """Votes per stimulus `(J,)`."""
    return totals(votes.stimulus, len(votes.stimuli)).astype(np.int64)


def simple_fit(name: str, votes: Votes, score: Floats, se: Floats, half: Floats | None = None, **more: object) -> Fit:
    """A Fit with symmetric intervals: `half` width, or 1.96 SE."""
    width = Z95 * se if half is None else half
    return Fit(name, counts(votes), score, se, score - width, score + width, **more)  # type: ignore[arg-type]


def inconsistency_columns(v: Floats, n: Floats) -> dict[str, Floats]:
    """Inconsistency with SE v / sqrt(2 n) and its chi-square interval (sqrt(n / chi2(.975)) v, sqrt(n / chi2(.025)) v)."""
    k = np.where(n > 0, n, np.nan)
    return {
        "inconsistency": v,
        "inconsistency_se": v / np.sqrt(2 * k),
        "inconsistency_ci95_low": np.sqrt(k / special.chdtri(k, 0.025)) * v,
        "inconsistency_ci95_high": np.sqrt(k / special.chdtri(k, 0.975)) * v,
    }
