"""Chunks: a shard, read once from its first sequence to its last.

In:  the path of a shard in a storage.
Out: chunks: consecutive sequences, with what exports ask about the documents in them.
Guaranteed: the order of the rows. A stretch that goes on where the one before it ended, as packing cuts documents, is
    known as such; so is one whose last token stands in another row again, as `next_token` has it. No document goes on
    from one shard to the next. Memory is bounded by one row group, and with `next_token` by that and about 60 bytes
    for each stretch of the shard.
"""

from collections.abc import Iterator, Mapping
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
from pipelines.mix.shards import shard_info
from pipelines.tokens.columns import TOKEN_COLUMNS

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stretches:
    """Stretches of documents, in the order of their tokens; one value per stretch in every column.

    Args:
        length: int64, tokens, at least 1.
        begins: bool, whether it is the first of its document here: false where it goes on with the one before it.
        repeated: bool, whether its last token is the first one of another stretch of its document.
        uid: uint64, of the document.
        source: uint16, position of the source's name in the shard's table of sources.
        start: int64, first token's offset in the document's run.
    """

    length: I64
    begins: Booleans
    repeated: Booleans
    uid: U64
    source: U16
    start: I64


@dataclass(frozen=True)
class Chunk:
    """Consecutive sequences.

    Args:
        rows: `input_ids` (uint16 or uint32) and the shard's per-token columns, by name: [sequences, ids in a row] each;
            of a row first the real tokens, then padding.
        bounds: int64[sequences + 1]; sequence i holds the stretches bounds[i] to bounds[i + 1].
        stretches: of all sequences.
    """

    rows: Mapping[str, npt.NDArray[Any]]
    bounds: I64
    stretches: Stretches

    @property
    def ids(self) -> Tokens:
        """The ids of all rows."""
        return self.rows["input_ids"]

    @property
    def real(self) -> I64:
        """Real tokens of each sequence, those that stand in another one too among them."""
        return np.diff(np.concatenate([[0], np.cumsum(self.stretches.length)])[self.bounds])


def read_chunks(storage: Storage, path: str) -> Iterator[Chunk]:
    """Yield the sequences of a shard, a chunk per row group."""
    with storage.open(path) as file:
        parquet = pq.ParquetFile(file)
        schema = parquet.schema_arrow
        held = [name for name in TOKEN_COLUMNS if name in schema.names]
        repeated = _repeated(parquet) if shard_info(schema).packing.next_token else None
        first, last = 0, None
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=["input_ids", *held, *_COLUMNS], use_threads=False)
            columns = {name: _flat(table, name) for name in _COLUMNS}
            end = first + len(columns["doc_lengths"])
            columns["repeated"] = np.zeros(end - first, np.bool_) if repeated is None else repeated[first:end]
            yield _chunk(table, columns, last)
            first, last = end, {name: column[-1:] for name, column in columns.items()}


_FRAGMENT = ("doc_addresses", "doc_epochs", "doc_pools")
"""What fragments of a shard differ in: a document is at most once in a shard per pool and epoch."""

_COLUMNS = ("doc_lengths", "doc_uids", *_FRAGMENT, "doc_starts", "source_ids")

Columns = dict[str, npt.NDArray[Any]]


def _repeated(parquet: pq.ParquetFile) -> Booleans:
    """Return which stretches end with a token that a later one of their fragment begins with."""
    names = (*_FRAGMENT, "doc_lengths", "doc_starts")
    table = parquet.read(columns=list(names), use_threads=False)
    *fragment, length, start = (_flat(table, name) for name in names)
    order = np.lexsort((start, *fragment))
    last = start.astype(np.int64) + length - 1
    same: Booleans = start[order][1:] == last[order][:-1]
    for column in fragment:
        same &= column[order][1:] == column[order][:-1]
    repeated = np.zeros(len(order), np.bool_)
    repeated[order[:-1]] = same
    return repeated


def _chunk(table: pa.Table, columns: Columns, last: Columns | None) -> Chunk:
    counts = table["doc_lengths"].combine_chunks().value_lengths().to_numpy()
    stretches = Stretches(
        length=columns["doc_lengths"].astype(np.int64),
        begins=_begins(columns, last),
        repeated=columns["repeated"],
        uid=columns["doc_uids"],
        source=columns["source_ids"],
        start=columns["doc_starts"].astype(np.int64),
    )
    held = [name for name in table.schema.names if name == "input_ids" or name in TOKEN_COLUMNS]
    rows = {name: _flat(table, name).reshape(table.num_rows, -1) for name in held}
    return Chunk(rows, np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), stretches)


def _begins(columns: Columns, last: Columns | None) -> Booleans:
    """Tell which stretches do not go on where the one before them ended; `last` is the one before the first.

    One token that is repeated ends nowhere: it begins where it stands again.
    """
    whole = columns if last is None else {name: np.concatenate([last[name], columns[name]]) for name in columns}
    length = whole["doc_lengths"].astype(np.int64) - whole["repeated"]
    goes_on = (whole["doc_starts"][1:] == (whole["doc_starts"] + length)[:-1]) & (length[:-1] > 0)
    for name in _FRAGMENT:
        goes_on &= whole[name][1:] == whole[name][:-1]
    return ~goes_on if last is not None else np.concatenate([[True], ~goes_on])


def _flat(table: pa.Table, name: str) -> npt.NDArray[Any]:
    flat: npt.NDArray[Any] = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat
