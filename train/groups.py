"""Groups that must stay in one part: joined wherever two rows share a key (subject, photo, content, near-duplicate cluster)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import pandas as pd


class Union:
    """Disjoint sets with path halving; the smaller name represents a set, so the result does not depend on the order."""

    def __init__(self) -> None:
        self.parent: dict[Hashable, Hashable] = {}

    def find(self, item: Hashable) -> Hashable:
        """The set's representative."""
        self.parent.setdefault(item, item)
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make two sets one."""
        a, b = self.find(one), self.find(other)
        if a != b:
            low, high = sorted((a, b), key=str)
            self.parent[high] = low


def joined(keys: Sequence[pd.Series]) -> list[str]:
    """One group name per row: rows that share a value in any of the key columns are one group (empty cells join nothing).

    A group bears the smallest first key (the file, where that comes first) among its rows, so row order does not matter.
    """
    union = Union()
    rows = len(keys[0])
    for row in range(rows):
        for column, key in enumerate(keys):
            value = key.iloc[row]
            if pd.notna(value) and str(value) != "":
                union.join(("row", row), (f"key{column}", str(value)))
    roots = [union.find(("row", row)) for row in range(rows)]
    names: dict[Hashable, str] = {}
    for row, root in enumerate(roots):
        own = str(keys[0].iloc[row])
        names[root] = min(names.get(root, own), own)
    return [names[root] for root in roots]


def pairs_to_groups(groups: Sequence[str], pairs: Iterable[tuple[int, int]]) -> list[str]:
    """The groups after joining those of each pair of rows; a joined group bears its smallest member's name."""
    union = Union()
    for one, other in pairs:
        union.join(groups[one], groups[other])
    return [str(union.find(group)) for group in groups]
