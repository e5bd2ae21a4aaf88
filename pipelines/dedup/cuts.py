"""Cuts: what becomes of documents out of which spans are to be cut.

In:  per document disjoint spans, and how much of its text they are.
Out: rows in the layout `HOME`: cut, or dropped.
Guaranteed: a document that falls is cut no more; one of which nothing would be left falls.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.exchanges import HOME
from pipelines.dedup.unions import Union
from pipelines.engine.exchange import Rows
from pipelines.engine.rows import offsets_of

I64 = npt.NDArray[np.int64]

Application: TypeAlias = Literal["cut", "drop"]
"""Cut spans out of texts, or drop the documents that many characters would be cut of."""


def cuts_home(
    union: Union, about: Mapping[str, npt.NDArray[np.generic]], apply: Application, drop_share: float
) -> Rows:
    """Return one row per document.

    Args:
        union: what leaves each document.
        about: its key (the address), row and kept_uid.
        apply: by `cut` a document falls if all its characters are cut, by `drop` if more than `drop_share` of them
            would be, and no span is cut.
        drop_share: compared as float32.

    Returns:
        Rows whose similarity is the share of characters cut, and whose payload the spans of documents that stay.
    """
    count = len(union.cut)
    share = (union.cut / union.chars).astype(np.float32)
    falls = union.cut == union.chars if apply == "cut" else share > np.float32(drop_share)
    return Rows.build(
        HOME,
        **about,
        similarity=share,
        cluster=np.zeros(count, np.uint32),
        dropped=falls.astype(np.uint8),
        payloads=_payloads(union, falls | (apply == "drop")),
    )


def _payloads(union: Union, silent: npt.NDArray[np.bool_]) -> pa.LargeBinaryArray:
    """Return the spans of each document as little-endian bytes; none of those that are `silent`."""
    counts = np.diff(union.first)
    spans = union.spans[~np.repeat(silent, counts)].astype("<u4")
    return binary(spans, offsets_of(np.where(silent, 0, counts) * 2 * spans.itemsize))


def binary(values: npt.NDArray[np.uint32], offsets: I64) -> pa.LargeBinaryArray:
    """Return numbers as an Arrow array of bytes, given the byte at which each value begins, and the end."""
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)
