"""Which lengths share a bin: best-fit decreasing, by counting.

In:  lengths, none longer than a bin; the capacity of a bin.
Out: for each length the number of its bin, and for each bin the length that opened it, which is its longest.
Guaranteed: the longest is placed first (of equals, the earlier), each where it leaves the least room; a bin is opened
     only where none has room. Of bins with equal rooms, the one that came to it last is taken. Time grows with lengths
     x log2(capacity), memory with both; no sort of numbers, no search over bins.

Best-fit decreasing packs sequences in Ding et al. 2024, "Fewer Truncations Improve Language Modeling", algorithm 1.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

NONE = -1


@kernel
def counting_order(values: I64, limit: int) -> I64:
    """Return the places of `values`, each at least 0 and below `limit`, in ascending order; of equals, the earlier."""
    next_place = np.zeros(limit + 1, np.int64)
    for place in range(len(values)):
        next_place[values[place] + 1] += 1
    for value in range(limit):
        next_place[value + 1] += next_place[value]
    order = np.empty(len(values), np.int64)
    for place in range(len(values)):
        order[next_place[values[place]]] = place
        next_place[values[place]] += 1
    return order


@kernel
def _no_room(capacity: int) -> Flags:
    """Return the tree of rooms, from 0 to `capacity`, that no bin has."""
    leaves = 1
    while leaves <= capacity:
        leaves <<= 1
    return np.zeros(2 * leaves, np.bool_)


@leaf
def _least_room(present: Flags, leaves: int, wanted: int) -> int:
    """Return the smallest room of at least `wanted` that some bin has, or NONE.

    `present` is a binary tree: leaf `leaves + room` says whether a bin has that room, a node whether one below it does.
    """
    node = leaves + wanted
    while not present[node]:
        while node & 1:
            node >>= 1
        if node == 0:
            return NONE
        node += 1
    while node < leaves:
        node <<= 1
        node += not present[node]
    return node - leaves


@leaf
def _enter(present: Flags, node: int) -> None:
    """Say that a leaf, and so every node above it, is there."""
    while node > 0 and not present[node]:
        present[node] = True
        node >>= 1


@leaf
def _remove(present: Flags, node: int) -> None:
    """Say that a leaf is there no longer, nor the nodes above it that had nothing else below."""
    present[node] = False
    while node > 1 and not present[node ^ 1]:
        node >>= 1
        present[node] = False


@leaf
def _take_newest(room: int, newest: I32, below: I32, present: Flags) -> int:
    """Return the bin that came last to a room, and take it from there."""
    taken: int = newest[room]
    newest[room] = below[taken]
    if newest[room] == NONE:
        _remove(present, len(present) // 2 + room)
    return taken


@leaf
def _put(taken: int, room: int, newest: I32, below: I32, present: Flags) -> None:
    """Say that a bin has come to a room."""
    below[taken] = newest[room]
    newest[room] = taken
    _enter(present, len(present) // 2 + room)


@kernel
def fill_bins(lengths: I64, order: I64, capacity: int) -> tuple[I64, I64]:
    """Place lengths in bins, each where it leaves the least room.

    Args:
        lengths: each at least 1 and at most `capacity`; fewer than 2^31.
        order: their places, the longest first.
        capacity: what a bin holds.

    Returns:
        int64[lengths], the bin of each; int64[bins], the place of the length that opened it.
    """
    present = _no_room(capacity)
    newest, below = np.full(capacity + 1, NONE, np.int32), np.empty(len(lengths), np.int32)
    bins, openers = np.empty(len(lengths), np.int64), np.empty(len(lengths), np.int64)
    count = 0
    for place in order:
        room = _least_room(present, len(present) // 2, lengths[place])
        if room == NONE:
            bins[place], room = count, capacity
            openers[count] = place
            count += 1
        else:
            bins[place] = _take_newest(room, newest, below, present)
        if room > lengths[place]:
            _put(bins[place], room - lengths[place], newest, below, present)
    return bins, openers[:count].copy()
