"""What RedPajama v2 asks of a text's normalized words: different ones, their entropy, and words of repeated n-grams.

In:  the hashes and lengths of words.
Out: numbers per text.
Guaranteed: the answers of RedPajama-Data, app/src/core/quality_signals, in time that grows with the number of words.
"""

import math

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.hashing import join
from filters.kernels.redpajama_lists import BEGINNING, WHOLE, meaning

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


@kernel
def _occurrences(hashes: U64, table: I64, counts: I64) -> int:
    """Count each different hash, in the order of first occurrence; return how many differ."""
    mask = len(table) - 1
    table[:] = -1
    kinds = 0
    for index in range(len(hashes)):
        slot = signed(hashes[index]) & mask
        while table[slot] >= 0 and hashes[table[slot] >> 32] != hashes[index]:
            slot = (slot + 1) & mask
        if table[slot] < 0:
            table[slot] = index << 32 | kinds
            counts[kinds] = 0
            kinds += 1
        counts[table[slot] & 0xFFFFFFFF] += 1
    return kinds


@kernel
def _table_size(words: int) -> int:
    size = 2
    while size < 2 * words:
        size *= 2
    return size


@kernel
def word_variety(first: I64, hashes: U64) -> tuple[I64, F64]:
    """Count the different words of texts and weigh how evenly they occur.

    Args:
        first: int64, one more than texts; the words of text d are numbers `first[d]` to `first[d + 1]`.
        hashes: uint64, one per word.

    Returns:
        int64 different words, and float64 entropy in nats, `sum(-p * log(p))` over the shares p of the different words.
    """
    texts = len(first) - 1
    longest = 1
    for text in range(texts):
        longest = max(longest, first[text + 1] - first[text])
    table, counts = np.empty(_table_size(longest), np.int64), np.empty(longest, np.int64)
    different, entropy = np.zeros(texts, np.int64), np.zeros(texts, np.float64)
    for text in range(texts):
        words = first[text + 1] - first[text]
        part = table[: _table_size(words)]
        different[text] = _occurrences(hashes[first[text] : first[text + 1]], part, counts)
        for kind in range(different[text]):
            share = counts[kind] / words
            entropy[text] -= share * math.log(share)
    return different, entropy


@leaf
def _rows_from(hashes: U64, word: int, stop: int, slots: U64, place: tuple[int, int]) -> int:
    """Return how many listed rows begin at a word; `place` is where the list begins in `slots`, and its mask."""
    row = hashes[word]
    found = meaning(slots, place[0], place[1], row)
    hits = found & WHOLE
    while found & BEGINNING and word + 1 < stop:
        word += 1
        row = join(row, hashes[word])
        found = meaning(slots, place[0], place[1], row)
        hits += found & WHOLE
    return hits


@kernel
def listed_rows(first: I64, hashes: U64, lists: I64, starts: I64, slots: U64) -> I64:
    """Count the rows of words that stand in the list of the text's language.

    Args:
        first: int64, one more than texts; the words of text d are numbers `first[d]` to `first[d + 1]`.
        hashes: uint64, one per word.
        lists: int64, the number of each text's list, -1 for none.
        starts: int64, one more than lists; list l has `slots[starts[l]:starts[l + 1]]`.
        slots: uint64, tables of `filters/kernels/redpajama_lists.py`.

    Returns:
        int64 per text: listed rows, overlapping ones too; -1 where the text has no list.
    """
    texts = len(first) - 1
    counts = np.full(texts, -1, np.int64)
    for text in range(texts):
        if lists[text] < 0:
            continue
        place = starts[lists[text]], starts[lists[text] + 1] - starts[lists[text]] - 1
        hits = 0
        for word in range(first[text], first[text + 1]):
            hits += _rows_from(hashes, word, first[text + 1], slots, place)
        counts[text] = hits
    return counts
