"""Per-token columns: what goes beside ids, from token runs to shards.

In:  a part of token runs, of a source that has some of the columns or none.
Out: its runs as records: of every token its id and its columns, one behind the other.
Guaranteed: all splits of a build have the same columns; a source that says nothing has the default. Without columns,
     records are plain ids.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.sources.options import LOSS_SPANS, REF_LOSS, SourceOptions
from pipelines.tokens.runs import runs_of

LOSS_MASK = "loss_mask"
REFERENCE = "ref_loss"


@dataclass(frozen=True)
class TokenColumn:
    """A number beside each token.

    Args:
        dtype: its type, little-endian.
        default: what a token has whose source says nothing; padding has 0, or NaN where that is a number of the type.
        made_of: the column of records that a source must have for its tokens to have this one.
    """

    dtype: str
    default: float
    made_of: str


TOKEN_COLUMNS: Mapping[str, TokenColumn] = {
    LOSS_MASK: TokenColumn("<u1", 1, LOSS_SPANS),
    REFERENCE: TokenColumn("<f2", math.nan, REF_LOSS),
}
"""Name in token runs and shards -> what it is."""


def columns_of(sources: Iterable[SourceOptions]) -> tuple[str, ...]:
    """Return the names of the per-token columns of a build with these sources."""
    held = {name for source in sources for name in source.beside_tokens}
    return tuple(name for name, column in TOKEN_COLUMNS.items() if column.made_of in held)


def record_type(ids: str, columns: Iterable[str]) -> np.dtype:
    """Return the type of a token: an id ("uint16" or "uint32") alone, or one with columns, without gaps."""
    plain = np.dtype(ids).newbyteorder("<")
    fields = [(name, TOKEN_COLUMNS[name].dtype) for name in columns]
    return np.dtype([("ids", plain), *fields]) if fields else plain


def token_records(group: pa.Table, ids: str, columns: Iterable[str]) -> pa.LargeBinaryArray:
    """Return the runs of some rows of a part of token runs, as records."""
    kind = record_type(ids, columns)
    if kind.names is None:
        return group.column("tokens").combine_chunks()
    runs = runs_of(group.column("tokens"), ids)
    records = np.empty(len(runs.ids), kind)
    records["ids"] = runs.ids
    for name in kind.names[1:]:
        held = name in group.schema.names
        records[name] = runs_of(group.column(name), kind[name].str).ids if held else TOKEN_COLUMNS[name].default
    buffers = [None, pa.py_buffer(runs.offsets * kind.itemsize), pa.py_buffer(records.view(np.uint8))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(runs), buffers)
