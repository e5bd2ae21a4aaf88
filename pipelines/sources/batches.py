"""Raw batches: what every source gives, whatever its files look like.

In:  columns of values as a corpus has them.
Out: record batches of about 4 MB of text: `ordinal, problem, text, id, url, date, language`, then the declared fields.
Guaranteed: `problem` is null where a record is readable; where it is not, the text and the id are "" and the rest is
null. A batch's bounds depend on its split alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.options import Column, SourceOptions
from pipelines.sources.streams import Problem
from pipelines.sources.values import ARROW

BATCH_BYTES = 4 << 20
NAMING = frozenset({"id", "url", "language"})
"""Columns whose values name something, so that an empty one is null."""

ROW_BYTES = 64
"""What a row counts beside its text, so that a batch of empty texts ends too."""


def columns_of(source: SourceOptions) -> dict[str, Column]:
    """Return the columns that are read beside the text, by name.

    They are id, url, date, language, the declared fields, and what tokens get numbers from, where there is any.
    """
    layout = source.layout
    common = {"id": layout.id, "url": layout.url, "date": layout.date, "language": layout.language}
    return {**common, **source.declared_fields(), **source.beside_tokens}


def raw_schema(source: SourceOptions) -> pa.Schema:
    """Return the schema of the source's raw batches."""
    columns = columns_of(source)
    return pa.schema(
        [
            pa.field("ordinal", pa.uint64(), nullable=False),
            pa.field("problem", pa.string()),
            pa.field("text", pa.large_string(), nullable=False),
            *(pa.field(name, ARROW[column.type]) for name, column in columns.items()),
        ]
    )


def raw_batch(
    schema: pa.Schema,
    ordinals: npt.NDArray[np.uint64],
    problems: Mapping[int, Problem],
    text: pa.LargeStringArray,
    columns: Mapping[str, pa.Array],
) -> pa.RecordBatch:
    """Build a batch; `problems` are by row, and a column that is not given is null.

    `text` must be "" where there is a problem; the other columns are emptied here.
    """
    rows = len(ordinals)
    given: dict[str, pa.Array] = {"ordinal": pa.array(ordinals), "text": text, **columns}
    filled = {name: given[name] if name in given else pa.nulls(rows, kind) for name, kind in _types(schema)}
    if problems:
        filled |= _emptied(filled, problems, rows)
    return pa.RecordBatch.from_arrays([filled[name] for name in schema.names], schema=schema)


def _types(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    return ((field.name, field.type) for field in schema)


def _emptied(columns: Mapping[str, pa.Array], problems: Mapping[int, Problem], rows: int) -> dict[str, pa.Array]:
    lines = pa.array([str(problems[row]) if row in problems else None for row in range(rows)], pa.string())
    broken = lines.is_valid()
    rest = {name: array for name, array in columns.items() if name not in {"ordinal", "problem", "text", "id"}}
    nulled = {name: pc.if_else(broken, pa.scalar(None, array.type), array) for name, array in rest.items()}
    return {"problem": lines, "id": pc.if_else(broken, "", columns["id"]), **nulled}


def text_array(texts: Sequence[bytes]) -> pa.LargeStringArray:
    """Return texts, valid UTF-8, as one column; each is copied once."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)


def unreadable(schema: pa.Schema, ordinal: int, problem: Problem) -> pa.RecordBatch:
    """Return the batch of one record that cannot be read."""
    return raw_batch(schema, np.array([ordinal], np.uint64), {0: problem}, text_array([b""]), {})


def regroup(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut and join batches so that each holds as many rows as fit into `BATCH_BYTES`, at least one."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        ends = np.cumsum(_row_bytes(batch))
        at = 0
        while at < len(ends):
            before = int(ends[at - 1]) if at else 0
            stop = int(np.searchsorted(ends, before + BATCH_BYTES - size, side="right"))
            if stop <= at and held:
                yield pa.concat_batches(held)
                held, size = [], 0
                continue
            stop = max(stop, at + 1)
            held.append(batch.slice(at, stop - at))
            size, at = size + int(ends[stop - 1]) - before, stop
    if held:
        yield pa.concat_batches(held)


def _row_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    lengths: npt.NDArray[np.int64] = pc.binary_length(batch.column("text")).to_numpy(zero_copy_only=False)
    return lengths + ROW_BYTES
