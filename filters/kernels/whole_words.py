"""Words that are one token, whatever pairs merge: cl100k's and Llama 3's vocabularies are looked up before they merge.

In:  the bytes of all tokens, and which of them count.
Out: a table, and the token that a word is.
Guaranteed: a word is found by its bytes, not by its hash alone.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.wordcache import TOKEN, long_hash

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

ONE, SIX, UPPER, WORD = (np.uint64(number) for number in (1, 6, 40, 63))

Whole = tuple[U64, U64, U8, I64]
"""Words that are one token whatever pairs merge: bits that say which hashes there are; a hash table of the upper 44
bits of a hash, and a token and one; the bytes of all tokens; where each begins, and after them the end. Without such
words there is one start."""


@kernel
def whole_words(tokens: U8, starts: I64, numbers: U32, known: U64, table: U64) -> None:
    """Fill the bits and the table of words that are one token; both must be zeros.

    Args:
        tokens: uint8, the bytes of all tokens, and 8 more.
        starts: int64, where each begins, and after them the end.
        numbers: uint32, those that count.
        known: uint64, a power of 2 of them.
        table: uint64, a power of 2, more than there are tokens.
    """
    last, bits = np.uint64(len(table) - 1), np.uint64(len(known) * 64 - 1)
    for token in numbers:
        mixed = long_hash(tokens, starts[token], starts[token + 1] - starts[token])
        bit = mixed >> UPPER & bits
        known[bit >> SIX] |= ONE << (bit & WORD)
        place = mixed >> ONE & last
        while table[place]:
            place = (place + ONE) & last
        table[place] = mixed & ~TOKEN | (np.uint64(token) + ONE)


@leaf
def as_one(data: U8, at: int, size: int, whole: Whole) -> int:
    """Return the token that a word is, or -1."""
    known, table, tokens, starts = whole
    if len(starts) == 1:
        return -1
    mixed = long_hash(data, at, size)
    bit = mixed >> UPPER & np.uint64(len(known) * 64 - 1)
    if not known[bit >> SIX] >> (bit & WORD) & ONE:
        return -1
    last = np.uint64(len(table) - 1)
    place = mixed >> ONE & last
    while table[place]:
        if (table[place] ^ mixed) & ~TOKEN == 0:
            token = signed(table[place] & TOKEN) - 1
            begin = starts[token]
            same, number = starts[token + 1] - begin == size, 0
            while same and number < size:
                same = tokens[begin + number] == data[at + number]
                number += 1
            if same:
                return token
        place = (place + ONE) & last
    return -1
