"""One number out of a list: what `mean(x)`, `min(x)`, `max(x)` and `sum(x)` are.

In:  a column of lists of numbers, such as a signal with a number per line.
Out: a number per document.
Guaranteed: null and NaN in a list do not count; sum of nothing is 0, the others are null; a null list is null. Sums and
     means of floats are added up in float64, from the first to the last, and cast once to the type of the list.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

FUNCTIONS = ("mean", "min", "max", "sum")
"""What can be asked of a list."""

Column = npt.NDArray[Any]


def is_number_list(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds lists of numbers."""
    if not (pat.is_list(kind) or pat.is_large_list(kind)):
        return False
    return bool(pat.is_integer(kind.value_type) or pat.is_floating(kind.value_type))


def summarize(function: str, lists: pa.Array) -> tuple[Column, npt.NDArray[np.bool_]]:
    """Return a number for each list, and where it is one.

    Args:
        function: one of `FUNCTIONS`.
        lists: lists of numbers.
    """
    values, owners = _members(lists)
    counts = np.bincount(owners, minlength=len(lists))
    valid = lists.is_valid().to_numpy(zero_copy_only=False) & ((counts > 0) | (function == "sum"))
    with np.errstate(all="ignore"):
        if function in ("sum", "mean"):
            return _added(function, values, owners, counts), valid
        return _extreme(function, values, owners, len(lists)), valid


def _members(lists: pa.Array) -> tuple[Column, npt.NDArray[np.int64]]:
    """Return the numbers in all lists, one after another, and the number of the list that each is in."""
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    owners = np.repeat(np.arange(len(lists)), lengths)
    flat = lists.flatten()
    values = flat.fill_null(0).to_numpy(zero_copy_only=False)
    counting = flat.is_valid().to_numpy(zero_copy_only=False) & (values == values)  # noqa: PLR0124 - NaN differs from itself
    return values[counting], owners[counting]


def _added(function: str, values: Column, owners: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> Column:
    whole = values.dtype.kind in "iu"
    total = np.zeros(len(counts), np.int64 if whole else np.float64)
    np.add.at(total, owners, values)
    if function == "sum":
        return total if whole else total.astype(values.dtype)
    return (total / np.maximum(counts, 1)).astype(np.float64 if whole else values.dtype)


def _extreme(function: str, values: Column, owners: npt.NDArray[np.int64], count: int) -> Column:
    order = np.lexsort((values, owners))
    found = np.zeros(count, values.dtype)
    inside = owners[order]
    edge = np.r_[inside[1:] != inside[:-1], True] if function == "max" else np.r_[True, inside[1:] != inside[:-1]]
    edge = edge[: len(inside)]
    found[inside[edge]] = values[order][edge]
    return found
