"""Statistics tables: columns of float64, grouped by sequence.

Rows of one sequence are not independent of each other, so every table knows its sequences and all
intervals are made by drawing sequences, never rows. Inside these tables, as in `LabelledBoxes`, NaN
marks a value that a row does not have; the estimators leave such rows out, column by column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synthgen.errors import InternalError
from synthgen.geometry.arrays import F64, I64

# Classes that data sets are compared by; the numbers stand in the column `category`.
CLASSES: Final = ("car", "van", "truck", "bus", "pedestrian", "cyclist")
CATEGORICAL: Final = frozenset({"category", "heading", "truncated", "occluded"})


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Rows of one kind (boxes, frames, tracks, ...) as columns.

    Attributes:
        sequence: (N,) int64 index into `sequences`.
        sequences: Names of all sequences, also of those without rows.
        columns: (N,) float64 by name; numbers of a category are whole.
    """

    sequence: I64
    sequences: tuple[str, ...]
    columns: Mapping[str, F64]

    def __post_init__(self) -> None:
        """Check that the columns are of one length."""
        for name, column in self.columns.items():
            if column.shape != self.sequence.shape:
                raise InternalError(f"{name}: expected {len(self)} rows, got {column.shape}")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.sequence)

    def __getitem__(self, name: str) -> F64:
        """One column."""
        return self.columns[name]

    def rows(self, chosen: NDArray[np.generic]) -> Table:
        """The chosen rows (mask or indices); the list of sequences stays."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return Table(self.sequence[chosen], self.sequences, columns)

    def of_sequences(self, numbers: Sequence[int] | I64) -> Table:
        """The rows of some sequences, which become the whole list, in ascending order."""
        kept = np.unique(np.asarray(numbers, dtype=np.int64))
        place = np.full(len(self.sequences), -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        chosen = place[self.sequence] >= 0
        columns = {name: column[chosen] for name, column in self.columns.items()}
        names = tuple(self.sequences[i] for i in kept.tolist())
        return Table(place[self.sequence[chosen]], names, columns)

    def with_columns(self, more: Mapping[str, F64]) -> Table:
        """The table with columns added or replaced."""
        return Table(self.sequence, self.sequences, {**self.columns, **more})


def empty_table(names: Sequence[str], sequences: tuple[str, ...] = ()) -> Table:
    """A table without rows."""
    return Table(np.zeros(0, np.int64), sequences, {name: np.zeros(0) for name in names})


def joined(a: Table, b: Table) -> Table:
    """The rows of both; sequences stay apart even where their names are equal."""
    names = [name for name in a.columns if name in b.columns]
    columns = {name: np.concatenate([a[name], b[name]]) for name in names}
    sequence = np.concatenate([a.sequence, b.sequence + len(a.sequences)])
    return Table(sequence, (*a.sequences, *b.sequences), columns)
