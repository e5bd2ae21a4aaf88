"""Merging: the tokens of one word by byte-pair encoding.

In:  the first tokens of a word, and which pairs of tokens become one, the lowest rank first.
Out: its tokens.
Guaranteed: again and again the pair of lowest rank is merged, the leftmost of equal ones, until none is left; time
     grows no worse than n log n with the length of a word.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import apart, kernel, leaf, signed
from filters.kernels.tables import power_above
from filters.kernels.vectors import below, highest, lowest

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]

SMALL = 64
"""Tokens of a word that are looked over at each merge; more are held in a heap."""

LANES = 8
"""Ranks looked over in one step: as many as a vector holds."""

MIX = np.uint64(0x9E3779B97F4A7C15)
ONE, SIX, BITS32, WORD = np.uint64(1), np.uint64(6), np.uint64(32), np.uint64(63)
LOW32 = np.uint64(0xFFFFFFFF)
NO_PAIR = ~np.uint64(0)
NONE32 = np.uint32(0xFFFFFFFF)

PART = np.uint64(20)
"""Bits of a token in the key of a pair."""

Pairs = tuple[U64, U64]
"""Which pairs merge: bits that say which hashes there are; and a hash table whose entries are two numbers side by side,
`left << 20 | right` and `rank << 32 | token`. Only a pair that merges is looked for beyond the bits, but for one in
twenty."""

Word = tuple[U64, U32, U32]
"""Room for a small word: its tokens, and by place the rank of the pair that begins there with the place below it, and
what it becomes. Ranks behind the word, up to a multiple of `LANES`, are no pair's."""

Long = tuple[U32, I32, I32, U64]
"""Room for a long word: its tokens, the places before and behind each, and a heap of twice as many pairs."""


def room_for_small() -> Word:
    """Make room for a word of at most 64 tokens."""
    return np.empty(SMALL, np.uint64), np.empty(SMALL, np.uint32), np.empty(SMALL, np.uint32)


def room_for_long(count: int) -> Long:
    """Make room for a word of at most `count` tokens."""
    tokens = np.empty(count, np.uint32)
    return tokens, np.empty(count, np.int32), np.empty(count, np.int32), np.empty(2 * count, np.uint64)


