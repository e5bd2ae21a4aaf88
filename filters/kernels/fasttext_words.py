"""The words that fastText sees, and a table of those that it knows.

In:  UTF-8 bytes.
Out: where a word ends, and its key: 128 bits that stand for its bytes.
Guaranteed: words end at the seven bytes at which fastText ends them (`readWord` in src/dictionary.cc), and at no
     other white space. Words of up to 16 bytes have equal keys only if they are equal; longer words have a hash of
     119 bits, which is the key of no shorter word.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import inlined, kernel, leaf, signed
from filters.kernels.hashing import load
from filters.kernels.swar import HIGH, bytes_before, first_bytes

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

SPACE = 0x20
"""No byte above it ends a word."""

ABOVE_SPACE = np.uint64(0x2121212121212121)

ZERO, BYTE, HALF, WHOLE = np.uint64(0), np.uint64(8), np.uint64(64), np.uint64(128)
FIRST_FACTOR, SECOND_FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
FIRST_TURN, SECOND_TURN = np.uint64(29), np.uint64(32)
LOW_BYTE, TOP_BIT = np.uint64(0xFF), np.uint64(1 << 63)


@inlined
def ends_word(byte: np.uint8) -> bool | np.bool_:
    r"""Return whether fastText ends a word here: at NUL, \t, \n, \v, \f, \r or a space."""
    return byte <= SPACE and (byte == SPACE or byte == 0 or 9 <= byte <= 13)  # noqa: PLR1714 - no sets in kernels


@inlined
def fold(first: np.uint64, second: np.uint64, low: np.uint64, high: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the state of a long word's hash behind 16 more bytes; every state and every 16 bytes count fully."""
    left = (first ^ low) * FIRST_FACTOR
    left ^= left >> FIRST_TURN
    right = (second ^ high) * SECOND_FACTOR
    right ^= right >> SECOND_TURN
    return left + right, left + right + right


@inlined
def up_to_space(block: np.uint64) -> np.uint64:
    """Mark bytes up to the space (0x20); behind the first mark, others may be marked, too."""
    return (block - ABOVE_SPACE) & ~block & HIGH


@leaf
def read_slowly(data: U8, start: int, stop: int) -> tuple[int, np.uint64, np.uint64]:
    """Do the work of `next_word` byte by byte, for any word."""
    low = high = first = second = shift = ZERO
    at = start
    while at < stop and not ends_word(data[at]):
        byte = np.uint64(data[at])
        if shift == WHOLE:
            first, second = fold(first, second, low, high)
            low, high, shift = ZERO, ZERO, ZERO
        if shift < HALF:
            low |= byte << shift
        else:
            high |= byte << (shift - HALF)
        shift += BYTE
        at += 1
    if at - start > 16:
        low, high = fold(first, second, low, high)
        high = (high & ~LOW_BYTE) | TOP_BIT
    return at, low, high


@leaf
def next_word(data: U8, start: int, stop: int) -> tuple[int, np.uint64, np.uint64]:
    """Read the word that begins at `start`; of up to 15 bytes, in one or two steps.

    Words hold no NUL, so bytes behind the end of a short word can be NULs without taking it for another; in the key of
    a long word NUL stands before something else, which no short word has.

    Returns:
        the byte behind the word, and the two halves of its key, never both 0.
    """
    if start + 16 <= stop:
        block = load(data, start)
        marks = up_to_space(block)
        if marks != ZERO:
            size = bytes_before(marks)
            if ends_word(data[start + size]):
                return start + size, first_bytes(block, size), ZERO
            return read_slowly(data, start, stop)
        behind = load(data, start + 8)
        marks = up_to_space(behind)
        if marks != ZERO:
            size = bytes_before(marks)
            if ends_word(data[start + 8 + size]):
                return start + 8 + size, block, first_bytes(behind, size)
    return read_slowly(data, start, stop)


@inlined
def place(low: np.uint64, high: np.uint64, slots: int) -> int:
    """Return the slot of a key in a table; the number of slots is a power of two."""
    mixed = ((low * FIRST_FACTOR) ^ high) * SECOND_FACTOR
    return signed(mixed >> SECOND_TURN) & (slots - 1)


@leaf
def look_up(table: U64, low: np.uint64, high: np.uint64) -> int:
    """Return the slot of a key in an open table, uint64[slots, 3], or the free slot where it belongs."""
    slot = place(low, high, len(table))
    while (table[slot, 0] | table[slot, 1]) != ZERO and (table[slot, 0] != low or table[slot, 1] != high):
        slot = (slot + 1) & (len(table) - 1)
    return slot


@kernel
def enter(table: U64, names: U8, ends: I64, values: I64) -> None:
    """Put names into an open table that has room for them; of equal names the first stays, and none that is no word.

    Args:
        table: uint64[slots, 3], the halves of keys and the values.
        names: uint8[bytes], name i is `names[ends[i]:ends[i + 1]]`.
        ends: int64[names + 1].
        values: int64[names].
    """
    for number in range(len(values)):
        at, low, high = next_word(names, ends[number], ends[number + 1])
        slot = look_up(table, low, high)
        if at == ends[number + 1] and table[slot, 0] | table[slot, 1] == ZERO:
            table[slot, 0], table[slot, 1], table[slot, 2] = low, high, np.uint64(values[number])
