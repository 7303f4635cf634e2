"""A screening rule's verdict on every observer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mos.votes import Bools, Floats


@dataclass(frozen=True)
class Verdict:
    """`statistic` `(I,)` of a rule against its `threshold`; `over` says who breaks it, `assessable` who can be judged."""

    rule: str
    statistic: Floats
    threshold: float
    over: Bools
    assessable: Bools
    more: dict[str, Floats] = field(default_factory=dict)

    @property
    def rejects(self) -> Bools:
        """Who would be rejected `(I,)`."""
        return np.asarray(self.over & self.assessable, bool)

    def columns(self) -> dict[str, object]:
        """RULE_statistic, RULE_threshold, RULE_verdict and further statistics."""
        words = np.where(self.assessable, np.where(self.over, "reject", "keep"), "not assessable").astype(object)
        own = {
            f"{self.rule}_statistic": self.statistic,
            f"{self.rule}_threshold": self.threshold,
            f"{self.rule}_verdict": words,
        }
        return {**self.more, **own}
