"""Tables as columns, in the names and types of `docs/clip_format.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from synthgen.geometry.arrays import Bool

Column = Sequence[object] | NDArray[np.generic]
Columns = dict[str, Column]
_Scalar = TypeVar("_Scalar", bound=np.generic)


def nullable(values: NDArray[_Scalar], valid: Bool) -> list[object]:
    """The values as a list, None where not valid."""
    return [
        value if good else None for value, good in zip(values.tolist(), valid.tolist(), strict=True)
    ]


def stacked(parts: Iterable[Columns], names: Iterable[str]) -> Columns:
    """The rows of many tables of the same columns, one below the other.

    Args:
        parts: The tables; there may be none.
        names: Their columns.
    """
    whole: dict[str, list[Column]] = {name: [] for name in names}
    for part in parts:
        for name, column in part.items():
            whole[name].append(column)
    return {name: _joined(columns) for name, columns in whole.items()}


def _joined(columns: list[Column]) -> Column:
    arrays = [column for column in columns if isinstance(column, np.ndarray)]
    if arrays and len(arrays) == len(columns):
        return np.concatenate(arrays)
    return [value for column in columns for value in column]
