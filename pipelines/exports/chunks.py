"""Chunks: a shard, read once from its first sequence to its last.

In:  the path of a shard in a storage.
Out: chunks: consecutive sequences, with what exports ask about the documents in them.
Guaranteed: the order of the rows; memory is bounded by one row group. A stretch that goes on where the one before it
    ended, as packing cuts documents, is known as such. No document goes on from one shard to the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.keys import U64
from pipelines.engine.storage import Storage
from pipelines.mix.contents import U16, Tokens
from pipelines.mix.pools import I64

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stretches:
    """Stretches of documents, in the order of their tokens; one value per stretch in every column.

    Args:
        length: int64, tokens, at least 1.
        begins: bool, whether it is the first of its document here: false where it goes on with the one before it.
        uid: uint64, of the document.
        source: uint16, position of the source's name in the shard's table of sources.
        start: int64, first token's offset in the document's run.
    """

    length: I64
    begins: Booleans
    uid: U64
    source: U16
    start: I64


@dataclass(frozen=True)
class Chunk:
    """Consecutive sequences.

    Args:
        ids: uint16 or uint32 [sequences, ids in a row]: real tokens, then padding.
        bounds: int64[sequences + 1]; sequence i holds the stretches bounds[i] to bounds[i + 1].
        stretches: of all sequences.
    """

    ids: Tokens
    bounds: I64
    stretches: Stretches

    @property
    def real(self) -> I64:
        """Real tokens of each sequence."""
        return np.diff(np.concatenate([[0], np.cumsum(self.stretches.length)])[self.bounds])

    @property
    def tokens(self) -> Tokens:
        """The real tokens of all sequences, one behind the other."""
        real, width = self.real, self.ids.shape[1]
        return self.ids.reshape(-1) if (real == width).all() else self.ids[np.arange(width) < real[:, None]]


def read_chunks(storage: Storage, path: str) -> Iterator[Chunk]:
    """Yield the sequences of a shard, a chunk per row group."""
    with storage.open(path) as file:
        parquet = pq.ParquetFile(file)
        last = None
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=["input_ids", *_COLUMNS], use_threads=False)
            columns = {name: _flat(table, name) for name in _COLUMNS}
            yield _chunk(table, columns, last)
            last = {name: column[-1:] for name, column in columns.items()}


_COLUMNS = ("doc_lengths", "doc_uids", "doc_addresses", "doc_starts", "doc_epochs", "source_ids", "doc_pools")

Columns = dict[str, npt.NDArray[Any]]


def _chunk(table: pa.Table, columns: Columns, last: Columns | None) -> Chunk:
    counts = table["doc_lengths"].combine_chunks().value_lengths().to_numpy()
    stretches = Stretches(
        length=columns["doc_lengths"].astype(np.int64),
        begins=_begins(columns, last),
        uid=columns["doc_uids"],
        source=columns["source_ids"],
        start=columns["doc_starts"].astype(np.int64),
    )
    ids = _flat(table, "input_ids").reshape(table.num_rows, -1)
    return Chunk(ids, np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), stretches)


def _begins(columns: Columns, last: Columns | None) -> Booleans:
    """Tell which stretches do not go on where the one before them ended; `last` is the one before the first."""
    whole = columns if last is None else {name: np.concatenate([last[name], columns[name]]) for name in columns}
    goes_on = whole["doc_starts"][1:] == (whole["doc_starts"] + whole["doc_lengths"].astype(np.int64))[:-1]
    for name in ("doc_addresses", "doc_epochs", "doc_pools"):
        goes_on &= whole[name][1:] == whole[name][:-1]
    return ~goes_on if last is not None else np.concatenate([[True], ~goes_on])


def _flat(table: pa.Table, name: str) -> npt.NDArray[Any]:
    flat: npt.NDArray[Any] = table[name].combine_chunks().flatten().to_numpy()
    return flat
