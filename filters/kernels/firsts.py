"""How words begin: the tokens of which a word is made before anything merges.

In:  a word, the token of each byte, and of each code point where characters have tokens.
Out: its first tokens; of a small word also what each pair of them becomes.
Guaranteed: a character without a token of its own is the tokens of its bytes.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.bpe import Pairs, Word, merged, set_pair
from filters.kernels.compiled import leaf
from filters.kernels.unicode import decode

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

NO_TOKEN = np.uint32(0xFFFFFFFF)
ONE, EIGHT = np.uint64(1), np.uint64(8)

Firsts = tuple[U32, U32, U64]
"""The token of each byte; the token of each code point, `NO_TOKEN` where its bytes stand for it; what each pair of
bytes becomes (`bpe.pairs_of_bytes`). Without the second (length 0) words begin as bytes; with it only pairs of ASCII
count in the third."""


@leaf
def begin_small(data: U8, at: int, end: int, firsts: Firsts, pairs: Pairs, word: Word) -> int:
    """Write the tokens that a small word begins as, and what each pair of them becomes; return how many."""
    held, of_pairs = word[0], firsts[2]
    count = begin(data, at, end, firsts, held)
    plain = count == end - at
    for number in range(count - 1):
        place = np.uint64(number)
        if plain:
            left, right = np.uint64(data[np.uint64(at) + place]), np.uint64(data[np.uint64(at) + place + ONE])
            set_pair(place, of_pairs[left << EIGHT | right], word)
        else:
            set_pair(place, merged(held[place], held[place + ONE], pairs), word)
    return count


@leaf
def begin(data: U8, at: int, end: int, firsts: Firsts, held: U64 | U32) -> int:
    """Write the tokens that a word begins as; return how many."""
    of_bytes, of_codes, _ = firsts
    count = 0
    if len(of_codes) == 0:
        for place in range(at, end):
            held[count] = of_bytes[data[place]]
            count += 1
        return count
    while at < end:
        code, size = decode(data, at)
        token = of_codes[code]
        if token != NO_TOKEN:
            held[count] = token
            count += 1
        else:
            for place in range(at, at + size):
                held[count] = of_bytes[data[place]]
                count += 1
        at += size
    return count