def pairs_of(left: U64, right: U64, rank: U64, token: U64) -> Pairs:
    """Return the table of pairs.

    Args:
        left: uint64, less than 2^20; each pair once, fewer than 2^20 of them.
        right: likewise.
        rank: less than 2^26.
        token: what the pair becomes.
    """
    size = power_above(3 * len(left) // 2)
    table, known = np.full(2 * size, NO_PAIR, np.uint64), np.zeros(max(size // 8, 1), np.uint64)
    _enter(left << PART | right, rank << BITS32 | token, known, table)
    return known, table


@leaf
def _hash(key: np.uint64) -> np.uint64:
    mixed = key * MIX
    return mixed ^ (mixed >> BITS32)


@kernel
def pairs_of_bytes(tokens: U32, pairs: Pairs) -> U64:
    """Return `rank << 32 | token` of each pair of bytes, `NO_PAIR` where it does not merge, by `left << 8 | right`.

    Args:
        tokens: uint32[256], the token of each byte.
        pairs: which pairs merge.
    """
    found = np.empty(1 << 16, np.uint64)
    for pair in range(1 << 16):
        found[pair] = merged(np.uint64(tokens[pair >> 8]), np.uint64(tokens[pair & 0xFF]), pairs)
    return found


@kernel
def _enter(keys: U64, values: U64, known: U64, table: U64) -> None:
    """Fill the bits and the table."""
    last, bits = np.uint64(len(table) // 2 - 1), np.uint64(len(known) * 64 - 1)
    for number in range(len(keys)):
        mixed = _hash(keys[number])
        bit = mixed & bits
        known[bit >> SIX] |= ONE << (bit & WORD)
        place = mixed >> BITS32 & last
        while table[place << ONE] != NO_PAIR:
            place = (place + ONE) & last
        table[place << ONE], table[(place << ONE) + ONE] = keys[number], values[number]


@leaf
def merged(left: np.uint64, right: np.uint64, pairs: Pairs) -> np.uint64:
    """Return `rank << 32 | token` of a pair; `NO_PAIR` where it does not merge."""
    known, table = pairs
    key = left << PART | right
    mixed = _hash(key)
    bit = mixed & np.uint64(len(known) * 64 - 1)
    if not known[bit >> SIX] >> (bit & WORD) & ONE:
        return NO_PAIR
    last = np.uint64(len(table) // 2 - 1)
    place = mixed >> BITS32 & last
    while table[place << ONE] != key:
        if table[place << ONE] == NO_PAIR:
            return NO_PAIR
        place = (place + ONE) & last
    value: np.uint64 = table[(place << ONE) + ONE]
    return value


@leaf
def set_pair(at: np.uint64, value: np.uint64, word: Word) -> None:
    """Note what the pair that begins at a place becomes."""
    _, ranks, tokens = word
    ranks[at] = NONE32 if value == NO_PAIR else np.uint32((value >> BITS32) << SIX | at)
    tokens[at] = np.uint32(value & LOW32)


@leaf
def _least(ranks: U32, steps: np.uint64) -> np.uint32:
    """Return the least of the first ranks, `LANES` in a step."""
    least = NONE32
    for step in range(steps):
        for lane in range(LANES):
            least = min(least, ranks[np.uint64(step) * np.uint64(LANES) + np.uint64(lane)])
    return least


@leaf
def merge_small(count: int, word: Word, pairs: Pairs, out: U32, to: int) -> int:
    """Merge at most 64 tokens, and write what they become to `out` from `to` on; return the place behind them.

    Args:
        count: of the tokens.
        word: holds them, and what each pair of them becomes.
        pairs: which pairs merge.
        out: uint32.
        to: where there is room for as many tokens.
    """
    held, ranks, tokens = word
    alive = below(np.uint64(count))
    steps = (np.uint64(count) + np.uint64(LANES - 1)) // np.uint64(LANES)
    for place in range(np.uint64(count - 1), steps * np.uint64(LANES)):
        ranks[place] = NONE32
    while True:
        least = _least(ranks, steps)
        if least == NONE32:
            break
        at = np.uint64(least) & WORD
        gone = lowest(alive & ~below(at + ONE))
        held[at] = np.uint64(tokens[at])
        alive &= ~(ONE << gone)
        ranks[gone] = NONE32
        after = alive & ~below(at + ONE)
        value = merged(held[at], held[lowest(after)], pairs) if after else NO_PAIR
        set_pair(at, value, word)
        before = alive & below(at)
        if before:
            left = highest(before)
            set_pair(left, merged(held[left], held[at], pairs), word)
    while alive:
        out[np.uint64(to)] = np.uint32(held[lowest(alive)])
        to += 1
        alive &= alive - ONE
    return to


@leaf
def _up(heap: U64, place: int) -> None:
    """Let a value of a heap rise to its place."""
    value = heap[place]
    while place > 0 and heap[(place - 1) >> 1] > value:
        heap[place] = heap[(place - 1) >> 1]
        place = (place - 1) >> 1
    heap[place] = value


@leaf
def _down(heap: U64, size: int) -> None:
    """Let the first value of a heap sink to its place."""
    value, place = heap[0], 0
    child = 1
    while child < size:
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place, child = child, 2 * child + 1
    heap[place] = value


@apart
def merge_long(count: int, word: Long, pairs: Pairs, out: U32, to: int) -> int:
    """Merge any number of tokens, and write what they become to `out` from `to` on; return the place behind them.

    The heap holds `rank << 32 | place` of pairs. One that has changed since is known by its rank, and left alone.
    """
    held, before, after, heap = word
    size = 0
    for place in range(count):
        before[place], after[place] = place - 1, place + 1
    for place in range(count - 1):
        value = merged(np.uint64(held[place]), np.uint64(held[place + 1]), pairs)
        if value != NO_PAIR:
            heap[size] = value >> BITS32 << BITS32 | np.uint64(place)
            size += 1
            _up(heap, size - 1)
    while size:
        first = heap[0]
        size -= 1
        heap[0] = heap[size]
        _down(heap, size)
        at = signed(first & LOW32)
        gone = signed(after[at])
        if gone >= count or gone < 0:
            continue
        value = merged(np.uint64(held[at]), np.uint64(held[gone]), pairs)
        if value == NO_PAIR or value >> BITS32 != first >> BITS32:
            continue
        held[at] = np.uint32(value & LOW32)
        behind = signed(after[gone])
        after[at], after[gone] = behind, -1
        if behind < count:
            before[behind] = at
            size = _push(heap, size, merged(np.uint64(held[at]), np.uint64(held[behind]), pairs), at)
        if before[at] >= 0:
            left = signed(before[at])
            size = _push(heap, size, merged(np.uint64(held[left]), np.uint64(held[at]), pairs), left)
    at = 0
    while at < count:
        out[to] = held[at]
        to += 1
        at = signed(after[at])
    return to


@leaf
def _push(heap: U64, size: int, value: np.uint64, place: int) -> int:
    """Put a pair into the heap, if it merges; return the heap's size."""
    if value == NO_PAIR:
        return size
    heap[size] = value >> BITS32 << BITS32 | np.uint64(place)
    _up(heap, size)
    return size + 1
