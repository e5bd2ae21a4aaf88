"""Cuts: at which token of which document a position of a pool's stream lies, without sorting the pool.

In:  the pool's histogram of tokens by bucket of `s` (added up over all splits), and the documents of one bucket.
Out: a cut point, a place in the order (epoch, s, uid, address, piece, token) that every split can compare with.
Guaranteed: exact to the token, and the same however documents are grouped in splits. Only the bucket that holds the
    cut is fetched, about 1/4096 of the pool, and none where the cut falls between two buckets.

    location = locate(histogram, position)
    held = <the pool's documents with bucket_of(s) == location.bucket, of all splits> if location.offset else none
    cut = cut_in_bucket(location, held)
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.engine.keys import U64
from pipelines.mix.pools import BUCKET_BITS, I64, U32, Documents


@dataclass(frozen=True)
class Location:
    """Where a position lies as far as a histogram can tell.

    Args:
        epoch: number of the epoch, from 0.
        bucket: bucket of `s`, 0 to 4095.
        offset: tokens of the bucket that lie before the position; less than the bucket holds.
    """

    epoch: int
    bucket: int
    offset: int


@dataclass(frozen=True)
class CutPoint:
    """A cut just before token `token` of a document in epoch `epoch`.

    A cut between two buckets names no document: uid, address, piece and token are 0 and `s` is the bucket's first
    value, which is at or before every document of the bucket.
    """

    epoch: int
    s: int
    uid: int
    address: int
    piece: int
    token: int


def locate(histogram: I64, position: int) -> Location:
    """Return where `position` of the endless stream lies.

    Args:
        histogram: int64[4096], tokens of one epoch of the pool by bucket; not all 0.
        position: at least 0; token `position` of the stream is the first one after the cut.
    """
    ends = np.cumsum(histogram)
    epoch, offset = divmod(position, int(ends[-1]))
    bucket = int(np.searchsorted(ends, offset, side="right"))
    return Location(epoch, bucket, offset - int(ends[bucket] - histogram[bucket]))


def cut_in_bucket(location: Location, documents: Documents) -> CutPoint:
    """Return the cut at `location`.

    Args:
        location: as `locate` gave it.
        documents: all documents of the pool in the location's bucket, in any order; not looked at where the
            location's offset is 0.
    """
    if location.offset == 0:
        return CutPoint(location.epoch, location.bucket << (64 - BUCKET_BITS), 0, 0, 0, 0)
    order = np.lexsort(_columns(documents)[::-1])
    ends = np.cumsum(documents.tokens[order])
    place = int(np.searchsorted(ends, location.offset, side="right"))
    at = order[place]
    token = location.offset - int(ends[place] - documents.tokens[at])
    s, uid, address, piece = (int(column[at]) for column in _columns(documents))
    return CutPoint(location.epoch, s, uid, address, piece, token)


def tokens_before(documents: Documents, cut: CutPoint) -> I64:
    """Return how many tokens of each document lie before the cut, within the cut's epoch: all, none, or `cut.token`."""
    side = _compare(documents, cut)
    return np.where(side < 0, documents.tokens, np.where(side == 0, cut.token, 0))


def _compare(documents: Documents, cut: CutPoint) -> npt.NDArray[np.int8]:
    """Return -1, 0 or 1: the document stands before, at or after the document that the cut names."""
    side = np.zeros(len(documents), np.int8)
    values = (cut.s, cut.uid, cut.address, cut.piece)
    for column, value in zip(reversed(_columns(documents)), reversed(values), strict=True):
        side = np.where(column == value, side, np.where(column < np.uint64(value), np.int8(-1), np.int8(1)))
    return side


def _columns(documents: Documents) -> tuple[U64, U64, U64, U32]:
    """Return what documents are ordered by, the most significant first."""
    return documents.s, documents.uid, documents.address, documents.piece
