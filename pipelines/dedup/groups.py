"""Groups: rows beside each other that agree in some columns.

In:  columns of rows that are sorted by them.
Out: where groups begin and end.
Guaranteed: no rows have no group.
"""

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]


def changes(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Return where a sorted array begins a new value; the first element does."""
    changed = np.ones(len(values), np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed


def bounds_of(*columns: npt.NDArray[np.generic]) -> I64:
    """Return the first row of each group, and behind them the number of rows: int64, one more than groups."""
    changed = np.logical_or.reduce([changes(column) for column in columns])
    return np.append(np.flatnonzero(changed), len(changed))


def first_rows(bounds: I64) -> I64:
    """Return for each row the first one of its group."""
    return np.repeat(bounds[:-1], np.diff(bounds))


def group_sizes(bounds: I64) -> I64:
    """Return for each row how many its group has."""
    sizes = np.diff(bounds)
    return np.repeat(sizes, sizes)
