"""Shards: the Parquet files that a trainer reads, a row per training sequence.

In:  the contents of one shard, how to pack them, and what the shard says of its build.
Out: Parquet on a binary stream: row groups of a fixed number of sequences, zstd, metadata under the key `gristmill`.
Guaranteed: the same bytes for the same contents (and versions of the Parquet library). Every row has `row_length` ids,
    of which the first sum(doc_lengths) are tokens and the rest padding. Beyond the contents themselves, memory is
    bounded by one row group.

Token ids are stored with the encoding BYTE_STREAM_SPLIT, everything else with dictionaries, all without statistics.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.mix.contents import Contents, Tokens
from pipelines.mix.pack import PACKERS, Plan
from pipelines.mix.packed import Counts, counts_of
from pipelines.mix.pools import I64
from pipelines.mixture import Method

ROW_GROUP_TOKENS = 1 << 22
"""A row group holds this many tokens, rounded down to whole sequences, but at least one sequence."""

METADATA_KEY = b"gristmill"
_ENCODING = {"input_ids.list.element": "BYTE_STREAM_SPLIT"}


class Packing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How sequences are made.

    Args:
        method: a name in `PACKERS`.
        sequence_length: tokens that a sequence trains on, at least 1.
        pad_id: the id that fills a row after its last token.
        next_token: whether a row has one token more, the target of its last input; stored where it has.
    """

    method: Method
    sequence_length: int
    pad_id: int
    next_token: bool = False

    @property
    def overlap(self) -> int:
        """Tokens that a row has beyond its length: 0 or 1."""
        return int(self.next_token)

    @property
    def row_length(self) -> int:
        """Ids in a row."""
        return self.sequence_length + self.overlap


@dataclass(frozen=True)
class Origin:
    """What a shard says of the build it comes from.

    Args:
        tokenizer_hash: content hash of vocabulary, merges and policy.
        manifest_hash: hash of the canonical manifest without paths and resources.
        seed: the manifest's.
        phase: name of the phase.
        sources: names that `source_ids` point into.
        pools: names that `doc_pools` point into, sorted.
    """

    tokenizer_hash: str
    manifest_hash: str
    seed: int
    phase: str
    sources: tuple[str, ...]
    pools: tuple[str, ...]


class ShardInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The metadata of a shard, stored as canonical JSON."""

    origin: Origin
    packing: Packing
    counts: Counts


def shard_schema(tokens: npt.DTypeLike) -> pa.Schema:
    """Return the columns of a shard whose tokens have the given dtype (see `Contents`); nothing is ever null."""
    kinds = _token_columns(np.dtype(tokens))
    elements = {
        "input_ids": pa.from_numpy_dtype(kinds.pop("input_ids")),
        "doc_lengths": pa.int32(),  # tokens of each stretch of a document; their sum is the row's real tokens
        "doc_uids": pa.uint64(),
        "doc_addresses": pa.uint64(),
        "doc_starts": pa.uint32(),  # offset of the stretch in the document's run
        "doc_epochs": pa.uint8(),  # which reading of the pool, from 0
        "source_ids": pa.uint16(),
        "doc_pools": pa.uint16(),
        **{name: pa.from_numpy_dtype(kind) for name, kind in kinds.items()},
    }
    return pa.schema([pa.field(name, _list_of(element), nullable=False) for name, element in elements.items()])


def _token_columns(tokens: np.dtype[Any]) -> dict[str, np.dtype[Any]]:
    """Return the columns that have a value per token, by name, with their types."""
    if tokens.names is None:
        return {"input_ids": tokens}
    return {"input_ids" if name == "ids" else name: tokens[name] for name in tokens.names}


def plan_shard(contents: Contents, packing: Packing) -> Plan:
    """Return which stretches of the contents make up each sequence."""
    return PACKERS[packing.method](contents.length, packing.sequence_length, packing.overlap)


def shard_tables(contents: Contents, packing: Packing, plan: Plan) -> Iterator[pa.Table]:
    """Yield the sequences of a plan, a table per row group.

    Args:
        contents: in order, as `in_order` gives them.
        packing: how sequences are made.
        plan: of these contents, as `plan_shard` gives it.

    Raises:
        pyarrow.ArrowInvalid: a start or an epoch does not fit its column.
    """
    starts = np.cumsum(contents.length) - contents.length
    step = max(ROW_GROUP_TOKENS // packing.row_length, 1)
    for first in range(0, plan.sequences, step):
        yield _table(contents, starts, packing, plan.part(first, first + step))


def write_shard(out: BinaryIO, contents: Contents, packing: Packing, origin: Origin) -> Counts:
    """Write a shard to `out`, which stays open, and return what packing did.

    Args:
        out: receives the Parquet file; need not seek.
        contents: in order, as `in_order` gives them; none at all gives a file without rows.
        packing: how sequences are made.
        origin: what the metadata says of the build.

    Raises:
        pyarrow.ArrowInvalid: a start or an epoch does not fit its column.
    """
    plan = plan_shard(contents, packing)
    counts = counts_of(contents.length, plan, packing.row_length)
    info = msgspec.json.encode(ShardInfo(origin, packing, counts), order="sorted")
    schema = shard_schema(contents.ids.dtype).with_metadata({METADATA_KEY: info})
    with _writer(out, schema) as writer:
        for table in shard_tables(contents, packing, plan):
            writer.write_table(table, row_group_size=table.num_rows)
    return counts


def shard_info(schema: pa.Schema) -> ShardInfo:
    """Return the metadata of a shard, from the Arrow schema of its Parquet file."""
    return msgspec.json.decode(schema.metadata[METADATA_KEY], type=ShardInfo)


def _list_of(element: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", element, nullable=False))


def _writer(out: BinaryIO, schema: pa.Schema) -> Any:  # noqa: ANN401 - pyarrow has no types
    coded = [f"{name}.list.element" for name in schema.names if name != "input_ids"]
    return pq.ParquetWriter(
        out,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=coded,
        column_encoding=_ENCODING,
        write_statistics=False,
    )


def _table(contents: Contents, starts: I64, packing: Packing, plan: Plan) -> pa.Table:
    """Return the rows of a plan; `starts` is the position of each fragment in the contents' ids."""
    fragment = plan.fragment
    tokens = _gather(contents.ids, starts[fragment] + plan.skip, plan.length)
    columns = {
        "doc_lengths": plan.length,
        "doc_uids": contents.uid[fragment],
        "doc_addresses": contents.address[fragment],
        "doc_starts": contents.start[fragment] + plan.skip,
        "doc_epochs": contents.epoch[fragment],
        "source_ids": contents.source[fragment],
        "doc_pools": contents.pool[fragment],
    }
    schema = shard_schema(contents.ids.dtype)
    lists = {name: _lists(schema.field(name).type, plan.bounds, values) for name, values in columns.items()}
    bounds, filled = np.arange(plan.sequences + 1) * packing.row_length, _padded(tokens, plan, packing)
    for name in _token_columns(filled.dtype):
        values = filled if filled.dtype.names is None else filled["ids" if name == "input_ids" else name]
        lists[name] = _lists(schema.field(name).type, bounds, np.ascontiguousarray(values))
    return pa.table([lists[name] for name in schema.names], schema)


def _lists(kind: pa.DataType, bounds: I64, values: npt.NDArray[Any]) -> pa.ListArray:
    elements = pa.array(values).cast(kind.value_type)
    return pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), elements, type=kind)


def _padded(tokens: Tokens, plan: Plan, packing: Packing) -> Tokens:
    """Return `row_length` tokens for each sequence: its own, then padding."""
    rows, width = plan.sequences, packing.row_length
    if len(tokens) == rows * width:
        return tokens
    real = np.diff(np.concatenate([[0], np.cumsum(plan.length)])[plan.bounds])
    matrix = np.repeat(_padding(tokens.dtype, packing.pad_id), rows * width).reshape(rows, width)
    matrix[np.arange(width) < real[:, None]] = tokens
    return matrix.reshape(-1)


def _padding(kind: np.dtype[Any], pad_id: int) -> Tokens:
    """Return one token of padding: its columns are 0, or NaN where they can be."""
    padding = np.zeros(1, kind)
    if kind.names is None:
        padding[:] = pad_id
        return padding
    for name in kind.names[1:]:
        padding[name] = np.nan if kind[name].kind == "f" else 0
    padding["ids"] = pad_id
    return padding


def _gather(ids: Tokens, begin: I64, length: I64) -> Tokens:
    """Return the stretches of `ids` that start at `begin`, one after another; those that adjoin are not copied."""
    if np.array_equal(begin[1:], begin[:-1] + length[:-1]):
        return ids[int(begin[0]) : int(begin[-1] + length[-1])]
    before = np.cumsum(length) - length
    return ids[np.repeat(begin - before, length) + np.arange(int(length.sum()))]
