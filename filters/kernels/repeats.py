"""Repeated lines and paragraphs, as datatrove's `gopher_repetition_filter.py` counts them.

In:  the bytes of texts, and their lines between line feeds.
Out: which lines stood earlier in their text; int64 counts, one row per text.
Guaranteed: a part that stood earlier in its text is a duplicate. Parts are told apart by 64-bit hashes: most by one of
     their length and their first and last eight bytes, and those which are alike in these by one of all their bytes.

    lines       parts between runs of one LF or more
    paragraphs  parts between runs of two LF or more, once white space at both ends of the text is gone
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.code_points import code_points
from filters.kernels.compiled import kernel, leaf
from filters.kernels.hashing import SEED, WIDTH, add_block, finish, hash_bytes, load
from filters.kernels.spaces import skip_spaces, skip_spaces_back
from filters.kernels.tables import power_above

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Parts = tuple[I64, I64, I64]
"""First (one more than texts; the parts of text d are numbers `first[d]` to `first[d + 1]`), start and end of each."""

PARTS, DUPLICATES, DUPLICATE_CHARS = range(3)
"""Places of the answers in the last axis of what `repeats` returns."""


@leaf
def _hash_of_edges(data: U8, start: int, end: int) -> np.uint64:
    """Return a hash of the length, the first and the last eight bytes."""
    if end - start < WIDTH:
        return hash_bytes(data, start, end)
    return finish(add_block(add_block(SEED, load(data, start)), load(data, end - WIDTH)), end - start)


@leaf
def _same(data: U8, start: int, other: int, size: int) -> bool:
    """Whether as many bytes from two places on are the same."""
    at = 0
    while at + WIDTH <= size and load(data, start + at) == load(data, other + at):
        at += WIDTH
    while at < size and data[start + at] == data[other + at]:
        at += 1
    return at == size


@leaf
def _enter(keys: U64, table: I64, mask: np.uint64, part: int, first: int) -> int:
    """Return the earlier part of this text that has the same key; enter the part and return -1 if none has.

    The table holds numbers of parts; those of earlier texts, below `first`, count as free places.
    """
    key = keys[np.uint64(part)]
    slot = key & mask
    while table[slot] >= first:
        if keys[np.uint64(table[slot])] == key:
            return int(table[slot])
        slot = (slot + np.uint64(1)) & mask
    table[slot] = part
    return -1


@kernel
def _most_parts(first: I64) -> int:
    most = 0
    for text in range(len(first) - 1):
        most = max(most, first[text + 1] - first[text])
    return most


@kernel
def stood_before(data: U8, parts: Parts) -> Bools:
    """Return whether each part of a text stood earlier in the text.

    A part whose edges are those of an earlier one is compared with the first such part, and where they differ it is
    looked up, and entered, by the hash of all its bytes. So no part is read more than twice.
    """
    first, start, end = parts
    before = np.zeros(len(start), np.bool_)
    keys = np.empty(len(start), np.uint64)
    table = np.full(power_above(2 * _most_parts(first)), -1, np.int64)
    for text in range(len(first) - 1):
        begin = first[text]
        mask = np.uint64(power_above(2 * (first[text + 1] - begin)) - 1)
        for part in range(begin, first[text + 1]):
            keys[part] = _hash_of_edges(data, start[part], end[part])
            other = _enter(keys, table, mask, part, begin)
            if other < 0:
                continue
            size = end[part] - start[part]
            before[part] = end[other] - start[other] == size and _same(data, start[part], start[other], size)
            if not before[part]:
                keys[part] = hash_bytes(data, start[part], end[part])
                before[part] = _enter(keys, table, mask, part, begin) >= 0
    return before


@kernel
def _paragraphs(data: U8, offsets: I64, lines: Parts, classes: U32) -> Parts:
    """Return the paragraphs of texts: stretches of lines that are not empty, white space at the text's ends aside."""
    line_first, line_start, line_end = lines
    texts = len(offsets) - 1
    first = np.zeros(texts + 1, np.int64)
    start, end = np.empty(len(line_start), np.int64), np.empty(len(line_start), np.int64)
    count = 0
    for text in range(texts):
        begin = skip_spaces(data, offsets[text], offsets[text + 1], classes)
        stop = skip_spaces_back(data, begin, offsets[text + 1], classes)
        start[count] = begin
        for line in range(line_first[text], line_first[text + 1]):
            if line_start[line] == line_end[line] and begin < line_start[line] < stop:
                end[count] = line_start[line] - 1
                count += end[count] > start[count]
                start[count] = line_end[line] + 1
        end[count] = stop
        count += 1
        first[text + 1] = count
    return first, start[:count], end[:count]


@kernel
def _count(data: U8, parts: Parts, before: Bools) -> I64:
    """Count the parts that are not empty and those at the ends of a text; `before` says which stood before."""
    first, start, end = parts
    counts = np.zeros((len(first) - 1, 3), np.int64)
    for text in range(len(first) - 1):
        opening, closing = first[text], first[text + 1] - 1
        edges = (start[opening] == end[opening], opening < closing and start[closing] == end[closing])
        full = duplicates = chars = 0
        for part in range(opening, closing + 1):
            full += end[part] > start[part]
            if before[part] and end[part] > start[part]:
                duplicates += 1
                chars += code_points(data, start[part], end[part])
        counts[text, PARTS] = full + edges[0] + edges[1]
        counts[text, DUPLICATES] = duplicates + (edges[0] and edges[1])
        counts[text, DUPLICATE_CHARS] = chars
    return counts


@kernel
def repeats(data: U8, offsets: I64, lines: Parts, before: Bools, classes: U32) -> tuple[I64, I64]:
    """Count the lines and the paragraphs of texts, and those that stood before.

    Args:
        data: uint8, all texts.
        offsets: int64, one more than texts.
        lines: the lines between line feeds (`filters/kernels/newlines.py`).
        before: bool, `stood_before` of these lines.
        classes: uint32 flags by code point.

    Returns:
        lines and paragraphs, each int64[texts, 3]: PARTS, DUPLICATES, DUPLICATE_CHARS.
    """
    paragraphs = _paragraphs(data, offsets, lines, classes)
    return _count(data, lines, before), _count(data, paragraphs, stood_before(data, paragraphs))
