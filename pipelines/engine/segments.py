"""The file that carries rows from one task to others.

In:  rows, a sorted stream (segment) at a time.
Out: a `.rows` file; and from such a file, the rows of any range of keys, with few reads.
Guaranteed: what is read was written: blocks and footer carry checks, and a file without its end is not taken for one.

The format, version 1 (all numbers little-endian):

    file    = blocks, footer, u64 xxh3_64 of the footer, u64 length of the footer, 8 bytes "GMROWS" 00 01
    block   = headers (an array of the layout's header: key u8, row u4, slot u4, columns, length u4; without gaps),
              then the payloads, one after another
    segment = blocks one after another, whose rows are sorted by (key, row, slot); a file is its segments
    footer  = msgpack {"columns": [[name, dtype]], "segments": [number of blocks], "index": one `INDEX` per block}

A block holds at most 4,096 rows, and at most 1 MiB of payload unless it is a single row.
"""

import functools
import os
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from pipelines.engine.rows import Indices, Layout, Rows, offsets_of
from pipelines.engine.storage import Storage
from pipelines.errors import BuildError

BLOCK_ROWS = 4_096
BLOCK_BYTES = 1024 * 1024
MAGIC = b"GMROWS\x00\x01"
TRAILER = struct.Struct("<QQ8s")
TAIL_BYTES = 64 * 1024
"""What is read first from a file's end: mostly the whole footer."""
GAP_BYTES = 128 * 1024
"""Unwanted bytes that are read along where that saves a request."""
INDEX = np.dtype([(name, "<u8") for name in ("first", "last", "offset", "bytes", "rows", "check")])
"""Of a block: first and last key, its place in the file, its size, its rows, xxh3_64 of its bytes."""
Index = npt.NDArray[np.void]


class Footer(msgspec.Struct, frozen=True):
    """The end of a file, which says where its rows are."""

    columns: tuple[tuple[str, str], ...]
    segments: tuple[int, ...]
    index: bytes

    @property
    def dtype(self) -> np.dtype[np.void]:
        """The header of the file's rows."""
        return Layout(self.columns).dtype

    def blocks_within(self, low: int, high: int) -> Index:
        """Return the index of the blocks that may hold a key in [low, high), in the order of the file."""
        index = np.frombuffer(self.index, INDEX)
        wanted: Index = index[(index["last"] >= np.uint64(low)) & (index["first"] <= np.uint64(high - 1))]
        return wanted

    def bytes_within(self, low: int, high: int) -> int:
        """Return the bytes of the blocks all whose keys are in [low, high)."""
        blocks = self.blocks_within(low, high)
        inside = (blocks["first"] >= np.uint64(low)) & (blocks["last"] <= np.uint64(high - 1))
        return int(blocks["bytes"][inside].sum())


class SegmentWriter:
    """Writes one file.

    Args:
        file: where to; it begins empty.
        layout: of all rows.
    """

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file, self._layout = file, layout
        self._digest = xxhash.xxh3_128()
        self._index: list[Index] = []
        self.size = 0

    @property
    def segments(self) -> int:
        """Number of segments so far."""
        return len(self._index)

    @property
    def hash(self) -> str:
        """Hex digits (xxh3_128) of the bytes so far."""
        return self._digest.hexdigest()

    def write(self, rows: Rows, order: Indices) -> None:
        """Write the rows, in an order sorted by (key, row, slot), as one segment."""
        blocks = (rows.take(order[start:end]) for start, end in _blocks(rows["length"][order]))
        self._index.append(np.array([self._block(block) for block in blocks], INDEX))

    def finish(self) -> None:
        """Write the footer."""
        index = np.concatenate([np.empty(0, INDEX), *self._index]).tobytes()
        footer = msgspec.msgpack.encode(Footer(self._layout.columns, tuple(map(len, self._index)), index))
        self._put(footer)
        self._put(TRAILER.pack(xxhash.xxh3_64_intdigest(footer), len(footer), MAGIC))

    def _block(self, rows: Rows) -> tuple[int, ...]:
        offset = self.size
        check = xxhash.xxh3_64()
        for data in (rows.header.view(np.uint8).data, rows.payload.data):
            check.update(data)
            self._put(data)
        keys = rows["key"]
        return int(keys[0]), int(keys[-1]), offset, self.size - offset, len(rows), check.intdigest()

    def _put(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)


