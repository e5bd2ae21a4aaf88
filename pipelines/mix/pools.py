"""Pools: the order in which every pool's stream gives its documents.

In:  documents' uids, addresses and run lengths.
Out: the same documents with `s`, the number that orders them; tokens by bucket of `s`.
Guaranteed: `s` depends on the seed and the document alone, so it is the same in every pool, and a stricter pool is a
    subsequence of a looser one. Histograms of splits add up to the histogram of the whole pool.

An epoch of a pool is its documents in the order (s, uid, address, piece). Addresses follow (source, path, ordinal), so
the order is the same however files are cut into splits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from pipelines.engine.keys import U64, draw

U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

BUCKET_BITS = 12
BUCKETS = 1 << BUCKET_BITS
_BUCKET_SHIFT = np.uint64(64 - BUCKET_BITS)


@dataclass(frozen=True)
class Documents:
    """Documents as the pools see them: one token run each, one value per run in every column.

    Args:
        s: uint64, the draw that orders them.
        uid: uint64.
        address: uint64, split << 32 | row.
        piece: uint32, number of the piece within its document; 0 where documents are whole.
        tokens: int64, length of the run.
    """

    s: U64
    uid: U64
    address: U64
    piece: U32
    tokens: I64

    def __len__(self) -> int:
        return len(self.uid)

    def take(self, rows: I64 | Mask) -> "Documents":
        """Return the documents at `rows`: indices, or a mask over all."""
        return Documents(self.s[rows], self.uid[rows], self.address[rows], self.piece[rows], self.tokens[rows])


def documents_of(seed: int, uid: U64, address: U64, tokens: I64, piece: U32 | None = None) -> Documents:
    """Return the documents with `s` drawn under the label `pool`; without `piece`, every document is whole."""
    pieces = np.zeros(len(uid), np.uint32) if piece is None else piece
    return Documents(draw("pool", seed, uid), uid, address, pieces, tokens)


def concat_documents(parts: Sequence[Documents]) -> Documents:
    """Return the documents of several splits as one; at least one part."""
    return Documents(*(np.concatenate([getattr(part, name.name) for part in parts]) for name in fields(Documents)))


def bucket_of(s: U64) -> I64:
    """Return the bucket, 0 to 4095, of each draw: its top 12 bits."""
    return (s >> _BUCKET_SHIFT).astype(np.int64)


def histogram(s: U64, tokens: I64) -> I64:
    """Return int64[4096]: tokens by bucket of `s`; exact below 2^53 tokens a call."""
    return np.bincount(bucket_of(s), weights=tokens, minlength=BUCKETS).astype(np.int64)
