"""Stimuli by observers with at most one vote a cell, kept as the votes that there are: what reliability is counted from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DENSE_CELLS = 25_000_000
AS_FAST = 300
"""A step of a sparse product takes as long as so many of a dense one."""
ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Grid:
    """V votes in a table of `shape` (J stimuli, I observers): `row`, `column`, `value`, each `(V,)`; other cells are missing."""

    row: Ints
    column: Ints
    value: Floats
    shape: tuple[int, int]

    @classmethod
    def of(cls, table: Floats | Grid) -> Grid:
        """The grid of a matrix `(J, I)` with nan = missing; a grid is given back as it is."""
        if isinstance(table, Grid):
            return table
        row, column = np.nonzero(~np.isnan(table))
        return cls(row.astype(np.int64), column.astype(np.int64), table[row, column], (table.shape[0], table.shape[1]))

    def __len__(self) -> int:
        """How many votes there are."""
        return len(self.value)

    @property
    def complete(self) -> bool:
        """Whether no cell is missing."""
        return len(self) == self.shape[0] * self.shape[1]

    @cached_property
    def per_row(self) -> Ints:
        """Votes of each stimulus `(J,)`."""
        return np.bincount(self.row, minlength=self.shape[0]).astype(np.int64)

    @cached_property
    def per_column(self) -> Ints:
        """Votes of each observer `(I,)`."""
        return np.bincount(self.column, minlength=self.shape[1]).astype(np.int64)

    def rows(self, kept: NDArray[np.bool_]) -> Grid:
        """The stimuli that a mask `(J,)` keeps, in their order."""
        number, mine = np.cumsum(kept) - 1, kept[self.row]
        return Grid(number[self.row[mine]], self.column[mine], self.value[mine], (int(kept.sum()), self.shape[1]))

    def columns(self, kept: NDArray[np.bool_]) -> Grid:
        """The observers that a mask `(I,)` keeps, in their order."""
        number, mine = np.cumsum(kept) - 1, kept[self.column]
        return Grid(self.row[mine], number[self.column[mine]], self.value[mine], (self.shape[0], int(kept.sum())))

    def matrix(self) -> Floats:
        """Stimuli x observers `(J, I)`; nan = missing."""
        made = np.full(self.shape, np.nan)
        made[self.row, self.column] = self.value
        return made

    def held(self, values: Floats) -> Any:
        """A number per vote `(V,)` as `(J, I)` with 0 elsewhere, fit for `@`: an array where that is small, else a CSR array."""
        made = sparse.csr_array((values, (self.row, self.column)), shape=self.shape)
        cells = self.shape[0] * self.shape[1]
        return made.toarray() if cells <= DENSE_CELLS or cells <= 4 * len(self) else made

    def common(self, weight: Floats | None = None) -> Any:
        """Sum over stimuli of `weight` `(J,)` (None: 1) for each two observers who both rated them: `(I, I)`, an array or a CSR array."""
        ones = sparse.csr_array((np.ones(len(self)), (self.row, self.column)), shape=self.shape)
        heavy = ones if weight is None else sparse.csr_array((weight[self.row], (self.row, self.column)), shape=self.shape)
        stimuli, observers = self.shape
        if AS_FAST * float(np.sum(self.per_row.astype(float) ** 2)) < float(stimuli) * observers**2:
            return ones.T.tocsr() @ heavy
        made = np.zeros((observers, observers))
        for start in range(0, stimuli, ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            made += ones[part].toarray().T @ heavy[part].toarray()
        return made


def dense(table: Any) -> Floats:
    """An array, whether it was one or a sparse one."""
    return np.asarray(table if isinstance(table, np.ndarray) else table.toarray(), np.float64)
