"""Contents: what one shard is packed from, its fragments in their order.

In:  the fragments whose place falls in the shard, with their tokens.
Out: the same, in the order (t, pool, uid, piece, epoch, first token, address).
Guaranteed: one order for one set of fragments, whichever order they arrive in. Where they arrive sorted by `t`, as an
    exchange on `t` gives them, and no two places tie, nothing is moved.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.keys import U64
from pipelines.mix.pools import I64, U32

U16 = npt.NDArray[np.uint16]
Tokens = npt.NDArray[Any]
"""Tokens: ids, uint16 or uint32; or records whose first field is `ids` and whose others are per-token columns."""


@dataclass(frozen=True)
class Contents:
    """The fragments of one shard, one value per fragment in every column but `ids`.

    Args:
        t: uint64, their places.
        pool: uint16, position of the pool's name in the sorted names of the phase's pools.
        uid: uint64, of the document.
        piece: uint32, of the document.
        epoch: 0 to 255, which reading of the pool.
        start: first token's offset in the document's run, below 2^32.
        address: uint64, of the document.
        source: uint16, position of the source's name in the shard's table of sources.
        length: int64, tokens.
        ids: the tokens of all fragments, one fragment after another.
    """

    t: U64
    pool: U16
    uid: U64
    piece: U32
    epoch: I64
    start: I64
    address: U64
    source: U16
    length: I64
    ids: Tokens

    def __len__(self) -> int:
        return len(self.t)

    @property
    def only_ids(self) -> Tokens:
        """The ids of all tokens, without their columns."""
        return self.ids if self.ids.dtype.names is None else self.ids["ids"]


def in_order(contents: Contents) -> Contents:
    """Return the fragments in the order in which a shard packs them."""
    order = _order(contents)
    if np.array_equal(order, np.arange(len(order))):
        return contents
    columns = {field.name: getattr(contents, field.name)[order] for field in fields(Contents) if field.name != "ids"}
    return Contents(**columns, ids=_take_runs(contents.ids, contents.length, order))


def _order(contents: Contents) -> I64:
    ties = (contents.address, contents.start, contents.epoch, contents.piece, contents.uid, contents.pool)
    return np.lexsort((*ties, contents.t))


def _take_runs(ids: Tokens, lengths: I64, order: I64) -> Tokens:
    """Return the runs of `ids`, of `lengths` tokens, in another order: one copy per run, no index per token."""
    bounds = np.concatenate([[0], np.cumsum(lengths)]) * ids.itemsize
    runs = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(),
        len(lengths),
        [None, pa.py_buffer(bounds), pa.py_buffer(np.ascontiguousarray(ids).view(np.uint8))],
    )
    taken: Tokens = np.frombuffer(runs.take(pa.array(order)).buffers()[2], ids.dtype)
    return taken
