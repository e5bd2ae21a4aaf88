"""Lists of words, and of rows of words, that kernels ask: open addressing in arrays of a power of 2.

In:  64-bit hashes.
Out: tables, and what they say of a hash.
Guaranteed: half of a table's places or more are empty. The two lowest bits of a hash give way to what it stands for.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.hashing import hash_bytes, join

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

WHOLE, BEGINNING = 1, 2
"""What a hash stands for: an entry, and the first words of a longer one. It can be both."""

MEANING = np.uint64(WHOLE | BEGINNING)
BITS = np.uint64(2)


@leaf
def _place(slots: U64, start: int, mask: int, value: np.uint64) -> int:
    """Return where a hash lies in the table of `mask + 1` slots from `start` on, or the empty place where it would."""
    at = signed(value >> BITS) & mask
    while slots[start + at] != 0 and (slots[start + at] ^ value) > MEANING:
        at = (at + 1) & mask
    return start + at


@leaf
def meaning(slots: U64, start: int, mask: int, value: np.uint64) -> int:
    """Return WHOLE, BEGINNING, both, or 0 for a hash that the table does not hold."""
    return signed(slots[_place(slots, start, mask, value)] & MEANING)


@kernel
def table_of(values: U64, meanings: U8) -> U64:
    """Return the table of hashes, each with what it stands for."""
    size = 2
    while size < 2 * len(values):
        size *= 2
    table = np.zeros(size, np.uint64)
    for number in range(len(values)):
        place = _place(table, 0, size - 1, values[number])
        table[place] |= values[number] & ~MEANING | np.uint64(meanings[number])
    return table


@kernel
def word_entries(data: U8, offsets: I64) -> tuple[U64, U8]:
    """Return the hash of the bytes of each entry, and that it stands for the whole of it."""
    hashes = np.empty(len(offsets) - 1, np.uint64)
    for entry in range(len(hashes)):
        hashes[entry] = hash_bytes(data, offsets[entry], offsets[entry + 1])
    return hashes, np.full(len(hashes), WHOLE, np.uint8)


@kernel
def row_entries(first: I64, hashes: U64) -> tuple[U64, U8]:
    """Return the joined hash of the first one, two, ... words of each entry, and what each stands for."""
    rows, meanings = hashes.copy(), np.full(len(hashes), BEGINNING, np.uint8)
    for entry in range(len(first) - 1):
        for word in range(first[entry] + 1, first[entry + 1]):
            rows[word] = join(rows[word - 1], hashes[word])
        meanings[first[entry + 1] - 1] = WHOLE
    return rows, meanings
