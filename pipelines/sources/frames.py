"""Arrow tables of one source, as raw batches.

In:  record batches with the columns of a Parquet file that are read.
Out: raw batches, a row per row.
Guaranteed: text is valid UTF-8 or the row is unreadable; a dotted path leads into a struct, or into a string that holds
a JSON object.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.batches import NAMING, columns_of, raw_batch, raw_schema
from pipelines.sources.chats import write_all
from pipelines.sources.lists import Wrong, holds_numbers, numbers_in
from pipelines.sources.options import LOSS_SPANS, TEMPLATE_SPANS, Column, SourceOptions
from pipelines.sources.records import invalid_utf8
from pipelines.sources.streams import Problem
from pipelines.sources.values import ARROW, column_of, first_present, timestamps_of, without_blanks

Problems = dict[int, Problem]


def text_type(schema: pa.Schema, path: str) -> pa.DataType | None:
    """Return the type of the column at `path`, or None where there is none."""
    head, *rest = path.split(".")
    kind = schema.field(head).type if schema.get_field_index(head) >= 0 else None
    for key in rest:
        if kind is None or not pa.types.is_struct(kind) or kind.get_field_index(key) < 0:
            return None
        kind = kind.field(key).type
    return kind


def has_text(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds text: strings, or bytes that may be UTF-8."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return value in {pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()}


class Frames:
    """Reads record batches of one file.

    Args:
        source: where the source keeps its values.
        schema: the file's columns.
    """

    def __init__(self, source: SourceOptions, schema: pa.Schema) -> None:
        self._schema = raw_schema(source)
        self._text, self._chat = source.layout.text, source.layout.chat
        self._columns = columns_of(source)
        paths = [self._text, *(path for column in self._columns.values() for path in column.paths)]
        here = [path for path in paths if schema.get_field_index(path.split(".")[0]) >= 0]
        self.columns = [path if text_type(schema, path) is not None else path.split(".")[0] for path in here]

    def batch(self, frame: pa.RecordBatch, ordinal: int) -> pa.RecordBatch:
        """Return the raw batch of `frame`, whose first row is record `ordinal`."""
        problems: Problems = {}
        ordinals = np.arange(ordinal, ordinal + len(frame), dtype=np.uint64)
        picked, made = _pick(frame, self._text, problems), dict[str, pa.Array]()
        if self._chat is not None:
            texts, made[LOSS_SPANS], made[TEMPLATE_SPANS] = write_all(self._chat, _values(picked), problems)
            picked = pa.array(texts, pa.large_string())
        text = _text(picked, self._text, problems)
        columns = {name: _column(frame, name, column, problems) for name, column in self._columns.items()}
        return raw_batch(self._schema, ordinals, problems, _blank(text, problems), columns | made)


def _pick(frame: pa.RecordBatch, path: str, problems: Problems) -> pa.Array | list[Any] | None:
    """Return the values at `path`, or None where the file has no such column."""
    head, *keys = path.split(".")
    if frame.schema.get_field_index(head) < 0:
        return None
    array = frame.column(head)
    while keys and pa.types.is_struct(array.type):
        key = keys.pop(0)
        if array.type.get_field_index(key) < 0:
            return None
        array = pc.struct_field(array, key)
    if keys:
        return [_inside(value, keys, row, head, problems) for row, value in enumerate(array.to_pylist())]
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _inside(value: object, keys: Sequence[str], row: int, head: str, problems: Problems) -> Any:  # noqa: ANN401 - JSON
    """Return what stands at `keys` in a string that holds a JSON object."""
    if value is None:
        return None
    try:
        found = msgspec.json.decode(value if isinstance(value, str | bytes) else b"")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        problems.setdefault(row, Problem("type", f"{head!r} is a string, not an object"))
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _column(frame: pa.RecordBatch, name: str, column: Column, problems: Problems) -> pa.Array:
    picked = [_pick(frame, path, problems) for path in column.paths]
    there = [values for values in picked if values is not None]
    if not there:
        return pa.nulls(len(frame), ARROW[column.type])
    if len(there) == 1 and isinstance(there[0], pa.Array) and (quick := _as_it_is(there[0], column)) is not None:
        return pc.if_else(pc.equal(quick, ""), None, quick) if name in NAMING else quick
    array, wrong = _typed(name, column, there, len(frame))
    for row, found in wrong.items():
        problems.setdefault(row, Problem("type", f"{name!r} is {found}"))
    return array


def _typed(name: str, column: Column, there: Sequence[pa.Array | list[Any]], rows: int) -> tuple[pa.Array, Wrong]:
    """Return the first values that are there, as the column's type, and what is of another one."""
    first = there[0]
    if column.type == "numbers" and len(there) == 1 and isinstance(first, pa.Array) and holds_numbers(first.type):
        return numbers_in(first)
    given = [without_blanks(_values(values)) if name in NAMING else _values(values) for values in there]
    return column_of(first_present(given, rows), column.type)


def _as_it_is(array: pa.Array, column: Column) -> pa.Array | None:
    """Return a column that needs no look at its values, or None."""
    if column.type == "timestamp" and pa.types.is_timestamp(array.type):
        return timestamps_of(array)
    if column.type == "string" and has_text(array.type):
        strings = array.cast(pa.binary()).view(pa.string())
        return strings if is_valid(strings) else None
    return array if array.type == ARROW[column.type] and not pa.types.is_list(array.type) else None


def _values(values: pa.Array | list[Any]) -> list[Any]:
    if isinstance(values, list):
        return values
    if pa.types.is_temporal(values.type):
        return list(values.cast(pa.string()).to_pylist())
    if has_text(values.type):
        raw = values.cast(pa.large_binary()).to_pylist()
        return [None if value is None or invalid_utf8(value) else value.decode() for value in raw]
    return list(values.to_pylist())


def is_valid(array: pa.Array) -> bool:
    """Tell whether all strings of an array are UTF-8, which reading Parquet does not check."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _text(array: pa.Array, path: str, problems: Problems) -> pa.LargeStringArray:
    """Return the text column, with a problem for each row that has none."""
    binary = array.cast(pa.large_binary())
    for row in np.flatnonzero(binary.is_null().to_numpy(zero_copy_only=False)):
        problems.setdefault(int(row), Problem("missing", f"{path!r} is null"))
    text = binary.view(pa.large_string())
    if not is_valid(text):
        found = {row: invalid_utf8(value or b"") for row, value in enumerate(binary.to_pylist())}
        problems |= {row: problem for row, problem in found.items() if problem is not None}
    return text


def _blank(text: pa.LargeStringArray, problems: Problems) -> pa.LargeStringArray:
    if not problems:
        return text
    keep = np.ones(len(text), bool)
    keep[list(problems)] = False
    return pc.if_else(pa.array(keep), text, pa.scalar("", pa.large_string()))
