"""Marks: how often each hash may occur, at most, without asking which other hashes share its mark.

In:  hashes in a row.
Out: a level for each: at least its occurrences, or 255 where these are more.
Guaranteed: never less than the truth; time grows with the number of hashes. Where the marks would leave the nearer
     caches, hashes are first laid out in buckets, by their highest bits, and each bucket is marked by itself.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.tables import power_above

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

Marking = tuple[U8, tuple[U64, I64], I64]
"""Marks; the hashes and the places of all buckets; where each bucket ends. `room_to_mark` makes them."""

MARKS_EACH = 4
HIGHEST = np.uint8(255)
BUCKET = 1 << 16
"""Hashes of one bucket, about: as many as have their marks in a cache of 256 KiB."""

MOST_MARKS = 4 * MARKS_EACH * BUCKET
"""A bucket with more hashes than that holds few that differ."""


def room_to_mark(most: int) -> Marking:
    """Make room to mark at most so many hashes."""
    in_buckets = most if most > BUCKET else 0
    buckets = np.empty(in_buckets, np.uint64), np.empty(in_buckets, np.int64)
    marks = np.empty(min(power_above(MARKS_EACH * most), MOST_MARKS), np.uint8)
    return marks, buckets, np.empty(_buckets(most), np.int64)


@kernel
def _buckets(count: int) -> int:
    """Return a number of buckets, a power of 2."""
    return power_above(count // BUCKET)


@leaf
def _clear(marks: U8, count: int) -> np.uint64:
    """Set the marks for so many hashes to 0; return the mask that gives a hash its mark."""
    size = min(power_above(MARKS_EACH * count), MOST_MARKS)
    for mark in range(size):
        marks[mark] = 0
    return np.uint64(size - 1)


@leaf
def _mark(hashes: U64, begin: int, end: int, marks: U8, mask: np.uint64) -> None:
    """Count each of `hashes[begin:end]` at its mark."""
    for index in range(np.uint64(begin), np.uint64(end)):
        slot = hashes[index] & mask
        marks[slot] += np.uint8(marks[slot] < HIGHEST)


@leaf
def _lay_out(hashes: U64, count: int, buckets: tuple[U64, I64], ends: I64) -> int:
    """Sort hashes and their places into buckets; set the end of each bucket, and return how many there are."""
    number = _buckets(count)
    shift = np.uint64(64)
    size = number
    while size > 1:
        size, shift = size >> 1, shift - np.uint64(1)
    for bucket in range(number):
        ends[bucket] = 0
    for index in range(count):
        ends[hashes[index] >> shift] += 1
    begun = 0
    for bucket in range(number):
        ends[bucket], begun = begun, begun + ends[bucket]
    for index in range(count):
        bucket = hashes[index] >> shift
        place = np.uint64(ends[bucket])
        buckets[0][place], buckets[1][place] = hashes[index], index
        ends[bucket] += 1
    return number


@kernel
def mark_levels(hashes: U64, count: int, room: Marking, levels: U8) -> int:
    """Set the level of each of `hashes[:count]`; return the highest."""
    marks, buckets, ends = room
    highest = np.uint8(0)
    if count <= BUCKET:
        mask = _clear(marks, count)
        _mark(hashes, 0, count, marks, mask)
        for index in range(count):
            levels[index] = marks[hashes[index] & mask]
            highest = max(highest, levels[index])
        return signed(highest)
    begin = 0
    for bucket in range(_lay_out(hashes, count, buckets, ends)):
        end = ends[bucket]
        mask = _clear(marks, end - begin)
        _mark(buckets[0], begin, end, marks, mask)
        for index in range(np.uint64(begin), np.uint64(end)):
            level = marks[buckets[0][index] & mask]
            levels[buckets[1][index]] = level
            highest = max(highest, level)
        begin = end
    return signed(highest)
