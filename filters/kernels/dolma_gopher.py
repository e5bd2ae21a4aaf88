"""What Dolma's Gopher tagger counts: odd and required words, the median word, and LF-ended lines.

In:  the bytes of texts, and where their words and lines lie.
Out: int64 counts per text.
Guaranteed: the counts of Dolma, python/dolma/taggers/gopher.py, in time that grows with the bytes; lines are compared
     by a 64-bit hash.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.hashing import hash_bytes

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

LENGTHS = 256
"""Word lengths that are counted; longer ones are sorted if they matter."""

LINES, BULLETS, ELLIPSES, DUPLICATES, DUPLICATE_CHARS = range(5)
"""Columns of `line_counts`."""

HASH, STAR, HYPHEN = np.uint8(ord("#")), np.uint8(ord("*")), np.uint8(ord("-"))
ELLIPSIS = (np.uint8(0xE2), np.uint8(0x80), np.uint8(0xA6))


@leaf
def _ellipsis_ends(data: U8, at: int) -> bool:
    """Whether the three bytes before `at`, which must be there, are U+2026."""
    return bool(data[at - 3] == ELLIPSIS[0] and data[at - 2] == ELLIPSIS[1] and data[at - 1] == ELLIPSIS[2])


@leaf
def _holds_symbol(data: U8, start: int, end: int) -> bool:
    """Whether a word holds a "#" or U+2026."""
    for at in range(start, end):
        if data[at] == HASH or (data[at] == ELLIPSIS[2] and at >= start + 2 and _ellipsis_ends(data, at + 1)):
            return True
    return False


@kernel
def symbol_words(data: U8, first: I64, start: I64, end: I64) -> I64:
    """Return how many words of each text hold a "#" or U+2026; words lie from byte `start` to `end`."""
    counts = np.zeros(len(first) - 1, np.int64)
    for text in range(len(counts)):
        for word in range(first[text], first[text + 1]):
            counts[text] += _holds_symbol(data, start[word], end[word])
    return counts


@leaf
def _is_required(value: np.uint64, required: U64) -> bool:
    found = False
    for place in range(len(required)):
        found |= required[place] == value
    return found


@kernel
def required_words(first: I64, hashes: U64, required: U64) -> I64:
    """Return how many words of each text are among the few whose hashes are `required`; every occurrence counts."""
    counts = np.zeros(len(first) - 1, np.int64)
    for text in range(len(counts)):
        for word in range(first[text], first[text + 1]):
            counts[text] += _is_required(hashes[word], required)
    return counts


@leaf
def _smallest(counts: I64, rank: int) -> int:
    """Return the length of the word that `rank` words precede by length; LENGTHS if it is longer than that."""
    length = 0
    rank -= counts[0]
    while rank >= 0 and length < LENGTHS:
        length += 1
        rank -= counts[length] if length < LENGTHS else 0
    return length


@kernel
def _median(chars: I32, counts: I64) -> float:
    """Return the median of the lengths, 0 where there are none; `counts` is of use only to this function."""
    if len(chars) == 0:
        return 0.0
    counts[:] = 0
    for word in range(len(chars)):
        if chars[word] < LENGTHS:
            counts[chars[word]] += 1
    low, high = _smallest(counts, (len(chars) - 1) // 2), _smallest(counts, len(chars) // 2)
    if high == LENGTHS:
        ordered = np.sort(chars)
        low, high = signed(ordered[(len(chars) - 1) // 2]), signed(ordered[len(chars) // 2])
    return (low + high) / 2


@kernel
def median_lengths(first: I64, chars: I32) -> F64:
    """Return the median number of characters of the words of each text."""
    medians, counts = np.zeros(len(first) - 1), np.empty(LENGTHS, np.int64)
    for text in range(len(medians)):
        medians[text] = _median(chars[first[text] : first[text + 1]], counts)
    return medians


@kernel
def char_counts(data: U8, offsets: I64) -> I64:
    """Return the code points of each text."""
    counts = np.zeros(len(offsets) - 1, np.int64)
    for text in range(len(counts)):
        for at in range(offsets[text], offsets[text + 1]):
            counts[text] += data[at] & 0xC0 != 0x80
    return counts


@leaf
def _length(data: U8, start: int, end: int) -> int:
    length = 0
    for at in range(start, end):
        length += data[at] & 0xC0 != 0x80
    return length


@kernel
def _count_duplicates(answers: I64, hashes: U64, lengths: I64, table: I64, found: I64) -> None:
    """Set how many lines occur more than once, each time counted, and their characters."""
    mask = len(table) - 1
    table[:] = -1
    for line in range(len(hashes)):
        slot = signed(hashes[line]) & mask
        while table[slot] >= 0 and hashes[table[slot]] != hashes[line]:
            slot = (slot + 1) & mask
        if table[slot] < 0:
            table[slot] = line
            found[line] = 0
        found[table[slot]] += 1
    for slot in range(len(table)):
        line = table[slot]
        if line >= 0 and found[line] > 1:
            answers[DUPLICATES] += found[line]
            answers[DUPLICATE_CHARS] += found[line] * lengths[line]


@leaf
def _table_size(lines: int) -> int:
    size = 2
    while size < 2 * lines:
        size *= 2
    return size


@leaf
def _is_kept(line: int, first: int, last: int, empty: bool, skip: bool) -> bool:
    r"""Whether a line counts where, as `re.split(r"\n+")` has it, rows of LF are one: the outermost always do."""
    return not (skip and empty) or line in (first, last)


@kernel
def line_counts(data: U8, first: I64, start: I64, end: I64, skip_empty: bool) -> I64:
    """Count lines of texts.

    Args:
        data: uint8, all texts.
        first: int64, one more than texts; the lines of text d are numbers `first[d]` to `first[d + 1]`.
        start: int64, where each line begins.
        end: int64, where it ends, its LF not among it.
        skip_empty: whether lines are what lies between rows of LF, not between single ones.

    Returns:
        int64[texts, 5]: LINES; BULLETS, lines that begin with "*" or "-"; ELLIPSES, that end in U+2026; DUPLICATES,
        that occur more than once, all occurrences; DUPLICATE_CHARS, the code points of those.
    """
    texts = len(first) - 1
    most = 1
    for text in range(texts):
        most = max(most, first[text + 1] - first[text])
    counts, table, found = (
        np.zeros((texts, 5), np.int64),
        np.empty(_table_size(most), np.int64),
        np.empty(most, np.int64),
    )
    hashes, lengths = np.empty(most, np.uint64), np.empty(most, np.int64)
    for text in range(texts):
        kept = 0
        for line in range(first[text], first[text + 1]):
            begin, stop = start[line], end[line]
            if not _is_kept(line, first[text], first[text + 1] - 1, begin == stop, skip_empty):
                continue
            hashes[kept], lengths[kept] = hash_bytes(data, begin, stop), _length(data, begin, stop)
            kept += 1
            counts[text, BULLETS] += begin < stop and data[begin] in (STAR, HYPHEN)
            counts[text, ELLIPSES] += stop - begin >= 3 and _ellipsis_ends(data, stop)
        counts[text, LINES] = kept
        _count_duplicates(counts[text], hashes[:kept], lengths, table[: _table_size(kept)], found)
    return counts
