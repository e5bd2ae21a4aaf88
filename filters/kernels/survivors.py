"""Who stays of sets in order of rank: each one that is not too similar to one which stays before it.

In:  groups of sets of 64-bit hashes, best first; which sets stay in any case; a similarity.
Out: per set the one that stays for it, and how similar it is to that one.
Guaranteed: the same as comparing each set with all that stay before it. Few sets are compared so. Of more, only those
     are compared that share a value which is rare enough: with values in order from the rarest on, two similar sets
     share one near the beginning of both (Chaudhuri, Ganti and Kaushik 2006, "A primitive operator for similarity
     joins in data cleaning"; Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search"), and enough of
     each must follow on the first that they share (Xiao, Wang, Lin and Yu 2008, "Efficient similarity joins for near
     duplicate detection", section 4). What all sets of a template share comes last, and is hardly looked at. Where even
     rare values are common, all that stay are looked at; then and before, sketches tell most pairs apart.
"""

import numpy as np
import numpy.typing as npt

from filters.kernels.compiled import kernel, leaf, signed
from filters.kernels.jaccard import Fraction, as_stored, beats, largest_partner, least_shared, shared_values
from filters.kernels.numbering import Known, room_to_number
from filters.kernels.rarity import Counts, Ordered, rarest_first, room_to_order
from filters.kernels.sketches import differ_in_more, room_for_sketches, sketch

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U64 = npt.NDArray[np.uint64]
F32 = npt.NDArray[np.float32]
U32 = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]

MOST = (1 << 31) - 1
"""Values that the sets of one group may have together."""

NOBODY = MOST

Sets = tuple[I64, U64]
"""Where each set begins, and after them the end; their hashes, ascending in each set."""

Heads = tuple[I32, I32, I32, I32]
"""Per rank: its latest entry, or -1; how many entries it has; the size of the largest set that one of them could be
near to; that of the smallest set entered."""

Entries = tuple[I32, I32, I32]
"""Per entry: the one before it of the same rank, or -1; the set; where among all ranks this one of the set stands."""

Index = tuple[Ordered, Heads, Entries, I32, I32, U64]
"""All sets of a group; who is entered under which rank; by whom each set was last looked at; which sets are entered, in
order; the sketches of all."""

Rare = tuple[Fraction, int, int]
"""What is below each similarity that reaches the threshold; how many ranks, the first, are in one set only; words of a
sketch."""

Nearest = tuple[int, Fraction]
"""The set that stays and is most similar to one, or `NOBODY`, and the similarity."""

Bound = tuple[Fraction, np.float32, int]
"""What is below each similarity that reaches the threshold; the threshold; up to how many sets are a few."""

Answer = tuple[I64, F32, U32, I64]
"""Per set the one that stays for it, how similar it is to that one, and for how many that one stays; and the effort:
how many sets or entries of sets were looked at, and how many pairs of sets were compared."""

Room = tuple[Known, Counts, Index]
"""Room for one group."""


def room_for_group(sets: int, values: int) -> Room:
    """Make room for groups of at most so many sets with so many values together."""
    ordered, counts = room_to_order(sets, values)
    latest, many, most, least, before, owner, place = (np.empty(values, np.int32) for _ in range(7))
    seen, staying = np.empty(sets, np.int32), np.empty(sets, np.int32)
    lists = (latest, many, most, least), (before, owner, place)
    return room_to_number(values), counts, (ordered, *lists, seen, staying, room_for_sketches(sets, values))


@leaf
def _nearer(values: U64 | I32, runs: tuple[int, int, int, int], sizes: int, who: int, nearest: Nearest) -> Nearest:
    """Return the nearest of two: the one so far, or `who`.

    Args:
        values: hold both sets.
        runs: first value and end of one set, first value and end of the other; they share nothing before.
        sizes: of both sets together.
        who: number of the other.
        nearest: whom to beat.
    """
    best, similarity = nearest
    here, end, there, other_end = runs
    shared = shared_values(values, (here, end), (there, other_end), least_shared(sizes, similarity))
    found = (shared, sizes - shared)
    if shared >= 0 and beats(found, similarity, who < best):
        return who, found
    return nearest


