"""FineWeb's counts of lines: which end in a mark, which are short, which stood before.

In:  UTF-8 bytes, and the lines of texts between line feeds.
Out: five counts per text.
Guaranteed: what `filters/fineweb.py` says; lines are compared by a 64-bit hash of their bytes; time grows with the
     length of the text, however many lines are alike.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.characters import before
from filters.kernels.compiled import inlined, kernel
from filters.kernels.hashing import hash_bytes
from filters.kernels.spaces import skip_spaces
from filters.kernels.tables import power_above
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]

LINES, MARKED, SHORT, DUPLICATE_CHARS, LINE_FEEDS = range(5)
"""Rows of `text_counts`."""


@inlined
def count_characters(data: U8) -> int:
    """Return the number of code points of valid UTF-8: of the bytes that continue none."""
    count = 0
    for at in range(len(data)):
        count += data[at] & 0xC0 != 0x80
    return count


@inlined
def _is_short(line: U8, most: int) -> bool:
    """Return whether a line has at most so many characters."""
    return len(line) <= most or (len(line) <= 4 * most and count_characters(line) <= most)


@inlined
def _stood_before(hashes: U64, table: I64, line: int, first: int) -> bool:
    """Return whether an earlier line of this text has the same hash, and enter the line if none has.

    The table holds numbers of lines; those of earlier texts, below `first`, count as free places.
    """
    mask = np.int64(len(table) - 1)
    slot = np.int64(hashes[line]) & mask
    while table[slot] >= first:
        if hashes[table[slot]] == hashes[line]:
            return True
        slot = (slot + 1) & mask
    table[slot] = line
    return False


@inlined
def _ends_in_mark(data: U8, end: int, marks: BOOL) -> bool:
    """Return whether the character that ends at byte `end` is one of the marks."""
    code, _ = decode(data, before(data, end))
    return bool(marks[code])


@kernel
def _most_lines(first: I64) -> int:
    most = 0
    for text in range(len(first) - 1):
        most = max(most, first[text + 1] - first[text])
    return most


@kernel
def text_counts(data: U8, lines: tuple[I64, I64, I64], marks: BOOL, short: int, classes: U32) -> I64:
    """Count the lines of each text; blank ones are none.

    Args:
        data: uint8, all texts.
        lines: first, start and end of `line_feed_lines`.
        marks: bool by code point.
        short: a line of at most so many characters is short.
        classes: uint32 flags by code point.

    Returns:
        int64[5, texts]: lines; those that end in a mark; short ones; characters of lines that stood before in the text;
        line feeds.
    """
    first, start, end = lines
    counts = np.zeros((5, len(first) - 1), np.int64)
    table = np.full(power_above(2 * _most_lines(first)), -1, np.int64)
    hashes = np.empty(len(start), np.uint64)
    for text in range(len(first) - 1):
        counts[LINE_FEEDS, text] = first[text + 1] - first[text] - 1
        for line in range(first[text], first[text + 1]):
            if skip_spaces(data, start[line], end[line], classes) == end[line]:
                continue
            counts[LINES, text] += 1
            counts[MARKED, text] += _ends_in_mark(data, end[line], marks)
            counts[SHORT, text] += _is_short(data[start[line] : end[line]], short)
            hashes[line] = hash_bytes(data, start[line], end[line])
            if _stood_before(hashes, table, line, first[text]):
                counts[DUPLICATE_CHARS, text] += count_characters(data[start[line] : end[line]])
    return counts
