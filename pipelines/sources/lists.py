"""Values of records that are lists: spans of the text, and a number per token.

In:  decoded values, null where there is none; or a column of lists of numbers, as Parquet has them.
Out: an Arrow array of lists, and for each row whose value is no such list what it is.
Guaranteed: one NaN for what has no number, whatever the file wrote there; no number is infinite.
"""

from collections.abc import Sequence
from typing import TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt
import pyarrow as pa

F16 = npt.NDArray[np.float16]
Bools = npt.NDArray[np.bool_]

SPANS = pa.list_(pa.uint32())
NUMBERS = pa.list_(pa.float16())

Wrong: TypeAlias = dict[int, str]
"""Row -> what stands there instead of a value of the column's type."""

NO_SPANS = "no list of [start, end]"
NO_NUMBERS = "no list of numbers (a loss fits into float16: below 65520)"


def spans_of(values: Sequence[object]) -> tuple[pa.Array, Wrong]:
    """Return lists of pairs of places as flat lists; what is none of those is null and in `Wrong`."""
    held = [value if _are_spans(value) else None for value in values]
    flat = [None if value is None else [place for span in value for place in span] for value in held]
    wrong = {row: NO_SPANS for row, value in enumerate(values) if (value is None) != (held[row] is None)}
    return pa.array(flat, SPANS), wrong


def _are_spans(value: object) -> TypeGuard[list[list[int]]]:
    return isinstance(value, list) and all(_is_span(each) for each in value)


def _is_span(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2 or any(type(place) is not int for place in value):
        return False
    start, end = value
    return bool(0 <= start <= end < 1 << 32)


def numbers_of(values: Sequence[object]) -> tuple[pa.Array, Wrong]:
    """Return lists of numbers and nulls as float16, a null being NaN; what is none of those is null and in `Wrong`."""
    found = [_numbers(value) for value in values]
    given = np.array([value is not None for value in values], np.bool_)
    wrong = given & np.array([each is None for each in found], np.bool_)
    held = [np.zeros(0, np.float64) if each is None else each for each in found]
    flat = np.concatenate([np.zeros(0, np.float64), *held])
    return _listed(flat, np.array([len(each) for each in held], np.int64), given, wrong)


def _numbers(value: object) -> npt.NDArray[np.float64] | None:
    """Return a list of numbers and nulls as an array, null being NaN; None for anything else."""
    if not isinstance(value, list) or not {*map(type, value)} <= {int, float, type(None)}:
        return None
    try:
        return np.array(value, np.float64)
    except OverflowError:
        return None


def holds_numbers(kind: pa.DataType) -> bool:
    """Tell whether a column of this type has lists of numbers, which need not become Python's."""
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(listed and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)))


def numbers_in(array: pa.Array) -> tuple[pa.Array, Wrong]:
    """Return a column of lists of numbers as `numbers_of` does.

    Args:
        array: of a type that `holds_numbers`.
    """
    flat = array.flatten().to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    lengths = array.value_lengths().fill_null(0).to_numpy().astype(np.int64, copy=False)
    present = array.is_valid().to_numpy(zero_copy_only=False)
    return _listed(flat, lengths, present, np.zeros(len(array), np.bool_))


def _listed(
    flat: npt.NDArray[np.float64], lengths: npt.NDArray[np.int64], present: Bools, wrong: Bools
) -> tuple[pa.Array, Wrong]:
    """Return lists of `lengths` numbers each, and which rows are `wrong`, or hold a number that is too large."""
    halves = _halves(flat)
    row = np.repeat(np.arange(len(lengths)), lengths)
    broken = wrong.copy()
    broken[row[np.isinf(halves)]] = True
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    lists = pa.ListArray.from_arrays(offsets, pa.array(halves), type=NUMBERS, mask=pa.array(~present | broken))
    return lists, {int(at): NO_NUMBERS for at in np.flatnonzero(broken)}


def _halves(numbers: npt.NDArray[np.float64]) -> F16:
    """Return numbers as float16, rounded once; what is too large becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        halves = numbers.astype(np.float16)
    halves[np.isnan(halves)] = np.nan
    return halves