@leaf
def _settle(member: int, nearest: Nearest, bound: Bound, stays: bool, answer: Answer) -> bool:
    """Write down for whom a set falls, or that it stays; return whether later sets are to be compared with it."""
    kept, similarities, _, _ = answer
    best, similarity = nearest
    near = best != NOBODY and as_stored(similarity) >= bound[1]
    falls = near and not stays
    kept[member] = best if falls else member
    similarities[member] = as_stored(similarity) if falls else np.float32(1)
    return not falls and not (near and similarity[0] == similarity[1])


@leaf
def _nearest_of(member: int, sets: Sets, staying: I32, count: int, bound: Bound, effort: I64) -> Nearest:
    """Return who is nearest to a set of the first `count` that stay."""
    first, hashes = sets
    here, end = first[member], first[member + 1]
    nearest = (NOBODY, bound[0])
    for index in range(count):
        who = signed(staying[index])
        there, other_end = first[who], first[who + 1]
        effort[1] += 1
        nearest = _nearer(hashes, (here, end, there, other_end), end - here + other_end - there, who, nearest)
    return nearest


@leaf
def _decide_few(sets: Sets, exempt: Flags, bound: Bound, staying: I32, answer: Answer) -> None:
    """Decide by comparing each set with all that stay before it."""
    first, count, empty = sets[0], 0, NOBODY
    for member in range(len(exempt)):
        if first[member] == first[member + 1]:
            nearest = (empty, (1, 1))
            empty = min(empty, member)
        else:
            nearest = _nearest_of(member, sets, staying, count, bound, answer[3])
        if _settle(member, nearest, bound, exempt[member], answer):
            staying[count] = member
            count += 1


@leaf
def _clear(index: Index, different: int, members: int) -> None:
    """Enter nobody, under as many ranks and for as many sets."""
    latest, many, most, least = index[1]
    for rank in range(different):
        latest[rank], many[rank], most[rank], least[rank] = -1, 0, -1, MOST
    for member in range(members):
        index[3][member] = -1


