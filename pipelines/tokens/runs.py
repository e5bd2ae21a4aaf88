"""Token runs: what each document became, as one value of little-endian ids.

In:  the ids of a batch of documents, one behind the other, and the rows they belong to.
Out: tables of `row`, `length` and `tokens`, and of further columns with a number per token; and back.
Guaranteed: the ids come back as they were; a run's length is said beside it, so that who counts need not read ids.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ids: TypeAlias = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

RUNS_VERSION = 2
"""Raised when what a part of token runs holds changes; in the part key of every pass that tokenizes."""

RUNS_SCHEMA = pa.schema(
    [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),
        pa.field("tokens", pa.large_binary(), nullable=False),
    ]
)
"""Columns of a part of token runs: the document's row in its split, how many tokens it has, and their ids (uint16 or
uint32, little-endian)."""


TEXT_BYTES = pa.field("text_bytes", pa.int64(), nullable=False)
"""What a part of token runs has beside them: the UTF-8 bytes of each document's text."""


@dataclass(frozen=True)
class Runs:
    """The tokens of some documents.

    Args:
        ids: uint16 or uint32, all documents one behind the other.
        offsets: int64, one more than documents; document i is `ids[offsets[i]:offsets[i + 1]]`.
    """

    ids: Ids
    offsets: I64

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, document: int) -> Ids:
        return self.ids[self.offsets[document] : self.offsets[document + 1]]

    @property
    def lengths(self) -> I64:
        """Tokens per document."""
        return np.diff(self.offsets)


def runs_schema(columns: Iterable[str] = ()) -> pa.Schema:
    """Return `RUNS_SCHEMA` with further columns."""
    return pa.schema([*RUNS_SCHEMA, *(pa.field(name, pa.large_binary(), nullable=False) for name in columns)])


def run_table(
    rows: npt.NDArray[np.uint32], runs: Runs, columns: Mapping[str, npt.NDArray[Any]] | None = None
) -> pa.Table:
    """Return runs as a table of `runs_schema`.

    Args:
        rows: one row number per document.
        runs: their tokens.
        columns: by name, a number per token.
    """
    held = {"tokens": runs.ids, **(columns or {})}
    arrays = [_binary(values, runs.offsets) for values in held.values()]
    return pa.table([pa.array(rows, pa.uint32()), pa.array(runs.lengths), *arrays], runs_schema(columns or ()))


def _binary(values: npt.NDArray[Any], offsets: I64) -> pa.LargeBinaryArray:
    """Return one value of little-endian numbers per document."""
    held = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets * held.itemsize)), pa.py_buffer(held)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)


def runs_of(tokens: pa.LargeBinaryArray | pa.ChunkedArray, dtype: str) -> Runs:
    """Return the runs that a `tokens` column holds.

    Args:
        tokens: the column, or a slice or chunks of it.
        dtype: "uint16" or "uint32", the encoder's.
    """
    values = pa.concat_arrays(tokens.chunks) if isinstance(tokens, pa.ChunkedArray) and tokens.chunks else tokens
    if len(values) == 0:
        return Runs(np.empty(0, dtype), np.zeros(1, np.int64))
    _, offsets, data = values.buffers()
    bounds = np.frombuffer(offsets, np.int64)[values.offset : values.offset + len(values) + 1]
    raw = memoryview(data)[int(bounds[0]) : int(bounds[-1])] if data is not None else b""
    ids = np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(dtype, copy=False)
    return Runs(ids, (bounds - bounds[0]) // ids.itemsize)
