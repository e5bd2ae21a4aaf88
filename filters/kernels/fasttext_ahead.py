"""The next words that fastText sees, cut sixty-four bytes at a time, and asked for in memory before they are looked up.

In:  UTF-8 bytes, and a cache of words.
Out: notes: where each word lies, its key, and its slot in the cache.
Guaranteed: the words and keys of `fasttext_words.next_word`, in their order.
"""

import numpy as np

from filters.kernels.compiled import leaf, signed
from filters.kernels.fasttext_words import U8, U64, ZERO, next_word, place
from filters.kernels.hashing import load
from filters.kernels.vectors import NOTHING, ONE, STEP, below, fasttext_ends, fetch, lowest

AHEAD = 32
"""Words that are noted before the first of them is looked up, if the text has them."""

MOST = 32
"""No more words end in one step."""

SHORT, EIGHT = np.uint64(16), np.uint64(8)
"""Bytes of a word whose key is its bytes, and of half of a key."""

SLACK = int(STEP + SHORT)
"""Bytes that must be there from where a step begins."""

LINE = np.uint64(8)
"""Numbers of a cache line."""

BEGIN, END, LOW, HIGH, SLOT = range(5)
"""Columns of a note."""


def room_for_notes() -> U64:
    """Make room for words that are looked at ahead: uint64[words, 5]."""
    return np.zeros((AHEAD + MOST, 5), np.uint64)


@leaf
def _note(word: tuple[int, int], key: tuple[np.uint64, np.uint64], keys: U64, notes: U64, count: int) -> int:
    """Note a word, and ask for both cache lines of its slot; return how many words are noted now."""
    row, slot = np.uint64(count), np.uint64(place(key[0], key[1], len(keys)))
    first = slot * np.uint64(keys.shape[1])
    fetch(keys, first)
    fetch(keys, first + LINE)
    notes[row, BEGIN], notes[row, END] = np.uint64(word[0]), np.uint64(word[1])
    notes[row, LOW], notes[row, HIGH], notes[row, SLOT] = key[0], key[1], slot
    return count + 1


@leaf
def _key(data: U8, at: np.uint64, size: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the key of a word; `SHORT` bytes must be there."""
    if size > SHORT:
        _, low, high = next_word(data, signed(at), signed(at + size))
        return low, high
    if size > EIGHT:
        return load(data, at), load(data, at + EIGHT) & below((size - EIGHT) * EIGHT)
    return load(data, at) & below(size * EIGHT), ZERO


@leaf
def _one(data: U8, at: int, stop: int, keys: U64, notes: U64, count: int) -> tuple[int, int]:
    """Note the word that stands here, of any length, or pass over a byte that ends words."""
    end, low, high = next_word(data, at, stop)
    if end == at:
        return at + 1, count
    return end, _note((at, end), (low, high), keys, notes, count)


@leaf
def _step(data: U8, at: int, stop: int, keys: U64, notes: U64, count: int) -> tuple[int, int]:
    """Note the words that end in a step; return where to go on, and how many words are noted now."""
    if at + SLACK > len(data):
        return _one(data, at, stop, keys, notes, count)
    left = min(np.uint64(stop - at), STEP)
    filled = ~fasttext_ends(data, np.uint64(at)) & below(left)
    ends = ~filled & (filled << ONE)
    if not ends:
        if filled & ONE:
            return _one(data, at, stop, keys, notes, count)
        return at + signed(min(lowest(filled), left)), count
    begins, behind = filled & ~(filled << ONE), NOTHING
    while ends:
        begin, behind = lowest(begins), lowest(ends)
        begins, ends = begins & (begins - ONE), ends & (ends - ONE)
        first, size = np.uint64(at) + begin, behind - begin
        word = (signed(first), signed(first + size))
        count = _note(word, _key(data, first, size), keys, notes, count)
    return at + signed(behind), count


@leaf
def look_ahead(data: U8, at: int, stop: int, keys: U64, notes: U64) -> tuple[int, int]:
    """Note the next words of `data[at:stop]`, and ask for their slots.

    Args:
        data: uint8, texts; words do not go beyond `stop`.
        at: where no word began before.
        stop: where the text ends.
        keys: uint64[slots, numbers], the cache; the number of slots is a power of two.
        notes: is filled (`room_for_notes`).

    Returns:
        where to go on, and how many words are noted.
    """
    count = 0
    while at < stop and count < AHEAD:
        at, count = _step(data, at, stop, keys, notes, count)
    return at, count
