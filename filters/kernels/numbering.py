"""Different hashes numbered, in the order in which each comes first; and then pairs of such numbers.

In:  hashes in a row, or numbers.
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

I64 = npt.NDArray[np.int64]

Known = tuple[I32, U64]
"""Slots, of which each holds a number or -1, and the hash of each number; `room_to_number` makes them."""

Pairing = tuple[I32, I32, Known, I32]
"""Of each number the first one that followed it, and the number of that pair; of other pairs a table, and numbers."""

SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that different pairs stay different (Knuth, The Art of Computer Programming, volume 3, section 6.4)."""

FEW = 1024
"""The table has at first slots for so many different hashes, and is doubled twice whenever it is half full."""


def room_to_number(most: int) -> Known:
    """Make room for at most so many hashes."""
    return np.empty(4 * power_above(2 * most), np.int32), np.empty(most + 1, np.uint64)


def room_to_pair(most: int) -> Pairing:
    """Make room to number pairs of at most so many numbers."""
    return np.empty(most, np.int32), np.empty(most, np.int32), room_to_number(most), np.empty(most, np.int32)


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
def _entered(known: Known, table: tuple[np.uint64, int], value: np.uint64) -> tuple[int, np.uint64, int]:
    """Look a hash up, and give it the next number if it has none; return its number, and what has become of `table`.

    Args:
        known: the slots, and the hash of each number.
        table: mask of the slots, and how many hashes have a number.
        value: the hash.
    """
    slots, hashes = known
    mask, differ = table
    if 2 * differ > signed(mask):
        mask = _fill(known, 4 * (signed(mask) + 1), differ)
    slot = _slot_of(known, mask, value)
    hashes[np.uint64(differ)] = value
    is_new = slots[slot] < 0
    number = differ if is_new else signed(slots[slot])
    slots[slot] = number
    return number, mask, differ + is_new


@leaf
def number_hashes(values: U64, count: int, known: Known, numbers: I32) -> int:
    """Set `numbers` to those of `values[:count]`; return how many differ.

    Args:
        values: uint64, hashes.
        count: how many there are.
        known: room for as many; afterwards the hash of each number.
        numbers: int32, is set.
    """
    differ, mask = 0, _fill(known, 2 * power_above(min(count, FEW)), 0)
    for index in range(count):
        numbers[index], mask, differ = _entered(known, (mask, differ), values[index])
    return differ


@leaf
def number_pairs(numbers: I32, places: I64, count: int, differ: int, room: Pairing) -> tuple[int, int]:
    """Number pairs of numbers that stand side by side: in place, and `places` to those of the pairs.

    Most numbers are always followed by the same one; only what follows in another way is looked up in a table.

    Args:
        numbers: int32, those of some places.
        places: int64, ascending; a pair is two places of which the second is the next whole number.
        count: how many places there are.
        differ: how many numbers there are.
        room: for as many numbers.

    Returns:
        how many pairs there are, and how many of them differ.
    """
    follower, of_pair, known, others = room
    for number in range(differ):
        follower[number] = -1
    kept = fresh = 0
    others_known, mask = 0, _fill(known, 2 * power_above(min(count, FEW)), 0)
    for index in range(count - 1):
        if places[index + 1] != places[index] + 1:
            continue
        left, right = np.uint64(numbers[index]), numbers[index + 1]
        if follower[left] < 0:
            follower[left], of_pair[left] = right, fresh
            number, fresh = of_pair[left], fresh + 1
        elif follower[left] == right:
            number = of_pair[left]
        else:
            pair = (left << np.uint64(32) | np.uint64(right)) * SPREAD
            entry, mask, others_after = _entered(known, (mask, others_known), pair ^ pair >> np.uint64(32))
            if others_after > others_known:
                others[np.uint64(entry)], others_known, fresh = fresh, others_after, fresh + 1
            number = others[np.uint64(entry)]
        numbers[kept], places[kept] = number, places[index]
        kept += 1
    return kept, fresh
