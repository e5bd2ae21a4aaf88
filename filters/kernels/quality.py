"""Counts behind Gopher's quality rules: words with letters, stop words, symbols, bullets and ellipses.

In:  the bytes of texts, and where their words and lines lie.
Out: int64 counts, one per text.
Guaranteed: the counts of the plain functions in `filters/gopher.py`.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel, leaf, signed
from filters.kernels.spaces import skip_spaces, skip_spaces_back
from filters.kernels.tables import power_above
from filters.kernels.unicode import decode
from filters.kernels.vectors import (
    ONE,
    STEP,
    below,
    bit_count,
    ellipsis_heads,
    full_stops,
    lowest,
    number_signs,
    rest_of,
)

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DOT = ord(".")
ELLIPSIS_BYTES = 3
"""Of '...' and of U+2026."""

FRESH = 62
"""Bytes of a step that the next one has not."""

TWO = np.uint64(2)
BULLET, HYPHEN = 0x2022, ord("-")


@kernel
def sums(first: I64, chars: I32, letters: Bools) -> tuple[I64, I64]:
    """Return the characters in words, and the words with a letter, of each text."""
    texts = len(first) - 1
    lengths, lettered = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    for text in range(texts):
        length = words = 0
        for word in range(np.uint64(first[text]), np.uint64(first[text + 1])):
            length += chars[word]
            words += letters[word]
        lengths[text], lettered[text] = length, words
    return lengths, lettered


@kernel
def _table_of(members: U64) -> tuple[U64, I64]:
    """Return a table with a slot for each of `members` that no other one shares, and these slots; others hold 0."""
    size = power_above(8 * len(members))
    slots = np.empty(len(members), np.int64)
    while True:
        table, apart = np.zeros(size, np.uint64), True
        for number in range(len(members)):
            slot = signed(members[number] & np.uint64(size - 1))
            apart = apart and table[slot] == 0
            table[slot], slots[number] = members[number], slot
        if apart:
            return table, slots
        size *= 2


@kernel
def distinct_members(first: I64, hashes: U64, members: U64) -> I64:
    """Return how many of `members` (different uint64 hashes, none of them 0) are among the words of each text.

    Each word writes down that its slot was met, whether it is the member there or not: into one place behind the
    table where it is not.
    """
    counts = np.zeros(len(first) - 1, np.int64)
    table, slots = _table_of(members)
    mask, nowhere = np.uint64(len(table) - 1), np.uint64(len(table))
    met = np.full(len(table) + 1, -1, np.int64)
    for text in range(len(counts)):
        for word in range(np.uint64(first[text]), np.uint64(first[text + 1])):
            slot = hashes[word] & mask
            met[slot if table[slot] == hashes[word] else nowhere] = text
        found = 0
        for slot_of_member in slots:
            found += met[slot_of_member] == text
        counts[text] = found
    return counts


@leaf
def _is_made_of(data: U8, at: int, stop: int, members: Bools) -> bool:
    """Whether a word is made of `members` alone."""
    while at < stop:
        code, size = decode(data, at)
        if not members[code]:
            return False
        at += size
    return True


@kernel
def sums_of_only(data: U8, words: tuple[I64, I64, I64], chars: I32, letters: Bools, members: Bools) -> tuple[I64, I64]:
    """Return the characters in words that are made of `members` alone, and the number of these words, of each text.

    Args:
        data: uint8, all texts.
        words: first, start and end, as in `filters/kernels/scans.py`.
        chars: int32, code points of each word.
        letters: whether each holds a letter.
        members: bool by code point; no letter is one.
    """
    first, start, end = words
    lengths, counts = np.zeros(len(first) - 1, np.int64), np.zeros(len(first) - 1, np.int64)
    for text in range(len(counts)):
        for word in range(np.uint64(first[text]), np.uint64(first[text + 1])):
            if not letters[word] and _is_made_of(data, start[word], end[word], members):
                lengths[text] += chars[word]
                counts[text] += 1
    return lengths, counts


@inlined
def _is_ellipsis(data: U8, at: int, stop: int) -> bool:
    """Whether U+2026 begins at a byte."""
    return bool(data[at] == 0xE2 and at + 2 < stop and data[at + 1] == 0x80 and data[at + 2] == 0xA6)


@leaf
def _symbol_marks(data: U8, at: int, left: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Mark '#', '...' and what U+2026 may begin with, in the `left` bytes from `at` on; '...' may overlap."""
    place, inside = np.uint64(at), below(np.uint64(left))
    dots = full_stops(data, place) & inside
    triples = dots & (dots >> ONE) & (dots >> TWO)
    return number_signs(data, place) & inside, triples, ellipsis_heads(data, place) & inside


@kernel
def symbols(data: U8, offsets: I64) -> tuple[I64, I64]:
    """Return the number of '#', and of ellipses ('...' without overlap, plus U+2026), in each text.

    Steps overlap by two bytes, so that '...' lies within one.
    """
    texts = len(offsets) - 1
    hashes, ellipses = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    fresh = below(np.uint64(FRESH))
    for text in range(texts):
        at, stop = offsets[text], offsets[text + 1]
        free = at
        while at < stop:
            if at + signed(STEP) <= len(data):
                signs, triples, heads = _symbol_marks(data, at, stop - at)
            else:
                signs, triples, heads = _symbol_marks(rest_of(data, at), 0, stop - at)
            hashes[text] += bit_count(signs & fresh)
            marks = (triples | heads) & fresh
            while marks:
                place = at + signed(lowest(marks))
                marks &= marks - ONE
                if place >= free and (data[place] == DOT or _is_ellipsis(data, place, stop)):
                    ellipses[text] += 1
                    free = place + ELLIPSIS_BYTES
            at += FRESH
    return hashes, ellipses


@leaf
def _ends_in_ellipsis(data: U8, start: int, stop: int) -> bool:
    """Whether `data[start:stop]` ends in '...' or U+2026."""
    if stop - start < ELLIPSIS_BYTES:
        return False
    at = np.uint64(stop - ELLIPSIS_BYTES)
    dots = data[at] == DOT and data[at + ONE] == DOT and data[at + TWO] == DOT
    return dots or _is_ellipsis(data, stop - ELLIPSIS_BYTES, stop)


@kernel
def bullets_and_ellipses(data: U8, first: I64, start: I64, end: I64, classes: U32) -> tuple[I64, I64]:
    """Return the lines that begin with U+2022 or '-', and those that end in '...' or U+2026, white space aside."""
    texts = len(first) - 1
    bullets, ellipses = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    for text in range(texts):
        begun = ended = 0
        for line in range(first[text], first[text + 1]):
            at = skip_spaces(data, start[line], end[line], classes)
            if at == end[line]:
                continue
            code, _ = decode(data, at)
            begun += code in (BULLET, HYPHEN)
            ended += _ends_in_ellipsis(data, at, skip_spaces_back(data, at, end[line], classes))
        bullets[text], ellipses[text] = begun, ended
    return bullets, ellipses
