"""Components: which documents are linked to each other, directly or through others.

In:  edges: two addresses each.
Out: every address that stands in an edge, and the smallest address of its component.
Guaranteed: the answer depends on the set of edges alone; nothing is said of documents without an edge. In memory, all
     at once: with 16 bytes per edge for the edges themselves and as many for their sorted ends, at most 24 more per
     document, so that 10^8 documents fit one machine.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.union import MOST, keep_different, place_numbers, room_for_places, smallest_of_each, unite

U64 = npt.NDArray[np.uint64]


def components(left: U64, right: U64) -> tuple[U64, U64]:
    """Return every address that stands in an edge, ascending, and the smallest address of its component.

    Args:
        left: uint64[edges], one end of each edge.
        right: uint64[edges], the other, or the same.

    Returns:
        address, root: uint64[documents] each.

    Raises:
        ValueError: the ends differ in number, or more than 4,294,967,294 documents stand in edges.
    """
    if len(left) != len(right):
        raise ValueError(f"{len(left)} left ends of edges, {len(right)} right ends")
    address = _different(left, right)
    root = np.empty_like(address)
    smallest_of_each(address, _parents(left, right, address), root)
    return address, root


def _different(left: U64, right: U64) -> U64:
    """Return all different ends of edges, ascending."""
    ends = np.concatenate([left, right])
    ends.sort()
    count = keep_different(ends)
    if count > MOST:
        raise ValueError(f"{count} documents stand in edges, at most {MOST} can; a narrower scope has fewer")
    ends.resize(count, refcheck=False)
    return ends


def _parents(left: U64, right: U64, address: U64) -> npt.NDArray[np.uint32]:
    """Return the forest that the edges make of the addresses' places."""
    slots = room_for_places(len(address))
    place_numbers(address, slots)
    parents = np.arange(len(address), dtype=np.uint32)
    unite(left, right, address, slots, parents)
    return parents
