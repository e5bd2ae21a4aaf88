"""The n-grams of a word's characters, as fastText hashes them into buckets.

In:  a word's bytes, and which buckets a model kept.
Out: the numbers of the kept buckets, or of their rows.
Guaranteed: the n-grams are those of `<word>` that begin and end at code points, without `<` and `>` alone, and the
     buckets are fastText's: 32-bit FNV-1a over signed bytes, modulo their number (`computeSubwords` in
     src/dictionary.cc). They come by where they end, not by where they begin; each is there as often as in the word.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, leaf, signed
from filters.kernels.fasttext_words import I64, U8, U64
from filters.kernels.vectors import ONE, below, bit_count

I32 = npt.NDArray[np.int32]

OFFSET, PRIME, MASK = 2166136261, 16777619, 0xFFFFFFFF
SIGN = 0xFFFFFF00
BEGIN, FINISH = 0x3C, 0x3E
"""The bytes `<` and `>` that fastText puts around a word."""

ROOM = 512
"""Kept buckets that are gathered before their rows are added."""


class Ngrams(NamedTuple):
    """How n-grams are hashed, numbers only.

    Args:
        buckets: how many there are; at least 1.
        factor: `(1 << shift) // buckets`, by which to divide.
        shift: 30 + the bits of `buckets`.
        shortest: characters of the shortest n-grams, at least 1.
        longest: characters of the longest n-grams; 0 where there are none.
    """

    buckets: int
    factor: int
    shift: int
    shortest: int
    longest: int


@inlined
def add_signed(state: int, byte: int) -> int:
    """Return the hash behind one more byte; fastText takes it as signed before it makes it 32 bits."""
    return ((state ^ (byte | (SIGN if byte >= 0x80 else 0))) * PRIME) & MASK


@inlined
def bucket_of(state: int, ngrams: Ngrams) -> int:
    """Return `state % buckets`: the quotient by the factor is exact or one too small."""
    rest = state - ((state * ngrams.factor) >> ngrams.shift) * ngrams.buckets
    return rest - ngrams.buckets if rest >= ngrams.buckets else rest


def new_scratch(longest: int) -> I64:
    """Return room for a word: gathered buckets, the hashes of n-grams that may still grow, and how many those are."""
    return np.zeros(ROOM + longest + 1, np.int64)


@inlined
def begin_word(scratch: I64, longest: int) -> None:
    """Put the `<` before a word."""
    scratch[ROOM] = add_signed(OFFSET, BEGIN)
    scratch[ROOM + longest] = 1


@inlined
def grow(scratch: I64, longest: int, byte: int, from_shorter: int) -> None:
    """Let hashes grow by a byte, each from itself, or (1) at the beginning of a character from the next shorter one."""
    for size in range(ROOM + longest - 1, ROOM, -1):
        scratch[size] = add_signed(scratch[size - from_shorter], byte)
    scratch[ROOM] = add_signed(OFFSET if from_shorter else scratch[ROOM], byte)


@leaf
def gather(data: U8, at: int, end: int, kept: U64, ngrams: Ngrams, scratch: I64) -> tuple[int, int]:
    """Gather kept buckets of the word that ends at `end`, from the character at `at` on, while there is room.

    Returns:
        where to go on, behind `end` when all is done, and the number of buckets, which stand first in `scratch`.
    """
    longest = ngrams.longest
    grown, waiting = signed(scratch[ROOM + longest]), 0
    while at <= end and waiting < ROOM - longest:
        least = max(ngrams.shortest - 1, 1 if at == end else 0)
        grow(scratch, longest, signed(data[at]) if at < end else FINISH, 1)
        at += 1
        while at < end and data[at] & 0xC0 == 0x80:
            grow(scratch, longest, signed(data[at]), 0)
            at += 1
        grown = min(grown + 1, longest)
        for size in range(least, grown):
            bucket = bucket_of(scratch[ROOM + size], ngrams)
            scratch[waiting] = bucket
            waiting += signed((kept[bucket >> 6] >> np.uint64(bucket & 63)) & ONE)
    scratch[ROOM + longest] = grown
    return at, waiting


@inlined
def keep(state: int, known: np.uint64, kept: U64, ngrams: Ngrams, scratch: I64, waiting: int) -> int:
    """Gather the bucket of a hash if it was kept (and `known` is 1); return how many buckets are gathered now."""
    bucket = bucket_of(state, ngrams)
    scratch[waiting] = bucket
    return waiting + signed((kept[bucket >> 6] >> np.uint64(bucket & 63)) & known)


@leaf
def gather_two_to_four(data: U8, at: int, end: int, kept: U64, ngrams: Ngrams, scratch: I64) -> tuple[int, int]:
    """Do the work of `gather` for n-grams of two to four characters, as lid.176 has them, in half of its time."""
    one, two = signed(scratch[ROOM]), signed(scratch[ROOM + 1])
    three, grown = signed(scratch[ROOM + 2]), signed(scratch[ROOM + 4])
    waiting = 0
    while at <= end and waiting < ROOM - 4:
        byte = signed(data[at]) if at < end else FINISH
        four, three = add_signed(three, byte), add_signed(two, byte)
        two, one = add_signed(one, byte), add_signed(OFFSET, byte)
        at += 1
        while at < end and data[at] & 0xC0 == 0x80:
            byte = signed(data[at])
            four, three = add_signed(four, byte), add_signed(three, byte)
            two, one = add_signed(two, byte), add_signed(one, byte)
            at += 1
        grown += 1
        waiting = keep(two, ONE, kept, ngrams, scratch, waiting)
        waiting = keep(three, np.uint64(grown >= 3), kept, ngrams, scratch, waiting)
        waiting = keep(four, np.uint64(grown >= 4), kept, ngrams, scratch, waiting)
    scratch[ROOM], scratch[ROOM + 1], scratch[ROOM + 2], scratch[ROOM + 4] = one, two, three, grown
    return at, waiting


@leaf
def number(scratch: I64, count: int, kept: U64, before: I32) -> None:
    """Put in place of gathered buckets how many buckets were kept before each."""
    for place in range(count):
        block, bit = scratch[place] >> 6, np.uint64(scratch[place] & 63)
        scratch[place] = signed(before[block]) + bit_count(kept[block] & below(bit))
