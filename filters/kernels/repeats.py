"""Repeated lines and paragraphs, as datatrove's `gopher_repetition_filter.py` counts them.

In:  the bytes of texts.
Out: int64 counts, one row per text.
Guaranteed: a part that stood earlier in its text is a duplicate; parts are compared by a 64-bit hash of their bytes.

    lines       parts between runs of one LF or more
    paragraphs  parts between runs of two LF or more, once white space at both ends of the text is gone
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel, signed
from filters.kernels.hashing import WIDTH, hash_bytes, load
from filters.kernels.spaces import skip_spaces, skip_spaces_back
from filters.kernels.swar import holding
from filters.kernels.tables import power_above

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

Parts = tuple[U64, I64, I64]
"""Hash, first byte and byte behind each part of a text."""

LF = np.uint8(10)
LINE_FEEDS = np.uint64(10 * 0x0101010101010101)
PARTS, DUPLICATES, DUPLICATE_CHARS = range(3)
"""Places of the answers in the last axis of what `repeats` returns."""


@inlined
def _chars(data: U8, start: int, end: int) -> int:
    """Return the code points of `data[start:end]`: the bytes that continue none."""
    count = 0
    for at in range(start, end):
        count += data[at] & 0xC0 != 0x80
    return count


@kernel
def _count(answers: I64, data: U8, parts: Parts, count: int, table: I64) -> None:
    """Set the number of a text's parts, of those that stood before, and of their characters.

    Args:
        answers: int64[3], zeros.
        data: uint8, all texts.
        parts: hash, start and end of each part.
        count: how many there are.
        table: int64, a power of 2 of at least twice `count` entries.
    """
    hashes, start, end = parts
    mask = len(table) - 1
    table[:] = -1
    answers[PARTS] = count
    for part in range(count):
        hashes[part] = hash_bytes(data, start[part], end[part])
        slot = signed(hashes[part]) & mask
        while table[slot] >= 0 and hashes[table[slot]] != hashes[part]:
            slot = (slot + 1) & mask
        if table[slot] >= 0:
            answers[DUPLICATES] += 1
            answers[DUPLICATE_CHARS] += _chars(data, start[part], end[part])
        else:
            table[slot] = part


@kernel
def _split(breaks: I64, begin: int, stop: int, least: int, parts: Parts) -> int:
    """Split a text at runs of at least `least` LF.

    Args:
        breaks: int64, the bytes of the text that are LF, ascending.
        begin: first byte of the text.
        stop: byte behind the text.
        least: 1 or 2.
        parts: of each part, its start and its end are set.

    Returns:
        how many parts there are; an empty text has one.
    """
    _, start, end = parts
    count = 0
    start[0] = begin
    number = 0
    while number < len(breaks):
        last = number
        while last + 1 < len(breaks) and breaks[last + 1] == breaks[last] + 1:
            last += 1
        if last - number + 1 >= least:
            end[count] = breaks[number]
            count += 1
            start[count] = breaks[last] + 1
        number = last + 1
    end[count] = stop
    return count + 1


@kernel
def _breaks(data: U8, start: int, stop: int, breaks: I64) -> int:
    """Set `breaks` to the bytes that are LF; return how many there are."""
    count = 0
    at = start
    while at < stop:
        if at + WIDTH > stop or holding(load(data, at), LINE_FEEDS):
            for place in range(at, min(at + WIDTH, stop)):
                if data[place] == LF:
                    breaks[count] = place
                    count += 1
        at += WIDTH
    return count


@kernel
def _most_breaks(data: U8, offsets: I64) -> int:
    """Return the most LF that a text holds."""
    most = 0
    for text in range(len(offsets) - 1):
        count = 0
        for at in range(offsets[text], offsets[text + 1]):
            count += data[at] == LF
        most = max(most, count)
    return most


@kernel
def _within(breaks: I64, begin: int, end: int) -> I64:
    """Return the breaks from `begin` on and before `end`."""
    skipped, count = 0, len(breaks)
    while skipped < count and breaks[skipped] < begin:
        skipped += 1
    while count > skipped and breaks[count - 1] >= end:
        count -= 1
    return breaks[skipped:count]


@kernel
def repeats(data: U8, offsets: I64, classes: U32) -> tuple[I64, I64]:
    """Count the lines and the paragraphs of texts, and those that stood before.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts.
        classes: uint32 flags by code point.

    Returns:
        lines and paragraphs, each int64[texts, 3]: PARTS, DUPLICATES, DUPLICATE_CHARS.
    """
    texts = len(offsets) - 1
    most = _most_breaks(data, offsets) + 1
    breaks = np.empty(most, np.int64)
    parts = (np.empty(most, np.uint64), np.empty(most, np.int64), np.empty(most, np.int64))
    table = np.empty(power_above(2 * most), np.int64)
    lines, paragraphs = np.zeros((texts, 3), np.int64), np.zeros((texts, 3), np.int64)
    for text in range(texts):
        begin, stop = offsets[text], offsets[text + 1]
        found = breaks[: _breaks(data, begin, stop, breaks)]
        count = _split(found, begin, stop, 1, parts)
        _count(lines[text], data, parts, count, table[: power_above(2 * count)])
        begin = skip_spaces(data, begin, stop, classes)
        stop = skip_spaces_back(data, begin, stop, classes)
        count = _split(_within(found, begin, stop), begin, stop, 2, parts)
        _count(paragraphs[text], data, parts, count, table[: power_above(2 * count)])
    return lines, paragraphs
