"""Counts behind Gopher's quality rules: words with letters, stop words, symbols, bullets and ellipses.

In:  the bytes of texts, and where their words and lines lie.
Out: int64 counts, one per text.
Guaranteed: the counts of the plain functions in `filters/gopher.py`.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel, signed
from filters.kernels.hashing import WIDTH, load
from filters.kernels.spaces import skip_spaces, skip_spaces_back
from filters.kernels.swar import holding
from filters.kernels.tables import power_above
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HASH, DOT = np.uint8(ord("#")), np.uint8(ord("."))
HASHES, DOTS, ELLIPSIS_HEADS = (np.uint64(byte * 0x0101010101010101) for byte in (ord("#"), ord("."), 0xE2))
DOTS_OF_ELLIPSIS = 3
BULLET, HYPHEN = 0x2022, ord("-")


@kernel
def sums(first: I64, chars: I32, letters: Bools) -> tuple[I64, I64]:
    """Return the characters in words, and the words with a letter, of each text."""
    texts = len(first) - 1
    lengths, lettered = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    for text in range(texts):
        for word in range(first[text], first[text + 1]):
            lengths[text] += chars[word]
            lettered[text] += letters[word]
    return lengths, lettered


@kernel
def distinct_members(first: I64, hashes: U64, members: U64) -> I64:
    """Return how many of `members` (different uint64 hashes) are among the words of each text."""
    texts = len(first) - 1
    counts = np.zeros(texts, np.int64)
    table = np.full(power_above(8 * len(members)), -1, np.int64)
    mask = np.uint64(len(table) - 1)
    for number in range(len(members)):
        slot = members[number] & mask
        while table[signed(slot)] >= 0:
            slot = (slot + np.uint64(1)) & mask
        table[signed(slot)] = number
    seen = np.full(len(members), -1, np.int64)
    for text in range(texts):
        for word in range(first[text], first[text + 1]):
            slot = hashes[word] & mask
            while table[signed(slot)] >= 0:
                number = table[signed(slot)]
                if members[number] == hashes[word]:
                    counts[text] += seen[number] != text
                    seen[number] = text
                    break
                slot = (slot + np.uint64(1)) & mask
    return counts


@kernel
def only_of(data: U8, start: I64, end: I64, letters: Bools, members: Bools) -> Bools:
    """Return whether each word is made of `members` (bool by code point, no letter among them) alone."""
    alone = np.zeros(len(start), np.bool_)
    for word in range(len(start)):
        if letters[word]:
            continue
        at = start[word]
        while at < end[word]:
            code, size = decode(data, at)
            if not members[code]:
                break
            at += size
        alone[word] = at >= end[word]
    return alone


@inlined
def _is_ellipsis(data: U8, at: int, stop: int) -> bool:
    """Whether U+2026 begins at a byte."""
    return bool(data[at] == 0xE2 and at + 2 < stop and data[at + 1] == 0x80 and data[at + 2] == 0xA6)


@inlined
def _plain(block: np.uint64) -> bool:
    """Whether eight bytes hold neither '#', nor '.', nor what U+2026 begins with."""
    return not holding(block, HASHES) | holding(block, DOTS) | holding(block, ELLIPSIS_HEADS)


@kernel
def symbols(data: U8, offsets: I64) -> tuple[I64, I64]:
    """Return the number of '#', and of ellipses ('...' without overlap, plus U+2026), in each text."""
    texts = len(offsets) - 1
    hashes, ellipses = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    for text in range(texts):
        at, stop = offsets[text], offsets[text + 1]
        dots = 0
        while at < stop:
            if at + WIDTH <= stop and _plain(load(data, at)):
                at += WIDTH
                dots = 0
                continue
            for place in range(at, min(at + WIDTH, stop)):
                byte = data[place]
                dots = dots + 1 if byte == DOT else 0
                hashes[text] += byte == HASH
                if dots == DOTS_OF_ELLIPSIS or _is_ellipsis(data, place, stop):
                    ellipses[text] += 1
                    dots = 0
            at += WIDTH
    return hashes, ellipses


@kernel
def bullets_and_ellipses(data: U8, first: I64, start: I64, end: I64, classes: U32) -> tuple[I64, I64]:
    """Return the lines that begin with U+2022 or '-', and those that end in '...' or U+2026, white space aside."""
    texts = len(first) - 1
    bullets, ellipses = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    for text in range(texts):
        for line in range(first[text], first[text + 1]):
            at = skip_spaces(data, start[line], end[line], classes)
            if at == end[line]:
                continue
            code, _ = decode(data, at)
            bullets[text] += code in (BULLET, HYPHEN)
            stop = skip_spaces_back(data, at, end[line], classes)
            dots = stop - at >= 3 and data[stop - 1] == DOT and data[stop - 2] == DOT and data[stop - 3] == DOT
            ellipses[text] += dots or (stop - at >= 3 and _is_ellipsis(data, stop - 3, stop))
    return bullets, ellipses
