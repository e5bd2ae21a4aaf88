"""Values of records as typed Arrow columns.

In:  a list of decoded values, null where there is none, and the type that the manifest or the format gives them.
Out: an Arrow array of that type, and for each row whose value is of another type what it is.
Guaranteed: nothing is guessed. A string takes any value (what is not a string as its JSON text); a number or a bool
takes its own kind only; a timestamp takes ISO 8601 and numbers since 1970, and is null where it can read neither. Lists
of pairs and of numbers are in `lists.py`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa

from pipelines.sources.lists import NUMBERS, SPANS, Wrong, numbers_of, spans_of
from pipelines.sources.options import ColumnType, FieldType

ARROW: dict[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "spans": SPANS,
    "numbers": NUMBERS,
}
"""Type of a field in the manifest -> type of its column."""

_PYTHON: dict[FieldType, type] = {"int64": int, "float64": float, "bool": bool}
_LIMITS: dict[FieldType, int] = {"int64": 2**63, "float64": 2**1023}
_NAMES = {
    bool: "a bool",
    int: "a number",
    float: "a number",
    str: "a string",
    dict: "an object",
    list: "an array",
    type(None): "null",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def first_present(alternatives: Sequence[Sequence[object]], rows: int) -> Sequence[object]:
    """Return per row the first value of the alternatives that is not null."""
    if not alternatives:
        return [None] * rows
    found = alternatives[0]
    for values in alternatives[1:]:
        found = [other if value is None else value for value, other in zip(found, values, strict=True)]
    return found


def without_blanks(values: Sequence[object]) -> list[object]:
    """Return values that name something: an empty string, an object or an array names nothing and becomes null."""
    return [None if value == "" or isinstance(value, dict | list) else value for value in values]


def name_of(value: object) -> str:
    """Return what a decoded JSON value is, with its article: "a number", "an object"."""
    return _NAMES.get(type(value), "a value of another kind")


def column_of(values: Sequence[object], kind: ColumnType) -> tuple[pa.Array, Wrong]:
    """Return the values as an Arrow array of type `ARROW[kind]`; a value of another type is null and in `Wrong`."""
    if kind == "string":
        return pa.array([_string(value) for value in values], pa.string()), {}
    if kind == "timestamp":
        return pa.array([microseconds(value) for value in values], pa.int64()).cast(ARROW[kind]), {}
    if kind == "spans":
        return spans_of(values)
    if kind == "numbers":
        return numbers_of(values)
    given = {row: value for row, value in enumerate(values) if value is not None}
    fitting = {row: _PYTHON[kind](value) for row, value in given.items() if _fits(value, kind)}
    wrong = {row: f"{name_of(value)}, not {kind}" for row, value in given.items() if row not in fitting}
    return pa.array([fitting.get(row) for row in range(len(values))], ARROW[kind]), wrong


def _fits(value: object, kind: FieldType) -> bool:
    if type(value) is int:
        return kind != "bool" and -_LIMITS[kind] <= value < _LIMITS[kind]
    return type(value) is _PYTHON[kind]


def _string(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def microseconds(value: object) -> int | None:
    """Return a point in time as microseconds since 1970 in UTC, or None where `value` is no date.

    Strings are ISO 8601, dates and basic form included ("20160901"); without an offset they are UTC. A number counts
    seconds, or milli- or microseconds where it would otherwise lie beyond the year 5138 (10^11 seconds).
    """
    if isinstance(value, str):
        return _from_text(value)
    if type(value) is int or type(value) is float:
        return _from_number(value)
    return None


def _from_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - _EPOCH) // _MICROSECOND


def _from_number(number: float) -> int | None:
    if not abs(number) < 1e17:
        return None
    scale = next(scale for limit, scale in ((1e11, 10**6), (1e14, 10**3), (1e17, 1)) if abs(number) < limit)
    count = int(number * scale)
    return count if _FIRST <= count <= _LAST else None


def timestamps_of(array: pa.Array) -> pa.Array:
    """Return an Arrow timestamp column in microseconds, UTC; what lies outside the years 1 to 9999 is null."""
    scale = {"s": 10**6, "ms": 10**3, "us": 1, "ns": 1}[array.type.unit]
    counts = array.cast(pa.int64()).fill_null(0).to_numpy() // (1000 if array.type.unit == "ns" else 1)
    inside = (counts >= -(-_FIRST // scale)) & (counts <= _LAST // scale)
    given = array.is_valid().to_numpy(zero_copy_only=False)
    scaled = np.where(inside, counts, 0) * scale
    return pa.array(scaled, pa.int64(), mask=~(inside & given)).cast(ARROW["timestamp"])