def read_rows(storage: Storage, path: str, low: int, high: int) -> list[Rows]:
    """Return the file's rows with low <= key < high, in the order of the file: an empty piece, then one per block.

    Args:
        storage: holds the file.
        path: the file. It must always hold the same rows: its footer is remembered in this process.
        low: first key.
        high: end of the keys, at most 2^64.

    Raises:
        BuildError: the file is damaged.
    """
    try:
        return _read_with(load_footer(storage, path), storage, path, (low, high))
    except (BuildError, OSError):
        load_footer.cache_clear()  # another attempt may have written the same rows in other segments
        return _read_with(load_footer(storage, path), storage, path, (low, high))


@functools.lru_cache(maxsize=512)
def load_footer(storage: Storage, path: str) -> Footer:
    """Return a file's footer; those of the last files are remembered.

    Raises:
        BuildError: the file does not end as such a file does.
    """
    with storage.open(path) as file:
        size = file.seek(0, os.SEEK_END)
        tail = _read_tail(file, size, TAIL_BYTES)
        check, length, magic = TRAILER.unpack(tail[-TRAILER.size :].rjust(TRAILER.size))
        if magic != MAGIC or length + TRAILER.size > size:
            raise _damaged(storage, path, "its end is missing")
        if length + TRAILER.size > len(tail):
            tail = _read_tail(file, size, length + TRAILER.size)
    footer = tail[-length - TRAILER.size : -TRAILER.size]
    if xxhash.xxh3_64_intdigest(footer) != check:
        raise _damaged(storage, path, "its footer is not what was written")
    return msgspec.msgpack.decode(footer, type=Footer)


def _read_tail(file: BinaryIO, size: int, length: int) -> bytes:
    file.seek(max(size - length, 0))
    return file.read(length)


def _blocks(lengths: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Cut rows into blocks: as many as fit BLOCK_ROWS and BLOCK_BYTES of payload, and at least one."""
    offsets = offsets_of(lengths)
    start = 0
    while start < len(lengths):
        fitting = int(np.searchsorted(offsets, offsets[start] + BLOCK_BYTES, side="right")) - 1
        end = min(max(fitting, start + 1), start + BLOCK_ROWS, len(lengths))
        yield start, end
        start = end


def _read_with(footer: Footer, storage: Storage, path: str, keys: tuple[int, int]) -> list[Rows]:
    blocks = footer.blocks_within(*keys)
    pieces = [Rows.empty(footer.dtype)]
    for run in _runs(blocks):
        start, end = int(run["offset"][0]), int(run["offset"][-1] + run["bytes"][-1])
        raw = memoryview(storage.read_range(path, start, end))
        for block in run:
            data = raw[int(block["offset"]) - start :][: int(block["bytes"])]
            if xxhash.xxh3_64_intdigest(data) != block["check"]:
                raise _damaged(storage, path, f"the block at byte {block['offset']} is not what was written")
            pieces.append(_between(_parse(data, int(block["rows"]), footer.dtype), *keys))
    return pieces


def _runs(blocks: Index) -> list[Index]:
    """Group blocks that one read serves: neighbours, or so close that reading the gap is cheaper than a request."""
    if not len(blocks):
        return []
    gaps = blocks["offset"][1:] - (blocks["offset"] + blocks["bytes"])[:-1]
    return np.split(blocks, np.flatnonzero(gaps > GAP_BYTES) + 1)


def _parse(data: memoryview, count: int, dtype: np.dtype[np.void]) -> Rows:
    header = np.frombuffer(data, dtype, count)
    return Rows(header, np.frombuffer(data, np.uint8, offset=header.nbytes))


def _between(rows: Rows, low: int, high: int) -> Rows:
    keys = np.ascontiguousarray(rows["key"])
    start = int(np.searchsorted(keys, np.uint64(low), side="left"))
    end = int(np.searchsorted(keys, np.uint64(high - 1), side="right"))
    return rows if (start, end) == (0, len(rows)) else rows.slice(start, end)


def _damaged(storage: Storage, path: str, what: str) -> BuildError:
    return BuildError(f"{storage.url}/{path}: {what}; delete this file and its receipt, and run the same command again")
