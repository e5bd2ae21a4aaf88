"""Sketches of sets: so few bits that many pairs of sets can be told apart before they are compared.

In:  sets of small numbers.
Out: per set a row of bits; of two rows, whether their sets differ in more values than a given number.
Guaranteed: never wrong where it says so. Each value flips one bit of its set's row, so that two rows differ in at most
     as many bits as their sets differ in values (Sandes, Teodoro and Melo 2020, "Bitmap filter: speeding up exact set
     similarity joins with bitwise operations").
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import leaf
from filters.kernels.rarity import Ordered
from filters.kernels.vectors import bit_count

U64 = npt.NDArray[np.uint64]

BITS_PER_VALUE = 2
"""Bits of a row for each value of a set of mean size, at least; fewer than twice as many."""


def room_for_sketches(sets: int, values: int) -> U64:
    """Make room for the rows of at most so many sets with so many values together."""
    return np.empty(sets + 2 * BITS_PER_VALUE * values // 64 + 1, np.uint64)


@leaf
def sketch(ordered: Ordered, sets: int, rows: U64) -> int:
    """Set `rows` to those of all sets, one after another; return how many words a row has, a power of 2."""
    starts, values = ordered
    words = 1
    while words * 64 * sets < BITS_PER_VALUE * starts[sets]:
        words *= 2
    for word in range(sets * words):
        rows[word] = 0
    for one in range(sets):
        for index in range(starts[one], starts[one + 1]):
            bit = np.uint64(values[index]) & np.uint64(64 * words - 1)
            rows[np.uint64(one * words) + (bit >> np.uint64(6))] ^= np.uint64(1) << (bit & np.uint64(63))
    return words


@leaf
def differ_in_more(rows: U64, words: int, one: int, other: int, most: int) -> bool:
    """Return whether two rows differ in more than `most` bits, and so their sets in more than `most` values."""
    here, there, end = np.uint64(one * words), np.uint64(other * words), np.uint64((one + 1) * words)
    differences = 0
    while here < end and differences <= most:
        differences += bit_count(rows[here] ^ rows[there])
        here += np.uint64(1)
        there += np.uint64(1)
    return differences > most
