"""Places: which tokens of a split's documents a phase takes from a pool, and into which shard each fragment goes.

In:  a split's documents, the members of the pool among them, and the two cuts of an interval of the pool's stream.
Out: fragments (row, epoch, first token, tokens); for each its place `t`, its shard, and its tokens.
Guaranteed: over all splits the fragments are the interval, to the token; `t` depends on the seed, the phase, the pool
    and the fragment alone, so neither splits nor workers move a fragment.
"""

import struct
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines.engine.keys import U64
from pipelines.mix.cut import CutPoint, tokens_before
from pipelines.mix.pools import I64, Documents, Mask

_NAMES = np.dtype([("uid", "<u8"), ("piece", "<u4"), ("epoch", "<u4"), ("start", "<u8")])


@dataclass(frozen=True)
class Fragments:
    """Stretches of token runs, one value per fragment in every column; none is empty.

    Args:
        row: int64, index into the documents that were given.
        epoch: int64, which reading of the pool it belongs to, from 0.
        start: int64, its first token's offset in the run.
        length: int64, tokens, at least 1.
    """

    row: I64
    epoch: I64
    start: I64
    length: I64

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True)
class Draw:
    """The use of chance that places fragments: the build's seed, a phase and a pool, by name."""

    seed: int
    phase: str
    pool: str


def fragments_between(documents: Documents, member: Mask, begin: CutPoint, end: CutPoint) -> Fragments:
    """Return what the interval from `begin` to `end` takes of the documents, by epoch, then row.

    Args:
        documents: of one split.
        member: bool per document: it belongs to the pool.
        begin: cut before the interval's first token.
        end: cut after its last token; whole epochs may lie between.
    """
    rows = np.flatnonzero(member)
    held = documents.take(rows)
    epochs = range(begin.epoch, end.epoch + 1)
    parts = [_fragments_of_epoch(held, rows, begin, end, epoch) for epoch in epochs]
    return Fragments(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def placements(documents: Documents, fragments: Fragments, draw: Draw) -> U64:
    """Return t, uniform in 64 bits, for each fragment.

    t = xxh3_64("place", u64le(seed), utf8(phase), 00, utf8(pool), 00, u64le(uid), u32le(piece), u32le(epoch),
    u64le(first token)), seed 0.
    """
    names = np.empty(len(fragments), _NAMES)
    names["uid"], names["piece"] = documents.uid[fragments.row], documents.piece[fragments.row]
    names["epoch"], names["start"] = fragments.epoch, fragments.start
    prefix = b"place" + struct.pack("<Q", draw.seed) + draw.phase.encode() + b"\0" + draw.pool.encode() + b"\0"
    raw, width = names.tobytes(), _NAMES.itemsize
    hashes = (xxhash.xxh3_64_intdigest(prefix + raw[at : at + width]) for at in range(0, len(raw), width))
    return np.fromiter(hashes, np.uint64, len(fragments))


def shard_count(tokens: int, shard_tokens: int) -> int:
    """Return the number of shards of a phase that takes `tokens` tokens: its tokens / `shard_tokens`, rounded up."""
    return -(-tokens // shard_tokens)


def shard_of(t: U64, shards: int) -> I64:
    """Return floor(t * shards / 2^64) for each fragment; fewer than 2^32 shards."""
    high, low = t >> np.uint64(32), t & np.uint64(0xFFFFFFFF)
    count = np.uint64(shards)
    return ((high * count + (low * count >> np.uint64(32))) >> np.uint64(32)).astype(np.int64)


def fragment_runs(runs: pa.LargeBinaryArray, fragments: Fragments, width: int) -> pa.LargeBinaryArray:
    """Return the token ids of each fragment, as the runs hold them.

    Args:
        runs: large_binary, one run of little-endian ids per document of the split.
        fragments: of the same documents. All but those that a cut goes through are whole runs, and are copied at once.
        width: bytes of an id, 2 or 4.
    """
    taken = runs.take(pa.array(fragments.row))
    whole = pc.binary_length(taken).to_numpy() // width
    parts, done = [], 0
    for at in np.flatnonzero(fragments.length != whole).tolist():
        first, tokens = int(fragments.start[at]), int(fragments.length[at])
        stretch = taken[at].as_buffer()[first * width : (first + tokens) * width]
        parts += [taken.slice(done, at - done), pa.array([stretch.to_pybytes()], taken.type)]
        done = at + 1
    return pa.concat_arrays([*parts, taken.slice(done)])


def _fragments_of_epoch(
    held: Documents, rows: I64, begin: CutPoint, end: CutPoint, epoch: int
) -> tuple[I64, I64, I64, I64]:
    """Return the columns of the epoch's fragments; `rows` says where the split has the documents held."""
    first = tokens_before(held, begin) if epoch == begin.epoch else np.zeros(len(held), np.int64)
    last = tokens_before(held, end) if epoch == end.epoch else held.tokens
    taken = np.flatnonzero(last > first)
    start = first[taken]
    return rows[taken], np.full(len(taken), epoch, np.int64), start, last[taken] - start
