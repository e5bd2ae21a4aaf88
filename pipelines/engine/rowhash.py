"""The content hash of rows: which rows there are, and nothing else.

In:  rows, in any order and in batches of any size.
Out: 32 hex digits.
Guaranteed: the same multiset of rows of one layout has the same hash; one row more, less or different, another one.

Each row is hashed to 64 bits. h is xxh3_64 of the payload, or 0 where that is empty; for each 8-byte word w of the
header, h = (h ^ w) * ODD, then h ^= h >> 32; last comes the finalizer of splitmix64 (Steele, Lea and Flood, 2014). The
content hash is over the count, the sum of the row hashes and the sum of these, finalized once more, modulo 2^64.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import xxhash

from pipelines.engine.keys import key_of
from pipelines.engine.rows import Layout, Rows

U64 = npt.NDArray[np.uint64]
MODULUS = 1 << 64
ODD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: odd, and its bits are well mixed."""
CHUNK = 8_192
"""Rows hashed together: their words stay in the processor's cache."""


class RowHash:
    """A running content hash.

    Args:
        layout: the rows' layout, a part of what they are.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._count = self._sum = self._mixed = 0

    def update(self, rows: Rows) -> None:
        """Add rows."""
        for start in range(0, len(rows), CHUNK):
            hashes = row_hashes(rows.slice(start, min(start + CHUNK, len(rows))))
            self._count += len(hashes)
            self._sum = (self._sum + int(hashes.sum())) % MODULUS
            self._mixed = (self._mixed + int(_mix(hashes).sum())) % MODULUS

    def hexdigest(self) -> str:
        """Return the hash of the rows so far."""
        return key_of([self._layout.columns, self._count, f"{self._sum:016x}{self._mixed:016x}"])


def row_hashes(rows: Rows) -> U64:
    """Return one 64-bit hash per row, of its header (as `Layout` stores it) and its payload."""
    state = _payload_hashes(rows)
    for word in _words(rows).T:
        state ^= word
        state *= ODD
        state ^= state >> np.uint64(32)
    return _mix(state)


def _mix(state: U64) -> U64:
    """Return the finalizer of splitmix64 of each number."""
    mixed = state ^ (state >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _words(rows: Rows) -> U64:
    """Return the headers as 8-byte words, rows x words; the last one is filled up with zeros."""
    size = rows.header.dtype.itemsize
    raw = np.zeros((len(rows), -(-size // 8) * 8), np.uint8)
    raw[:, :size] = np.ascontiguousarray(rows.header).view(np.uint8).reshape(len(rows), size)
    return raw.view("<u8")


def _payload_hashes(rows: Rows) -> U64:
    hashes = np.zeros(len(rows), np.uint64)
    if len(rows.payload):
        data = rows.payload.data
        bounds = pairwise(rows.offsets.tolist())
        digests = (xxhash.xxh3_64_intdigest(data[start:end]) if end > start else 0 for start, end in bounds)
        hashes[:] = np.fromiter(digests, np.uint64, len(rows))
    return hashes
