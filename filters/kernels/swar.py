"""Eight ASCII bytes looked at in one step: which of them are letters, or end a word.

In:  eight bytes in a uint64, the first one lowest.
Out: a uint64 with the highest bit of each byte set where it is so.
Guaranteed: exact where all eight bytes are ASCII; `unusual` says where that is not so.
"""

import numpy as np

from filters.kernels.compiled import inlined, signed

ONES = np.uint64(0x0101010101010101)
HIGH = np.uint64(0x8080808080808080)
CASE = np.uint64(0x2020202020202020)
FROM_A = np.uint64(0x1F1F1F1F1F1F1F1F)
BEHIND_Z = np.uint64(0x0505050505050505)
TO_SPACE = np.uint64(0x5F5F5F5F5F5F5F5F)


@inlined
def unusual(block: np.uint64) -> np.uint64:
    """Mark bytes that are not ASCII, and those up to the space (0x20)."""
    return (block | ~((block & ~HIGH) + TO_SPACE)) & HIGH


@inlined
def letters(block: np.uint64) -> np.uint64:
    """Mark A to Z and a to z."""
    lower = (block | CASE) & ~HIGH
    return (lower + FROM_A) & ~(lower + BEHIND_Z) & HIGH & ~block


@inlined
def bytes_before(marks: np.uint64) -> int:
    """Return how many bytes stand before the first marked one; `marks` is not 0."""
    lowest = (marks & (~marks + np.uint64(1))) >> np.uint64(7)
    below = (lowest - np.uint64(1)) & ONES
    return signed((below * ONES) >> np.uint64(56))


@inlined
def first_bytes(block: np.uint64, count: int) -> np.uint64:
    """Return a block of which only the first `count` bytes, 0 to 7, are left."""
    return block & ((np.uint64(1) << np.uint64(8 * count)) - np.uint64(1))
