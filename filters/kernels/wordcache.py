"""A cache from words to tokens: short words stand whole in it, longer ones behind a hash and a look at their bytes.

In:  words as bytes, and the tokens that were found for them.
Out: the tokens of a word that was seen before.
Guaranteed: what is found is what was entered for the same bytes, and nothing else; a word may be forgotten for another.

A slot of the first table is 32 bytes, half a cache line: up to 15 bytes of a word with their number, and up to six
tokens of 20 bits with theirs; two slots are looked at for a word. The second table holds hashes, and where in the store
a word and its tokens lie; there stand longer words, and short ones of more tokens, of which the slot says so. A full
store is emptied.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import leaf, signed
from filters.kernels.hashing import load
from filters.kernels.vectors import below

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

SHORT = 15
"""Bytes of a word that a slot holds."""

FEW = 6
"""Tokens that a slot holds."""

LONG = 256
"""Bytes of the longest word that is remembered."""

TOKEN_BITS = 20
"""Bits of a token in a slot."""

SLOT_BITS, LONG_BITS, STORE = 20, 17, 1 << 22
"""Slots, longer words, and numbers in the store, 4 bytes each: 32, 2 and 16 MiB."""

SLOT = 4
ZERO, ONE, TWO, THREE, EIGHT = (np.uint64(number) for number in (0, 1, 2, 3, 8))
BITS20, BITS40, BITS56, BITS60 = (np.uint64(number) for number in (20, 40, 56, 60))
TOKEN = np.uint64((1 << TOKEN_BITS) - 1)
MIX, OTHER_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
SLOT_SHIFT, LONG_SHIFT = np.uint64(65 - SLOT_BITS), np.uint64(64 - LONG_BITS)
ELSEWHERE = np.uint64(15)
"""Stands for the number of tokens in a slot, where they are in the store."""

Cache = tuple[U64, U64, U32, U64]
"""Slots; longer words, (hash, place in the store and one) each; the store; how much of it is used."""


def empty_cache() -> Cache:
    """Return a cache that knows no word."""
    room = np.empty((SLOT << SLOT_BITS) + 8, np.uint64)
    begin = -room.ctypes.data % 64 // 8
    slots = room[begin : begin + (SLOT << SLOT_BITS)]
    slots.fill(0)
    return slots, np.zeros(2 << LONG_BITS, np.uint64), np.empty(STORE, np.uint32), np.zeros(1, np.uint64)


@leaf
def short_key(data: U8, at: int, size: int) -> tuple[np.uint64, np.uint64]:
    """Return a word of 1 to 15 bytes as two numbers: its bytes, zeros, and last their number."""
    low, high = load(data, at), load(data, np.uint64(at) + EIGHT)
    count = np.uint64(size)
    if count < EIGHT:
        return low & below(count << THREE), count << BITS56
    return low, high & below((count - EIGHT) << THREE) | count << BITS56


@leaf
def slot_of(low: np.uint64, high: np.uint64) -> np.uint64:
    """Return where in the slots the first of the two for a short word begins."""
    return ((low ^ high * OTHER_MIX) * MIX >> SLOT_SHIFT) * np.uint64(2 * SLOT)


@leaf
def take_short(slots: U64, place: np.uint64, out: U32, to: int) -> int:
    """Write the tokens of a slot to `out` from `to` on, where there must be room for six; return the place behind.

    It is `to` where the tokens are in the store.
    """
    first, at = slots[place + TWO], np.uint64(to)
    out[at] = np.uint32(first & TOKEN)
    out[at + ONE] = np.uint32(first >> BITS20 & TOKEN)
    out[at + TWO] = np.uint32(first >> BITS40 & TOKEN)
    count = first >> BITS60
    if count > THREE:
        if count == ELSEWHERE:
            return to
        second = slots[place + THREE]
        out[at + THREE] = np.uint32(second & TOKEN)
        out[at + np.uint64(4)] = np.uint32(second >> BITS20 & TOKEN)
        out[at + np.uint64(5)] = np.uint32(second >> BITS40 & TOKEN)
    return to + signed(count)


@leaf
def put_short(slots: U64, key: tuple[np.uint64, np.uint64], tokens: U32, begin: int, end: int) -> None:
    """Enter a short word with its tokens, `tokens[begin:end]`; where there are more than six, that they are elsewhere.

    It takes the first slot of two, and what stood there the second.
    """
    place, first, second = slot_of(key[0], key[1]), np.uint64(end - begin) << BITS60, ZERO
    for number in range(min(end - begin, FEW)):
        token = np.uint64(tokens[begin + number])
        if number < 3:
            first |= token << np.uint64(TOKEN_BITS * number)
        else:
            second |= token << np.uint64(TOKEN_BITS * (number - 3))
    if end - begin > FEW:
        first = ELSEWHERE << BITS60
    for number in range(SLOT):
        slots[place + np.uint64(SLOT + number)] = slots[place + np.uint64(number)]
    slots[place], slots[place + ONE] = key
    slots[place + TWO], slots[place + THREE] = first, second


@leaf
def long_hash(data: U8, at: int, size: int) -> np.uint64:
    """Return a hash of a word of any length, never 0; bytes up to 7 behind it are read."""
    state, place, left = np.uint64(size) * OTHER_MIX, np.uint64(at), np.uint64(size)
    while left >= EIGHT:
        state = (state ^ load(data, place)) * MIX
        state ^= state >> np.uint64(32)
        place += EIGHT
        left -= EIGHT
    state = (state ^ (load(data, place) & below(left << THREE))) * MIX
    return state ^ state >> np.uint64(32) | ONE


@leaf
def take_long(cache: Cache, mixed: np.uint64, word: tuple[U8, int, int], out: U32, to: int) -> int:
    """Write the tokens of a longer word to `out` from `to` on; return the place behind them, -1 where it is not known.

    Args:
        cache: see above.
        mixed: its hash.
        word: the data, where in it the word begins, and its bytes.
        out: uint32.
        to: where there must be room for as many tokens as bytes.
    """
    _, words, store, _ = cache
    data, at, size = word
    place = (mixed * MIX >> LONG_SHIFT) * TWO
    if words[place] != mixed:
        return -1
    begin = words[place + ONE] - ONE
    if store[begin] != size:
        return -1
    count = np.uint64(store[begin + ONE])
    bytes_at = begin + TWO + count
    for number in range((np.uint64(size) + THREE) >> TWO):
        if store[bytes_at + np.uint64(number)] != _four(data, at, size, number):
            return -1
    for number in range(count):
        out[np.uint64(to) + np.uint64(number)] = store[begin + TWO + np.uint64(number)]
    return to + signed(count)


@leaf
def _four(data: U8, at: int, size: int, number: int) -> np.uint32:
    """Return four bytes of a word, zeros behind its end."""
    first = np.uint64(number) << TWO
    left = min(np.uint64(size) - first, np.uint64(4))
    return np.uint32(load(data, np.uint64(at) + first) & below(left << THREE))


@leaf
def put_long(cache: Cache, mixed: np.uint64, word: tuple[U8, int, int], tokens: U32, span: tuple[int, int]) -> None:
    """Enter a longer word, of which `tokens[span[0]:span[1]]` are the tokens; where there is no room, forget all."""
    _, words, store, used = cache
    data, at, size = word
    count, fours = np.uint64(span[1] - span[0]), (np.uint64(size) + THREE) >> TWO
    if used[0] + TWO + count + fours > np.uint64(len(store)):
        used[0] = ZERO
        for number in range(len(words)):
            words[number] = ZERO
    begin = used[0]
    store[begin], store[begin + ONE] = np.uint32(size), np.uint32(count)
    for number in range(count):
        store[begin + TWO + np.uint64(number)] = tokens[np.uint64(span[0]) + np.uint64(number)]
    for number in range(fours):
        store[begin + TWO + count + np.uint64(number)] = _four(data, at, size, number)
    place = (mixed * MIX >> LONG_SHIFT) * TWO
    words[place], words[place + ONE] = mixed, begin + ONE
    used[0] = begin + TWO + count + fours
