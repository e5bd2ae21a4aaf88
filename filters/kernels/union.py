"""Which numbers are connected, by pairs of them: union-find over dense places.

In:  pairs of 64-bit numbers, and all different numbers that stand in them, ascending.
Out: per number the smallest that it is connected with, directly or through others.
Guaranteed: the order of the pairs does not matter; 4 bytes per number for its parent and at most 12 for the table that
     finds its place, whatever the numbers are. Time grows nearly as the pairs do (Tarjan and van Leeuwen 1984,
     "Worst-case analysis of set union algorithms": path halving).
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed

U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]

MOST = (1 << 32) - 2
"""Different numbers that have a place; a slot holds a place and one, or 0."""


def room_for_places(count: int) -> U32:
    """Return the slots of a table for `count` different numbers: a power of two, at least a third of them free."""
    return np.zeros(1 << (count + count // 2 + 1).bit_length(), np.uint32)


@leaf
def _spread(value: np.uint64) -> np.uint64:
    """Return a number whose lower bits depend on all bits (the first steps of MurmurHash3's fmix64)."""
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    return value ^ (value >> np.uint64(33))


@leaf
def _slot_of(value: np.uint64, numbers: U64, slots: U32) -> np.uint64:
    """Return the slot that holds a number's place, or the free one where it belongs."""
    mask = np.uint64(len(slots) - 1)
    slot = _spread(value) & mask
    while slots[slot] != 0 and numbers[np.uint64(slots[slot] - np.uint32(1))] != value:
        slot = (slot + np.uint64(1)) & mask
    return slot


@leaf
def _top_of(place: np.uint64, parents: U32) -> np.uint64:
    """Return the place at the end of the way up, and halve the way."""
    while np.uint64(parents[place]) != place:
        parents[place] = parents[np.uint64(parents[place])]
        place = np.uint64(parents[place])
    return place


@kernel
def keep_different(ascending: U64) -> int:
    """Move each different number of an ascending array to its front, in order; return how many there are."""
    count = np.uint64(0)
    for index in range(len(ascending)):
        if count == np.uint64(0) or ascending[count - np.uint64(1)] != ascending[index]:
            ascending[count] = ascending[index]
            count += np.uint64(1)
    return signed(count)


@kernel
def place_numbers(numbers: U64, slots: U32) -> None:
    """Enter different numbers into a table of free slots."""
    for place in range(len(numbers)):
        slots[_slot_of(numbers[place], numbers, slots)] = np.uint32(place + 1)


@kernel
def unite(left: U64, right: U64, numbers: U64, slots: U32, parents: U32) -> int:
    """Connect both ends of each pair; return how many sets became one with another.

    Args:
        left: uint64[pairs].
        right: uint64[pairs].
        numbers: uint64[numbers], every number of a pair.
        slots: where the place of each is, by `place_numbers`.
        parents: uint32[numbers], at first each its own place; afterwards none is above its own place.
    """
    merges = 0
    for pair in range(len(left)):
        one = np.uint64(slots[_slot_of(left[pair], numbers, slots)] - np.uint32(1))
        other = np.uint64(slots[_slot_of(right[pair], numbers, slots)] - np.uint32(1))
        one, other = _top_of(one, parents), _top_of(other, parents)
        parents[max(one, other)] = np.uint32(min(one, other))
        merges += one != other
    return merges


@kernel
def smallest_of_each(numbers: U64, parents: U32, smallest: U64) -> None:
    """Set `smallest` to the smallest number of the set of each; `parents` are as `unite` leaves them."""
    for place in range(len(numbers)):
        top = parents[np.uint64(parents[place])]
        parents[place] = top
        smallest[place] = numbers[np.uint64(top)]
