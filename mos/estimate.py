"""A number with its 95 % interval, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """`value` with interval `low`..`high` (95 %); each None where undefined, and then `reason` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @classmethod
    def of(cls, value: float, low: float = math.nan, high: float = math.nan, reason: str = "") -> Estimate:
        """An estimate from floats; what is not finite becomes None (with a reason, so that no null is silent)."""
        said = reason or ("" if math.isfinite(value) else "undefined for these votes")
        return cls(finite(value), finite(low), finite(high), said)

    @classmethod
    def none(cls, reason: str) -> Estimate:
        """No number, and why."""
        return cls(None, reason=reason)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: value, ci95_low, ci95_high and, where something is missing, reason."""
        made: dict[str, Any] = {"value": self.value, "ci95_low": self.low, "ci95_high": self.high}
        return made | ({"reason": self.reason} if self.reason else {})

    def __str__(self) -> str:
        """`.912 [.880, .940]`, or a dash with the reason."""
        if self.value is None:
            return f"- ({self.reason})"
        ends = f" [{self.low:.3f}, {self.high:.3f}]" if self.low is not None and self.high is not None else ""
        return f"{self.value:.3f}{ends}"


def finite(value: float) -> float | None:
    """The float, or None when it is nan or infinite."""
    return float(value) if math.isfinite(value) else None
