"""Verification: no document falls on a matching band alone, only on its shingles.

In:  the shingles of the members of components, best rank first.
Out: per member the survivor that it falls for, or itself; their exact Jaccard similarity; for how many that one stays.
Guaranteed: equal to comparing each member with every survivor before it. Who is like a survivor only through others
     stays. Fillings of one template take linear time where what they share is the same, and what is their own enough
     to tell them apart; else each survivor costs a look at a few words of bits (filters/kernels/survivors.py).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels.jaccard import threshold_floor
from filters.kernels.survivors import MOST, Room, decide, room_for_group

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F32 = npt.NDArray[np.float32]
U32 = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]

FEW = 32
"""So many members or fewer are compared each with each, for numbering their shingles costs more."""

LEAST_THRESHOLD = 0.01


class Verified(NamedTuple):
    """What became of members.

    Args:
        kept: int64, the survivor's place among the members; its own place for one that stays.
        similarity: float32, exact Jaccard similarity with the survivor, rounded once; 1 for one that stays.
        cluster: uint32, for how many members the same one stays, itself among them.
    """

    kept: I64
    similarity: F32
    cluster: U32


class Effort(NamedTuple):
    """What a verification took.

    Args:
        looks: survivors, or entries of them in an index, that were looked at.
        pairs: pairs of members whose shingles were compared.
    """

    looks: int
    pairs: int


def verify(first: I64, shingles: U64, exempt: Flags, threshold: float) -> Verified:
    """Decide who stays of one component; see `verify_all`, of which this is the case of one."""
    return verify_all(np.array([0, len(exempt)]), first, shingles, exempt, threshold)


def verify_all(components: I64, first: I64, shingles: U64, exempt: Flags, threshold: float) -> Verified:
    """Decide who stays of each component.

    The first member stays. Each next one is compared with those of its component that stay so far. If its similarity
    with one of them reaches the threshold, it falls for the most similar, among equally similar ones for the best in
    rank, unless it is exempt. A member without shingles is similar only to others without.

    A similarity reaches the threshold if, as float32, it is at least the threshold as float32: 4 of 5 reach 0.8.

    Args:
        components: int64[c + 1], place of the first member of each component, and after them the number of members.
        first: int64[m + 1], where the shingles of each member begin, and after them the end.
        shingles: uint64, ascending and different in each member.
        exempt: bool[m], who never falls.
        threshold: 0.01 to 1.

    Returns:
        kept, similarity, cluster: one per member; places count from the first member of all.

    Raises:
        ValueError: the threshold is out of range, or a component has 2^31 shingles or more.
    """
    return decide_with_effort(components, (first, shingles), exempt, threshold)[0]


def decide_with_effort(
    components: I64, sets: tuple[I64, U64], exempt: Flags, threshold: float, few: int = FEW
) -> tuple[Verified, Effort]:
    """Return who stays, as `verify_all` does, and what it took.

    Args:
        components: as there.
        sets: `first` and `shingles`.
        exempt: as there.
        threshold: as there.
        few: components of so many members or fewer are compared each with each.
    """
    if not LEAST_THRESHOLD <= threshold <= 1:
        raise ValueError(f"a Jaccard threshold of {threshold} is not between {LEAST_THRESHOLD} and 1")
    members, effort = len(exempt), np.zeros(2, np.int64)
    answer = np.empty(members, np.int64), np.empty(members, np.float32), np.empty(members, np.uint32)
    bound = threshold_floor(threshold), np.float32(threshold), few
    decide(components, sets, exempt, bound, _room(components, sets[0], few), (*answer, effort))
    return Verified(*answer), Effort(*effort.tolist())


def _room(components: I64, first: I64, few: int) -> Room:
    """Make room for the largest component, and of those that are more than a few for the one with most shingles."""
    sizes = np.diff(components)
    values = np.diff(first[components])[sizes > few].max(initial=0)
    if values > MOST:
        raise ValueError(
            f"a component has {values} shingles, at most {MOST} can be compared; a narrower scope has fewer"
        )
    return room_for_group(int(sizes.max(initial=0)), int(values))
