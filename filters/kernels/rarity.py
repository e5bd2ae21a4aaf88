"""Values of many sets numbered by how rare they are, and each set in that order.

In:  sets of 64-bit hashes.
Out: per set its values' ranks, ascending: what few sets have comes first.
Guaranteed: linear in the number of values; no sorting by comparison. Which of two equally rare values comes first is
     the order in which the sets name them.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.numbering import Known, number_hashes

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]

Ordered = tuple[I32, I32]
"""Where each set begins, and after them the end; ranks, ascending in each set."""

Counts = tuple[I32, I32, I32, I32, I32]
"""Room: of each number how many sets have it, and its rank; where each rank begins; the sets that have each rank; how
many numbers are in so many sets."""


def room_to_order(sets: int, values: int) -> tuple[Ordered, Counts]:
    """Make room for at most so many sets, which have so many values together."""
    ordered = np.empty(sets + 1, np.int32), np.empty(values, np.int32)
    many, ranks, begins, holders = (np.empty(values + 1, np.int32) for _ in range(4))
    return ordered, (many, ranks, begins, holders, np.empty(sets + 3, np.int32))


@leaf
def _count(numbers: I32, values: int, different: int, many: I32) -> None:
    """Count how often each number comes."""
    for number in range(different):
        many[number] = 0
    for index in range(values):
        many[np.uint64(numbers[index])] += 1


@leaf
def _rank(many: I32, different: int, most: int, ranks: I32, next_rank: I32) -> int:
    """Set `ranks` of numbers by how many sets have them, at most `most`; return how many are in one."""
    for held in range(most + 2):
        next_rank[held] = 0
    for number in range(different):
        next_rank[min(many[number], most) + 1] += 1
    once = signed(next_rank[2])
    for held in range(most + 1):
        next_rank[held + 1] += next_rank[held]
    for number in range(different):
        held = min(many[number], most)
        ranks[number] = next_rank[held]
        next_rank[held] += 1
    return once


@leaf
def _begin(many: I32, ranks: I32, different: int, begins: I32) -> None:
    """Set `begins` to where the sets of each rank begin if they stand in a row by rank."""
    for number in range(different):
        begins[ranks[number] + 1] = many[number]
    begins[0] = 0
    for rank in range(different):
        begins[rank + 1] += begins[rank]


@leaf
def _turn(ordered: Ordered, sets: int, ranks: I32, begins: I32, holders: I32) -> None:
    """Set `holders` to the sets that have each rank, by rank; `begins` moves on to where the next rank begins."""
    starts, numbers = ordered
    for one in range(sets):
        for index in range(starts[one], starts[one + 1]):
            rank = np.uint64(ranks[np.uint64(numbers[index])])
            holders[np.uint64(begins[rank])] = one
            begins[rank] += 1


@leaf
def _turn_back(ordered: Ordered, sets: int, different: int, ends: I32, holders: I32) -> None:
    """Set the ranks of each set, ascending, from the sets that have each rank; `starts` are used up and set again."""
    starts, ranks = ordered
    begin = 0
    for rank in range(different):
        for index in range(begin, ends[rank]):
            one = np.uint64(holders[index])
            ranks[np.uint64(starts[one])] = rank
            starts[one] += 1
        begin = ends[rank]
    for after in range(sets, 0, -1):
        starts[after] = starts[after - 1]
    starts[0] = 0


@kernel
def rarest_first(first: I64, hashes: U64, known: Known, ordered: Ordered, counts: Counts) -> tuple[int, int]:
    """Order each set's values by how many of the sets have them.

    Args:
        first: int64[sets + 1], where in `hashes` each set begins, and after them the end; not all sets are empty.
        hashes: uint64, different ones in each set.
        known: room to number as many.
        ordered: is set.
        counts: room.

    Returns:
        How many different values there are, and how many of them, the first ranks, are in one set only.
    """
    sets, base = len(first) - 1, first[0]
    values = first[sets] - base
    starts, numbers = ordered
    many, ranks, begins, holders, next_rank = counts
    for one in range(sets + 1):
        starts[one] = first[one] - base
    different = number_hashes(hashes[base:], values, known, numbers)
    _count(numbers, values, different, many)
    once = _rank(many, different, sets, ranks, next_rank)
    _begin(many, ranks, different, begins)
    _turn(ordered, sets, ranks, begins, holders)
    _turn_back(ordered, sets, different, begins, holders)
    return different, once
