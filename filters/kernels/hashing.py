"""64-bit hashes of byte strings, and of hashes in a row.

In:  bytes, or hashes.
Out: uint64 hashes.
Guaranteed: a function of the bytes alone, wherever they lie. These hashes tell words and lines of one document apart;
     nothing stored depends on them.

Eight bytes at a time (little-endian, the last block filled with zeros) are mixed into the state by a multiplication and
a shift, and last the length. Any bits of a hash may choose a place in a table.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined

U8 = npt.NDArray[np.uint8]

SEED = np.uint64(0xCBF29CE484222325)
MIX = np.uint64(0x9E3779B97F4A7C15)
TURN = np.uint64(29)
BITS = np.uint64(64)
ALL = ~np.uint64(0)
WIDTH = 8
SHORT = np.uint64(16)
"""Bytes that `hash_short` takes at most."""


@inlined
def load(data: U8, at: int | np.uint64) -> np.uint64:
    """Return the eight bytes from `at` on, the first one lowest; they must all be there."""
    place = np.uint64(at)
    low = (
        np.uint64(data[place])
        | np.uint64(data[place + np.uint64(1)]) << np.uint64(8)
        | np.uint64(data[place + np.uint64(2)]) << np.uint64(16)
        | np.uint64(data[place + np.uint64(3)]) << np.uint64(24)
    )
    high = (
        np.uint64(data[place + np.uint64(4)]) << np.uint64(32)
        | np.uint64(data[place + np.uint64(5)]) << np.uint64(40)
        | np.uint64(data[place + np.uint64(6)]) << np.uint64(48)
        | np.uint64(data[place + np.uint64(7)]) << np.uint64(56)
    )
    return low | high


@inlined
def add_block(state: np.uint64, block: np.uint64) -> np.uint64:
    """Return the state (first `SEED`) behind one more block."""
    mixed = (state ^ block) * MIX
    return mixed ^ (mixed >> TURN)


@inlined
def finish(state: np.uint64, length: int | np.uint64) -> np.uint64:
    """Return the hash of the bytes that led to `state`, `length` of them."""
    return add_block(state, np.uint64(length))


@inlined
def join(left: np.uint64, right: np.uint64) -> np.uint64:
    """Return the hash of a row of words and the word behind it; the order counts, hence the turn of one side."""
    return add_block(left << TURN | left >> (BITS - TURN), right)


@inlined
def _rest(data: U8, at: int, end: int) -> np.uint64:
    """Return fewer than eight bytes as a block, filled with zeros."""
    if at + WIDTH <= len(data):
        return load(data, at) & ((np.uint64(1) << np.uint64(8 * (end - at))) - np.uint64(1))
    block = np.uint64(0)
    for behind in range(end - at):
        block |= np.uint64(data[at + behind]) << np.uint64(8 * behind)
    return block


@inlined
def hash_bytes(data: U8, start: int, end: int) -> np.uint64:
    """Return the hash of `data[start:end]`."""
    state = SEED
    at = start
    while at + WIDTH <= end:
        state = add_block(state, load(data, at))
        at += WIDTH
    if at < end:
        state = add_block(state, _rest(data, at, end))
    return finish(state, end - start)


@inlined
def hash_short(data: U8, start: np.uint64, size: np.uint64) -> np.uint64:
    """Return `hash_bytes` of 1 to `SHORT` bytes without asking how many; `SHORT` bytes must be there in any case."""
    filled = np.uint64(8) * size
    one = filled < BITS
    low, high = load(data, start), load(data, start + np.uint64(WIDTH))
    first = add_block(SEED, low & ((np.uint64(1) << filled) - np.uint64(1)) if one else low)
    second = add_block(first, high & (ALL >> ((BITS + BITS - filled) & np.uint64(63))))
    return finish(second if filled > BITS else first, size)
