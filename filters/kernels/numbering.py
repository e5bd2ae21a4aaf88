"""Different hashes numbered, in the order in which each comes first.

In:  hashes in a row.
Out: the number of each; equal ones have one number.
Guaranteed: time and the memory that is touched grow with the hashes and with how many of them differ; a table of few
     different hashes stays small, and in the nearer caches, however often they come.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import leaf, signed
from filters.kernels.tables import power_above

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]

Known = tuple[I32, U64]
"""Slots, of which each holds a number or -1, and the hash of each number; `room_to_number` makes them."""

FEW = 1024
"""The table has at first slots for so many different hashes, and is doubled twice whenever it is half full."""


def room_to_number(most: int) -> Known:
    """Make room for at most so many hashes."""
    return np.empty(4 * power_above(2 * most), np.int32), np.empty(most + 1, np.uint64)


@leaf
def _slot_of(known: Known, mask: np.uint64, value: np.uint64) -> np.uint64:
    """Return the slot of a hash, which is empty if it has no number yet."""
    slots, hashes = known
    slot = value & mask
    number = slots[slot]
    while number >= 0 and hashes[np.uint64(number)] != value:
        slot = (slot + np.uint64(1)) & mask
        number = slots[slot]
    return slot


@leaf
def _fill(known: Known, size: int, count: int) -> np.uint64:
    """Make a table of `size` slots for the first `count` numbers; return its mask."""
    slots, hashes = known
    mask = np.uint64(size - 1)
    for slot in range(size):
        slots[slot] = -1
    for number in range(count):
        slots[_slot_of(known, mask, hashes[number])] = number
    return mask


@leaf
def number_hashes(values: U64, count: int, known: Known, numbers: I32) -> int:
    """Set `numbers` to those of `values[:count]`; return how many differ.

    Args:
        values: uint64, hashes.
        count: how many there are.
        known: room for as many; afterwards the hash of each number.
        numbers: int32, is set.
    """
    slots, hashes = known
    size = 2 * power_above(min(count, FEW))
    mask = _fill(known, size, 0)
    differ = np.uint64(0)
    for index in range(count):
        if 2 * signed(differ) >= size:
            size *= 4
            mask = _fill(known, size, signed(differ))
        value = values[index]
        slot = _slot_of(known, mask, value)
        hashes[differ] = value
        is_new = slots[slot] < 0
        number = np.int32(differ) if is_new else slots[slot]
        slots[slot], numbers[index] = number, number
        differ += np.uint64(is_new)
    return signed(differ)