@leaf
def _end_of_rare(begin: int, end: int, floor: Fraction) -> int:
    """Return the place in a set before which two sets that are similar enough share a value."""
    return end - max((floor[0] * (end - begin) + floor[1] - 1) // floor[1], 1) + 1


@leaf
def _enter(member: int, index: Index, count: int, rare: Rare) -> int:
    """Enter a set that stays under its rare values; return how many entries there are."""
    starts, ranks = index[0]
    (latest, many, most, least), (before, owner, place) = index[1], index[2]
    begin, end = signed(starts[member]), signed(starts[member + 1])
    for at in range(begin, _end_of_rare(begin, end, rare[0])):
        rank = np.uint64(ranks[at])
        if ranks[at] >= rare[1]:
            before[count], owner[count], place[count] = latest[rank], member, at
            latest[rank] = count
            many[rank] += 1
            most[rank] = max(most[rank], min(largest_partner(end - at, end - begin, rare[0]), MOST))
            least[rank] = min(least[rank], end - begin)
            count += 1
    return count


@leaf
def _consider(pair: tuple[int, int, int, int], index: Index, words: int, nearest: Nearest, effort: I64) -> Nearest:
    """Return who is nearest to a set, the nearest so far or another.

    Args:
        pair: number of the set and a place in it, number of the other and a place in it; before these places they
            share nothing.
        index: the sets.
        words: of a sketch.
        nearest: the nearest so far.
        effort: is added to.
    """
    member, at, who, there = pair
    starts, ranks = index[0]
    end, other_end = signed(starts[member + 1]), signed(starts[who + 1])
    sizes = end - starts[member] + other_end - starts[who]
    least = least_shared(sizes, nearest[1])
    if min(end - at, other_end - there) < least:
        return nearest
    if differ_in_more(index[5], words, member, who, sizes - 2 * least):
        return nearest
    effort[1] += 1
    return _nearer(ranks, (at, end, there, other_end), sizes, who, nearest)


@leaf
def _look(member: int, at: int, index: Index, words: int, nearest: Nearest, effort: I64) -> Nearest:
    """Return who is nearest to a set, the nearest so far or one entered under the value that stands at a place."""
    latest, ranks, seen = index[1][0], index[0][1], index[3]
    before, owner, place = index[2]
    entry = signed(latest[np.uint64(ranks[at])])
    while entry >= 0:
        effort[0] += 1
        who = signed(owner[entry])
        if seen[who] != member:
            seen[who] = member
            nearest = _consider((member, at, who, signed(place[entry])), index, words, nearest, effort)
        entry = signed(before[entry])
    return nearest


@leaf
def _look_at_all(member: int, entered: int, index: Index, words: int, nearest: Nearest, effort: I64) -> Nearest:
    """Return who is nearest to a set, the nearest so far or one of the first that are entered."""
    starts, staying = index[0][0], index[4]
    for number in range(entered):
        who = signed(staying[number])
        pair = member, signed(starts[member]), who, signed(starts[who])
        nearest = _consider(pair, index, words, nearest, effort)
    effort[0] += entered
    return nearest


@leaf
def _entries_at(at: int, begin: int, end: int, index: Index, rare: Rare) -> int:
    """Return how many entries there are of the value at a place of a set, 0 if none of them can be near to the set."""
    _, many, most, least = index[1]
    rank = np.uint64(index[0][1][at])
    alone = signed(rank) < rare[1]
    if alone or end - begin > most[rank] or least[rank] > largest_partner(end - at, end - begin, rare[0]):
        return 0
    return signed(many[rank])


@leaf
def _nearest_entered(member: int, entered: int, index: Index, rare: Rare, effort: I64) -> Nearest:
    """Return who is nearest to a set of those entered."""
    starts = index[0][0]
    begin, end = signed(starts[member]), signed(starts[member + 1])
    end_of_rare, entries, nearest = _end_of_rare(begin, end, rare[0]), 0, (NOBODY, rare[0])
    for at in range(begin, end_of_rare):
        entries += _entries_at(at, begin, end, index, rare)
    if entries > entered:
        return _look_at_all(member, entered, index, rare[2], nearest, effort)
    for at in range(begin, end_of_rare):
        if _entries_at(at, begin, end, index, rare) > 0:
            nearest = _look(member, at, index, rare[2], nearest, effort)
    return nearest


@kernel
def _decide_many(sets: Sets, exempt: Flags, bound: Bound, room: Room, answer: Answer) -> None:
    """Decide by comparing each set with those before it that share a rare value."""
    known, counts, index = room
    different, once = rarest_first(sets[0], sets[1], known, index[0], counts)
    _clear(index, different, len(exempt))
    rare = bound[0], once, sketch(index[0], len(exempt), index[5])
    starts, staying = index[0][0], index[4]
    count, entered, empty = 0, 0, NOBODY
    for member in range(len(exempt)):
        if starts[member] == starts[member + 1]:
            nearest = (empty, (1, 1))
            empty = min(empty, member)
        else:
            nearest = _nearest_entered(member, entered, index, rare, answer[3])
        if _settle(member, nearest, bound, exempt[member], answer):
            count = _enter(member, index, count, rare)
            staying[entered] = member
            entered += 1


@leaf
def _count_kept(kept: I64, cluster: U32, low: int, high: int) -> None:
    """Count for how many each set stays, tell it to all of them, and number sets from the first of all groups on."""
    for member in range(low, high):
        cluster[member] = 0
    for member in range(low, high):
        kept[member] += low
        cluster[kept[member]] += np.uint32(1)
    for member in range(low, high):
        cluster[member] = cluster[kept[member]]


@kernel
def decide(groups: I64, sets: Sets, exempt: Flags, bound: Bound, room: Room, answer: Answer) -> None:
    """Decide who stays in each group.

    Args:
        groups: int64[groups + 1], which set is the first of each group, and after them how many sets there are.
        sets: int64[sets + 1] and uint64.
        exempt: bool[sets], which stay in any case.
        bound: what similarity is too much, and how many sets are a few.
        room: for the largest group.
        answer: int64[sets], float32[sets], uint32[sets], are set; int64[2], is added to.
    """
    first, hashes = sets
    kept, similarity, cluster, effort = answer
    for group in range(len(groups) - 1):
        low, high = groups[group], groups[group + 1]
        some = (first[low : high + 1], hashes), exempt[low:high]
        of_some = kept[low:high], similarity[low:high], cluster[low:high], effort
        if high - low <= bound[2] or first[low] == first[high]:
            _decide_few(some[0], some[1], bound, room[2][4], of_some)
        else:
            _decide_many(some[0], some[1], bound, room, of_some)
        _count_kept(kept, cluster, low, high)
