"""The kernels of verification, each against its plain reference."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from filters.kernels.compiled import kernel
from filters.kernels.jaccard import least_shared, shared_values, similarities
from filters.kernels.numbering import room_to_number
from filters.kernels.rarity import Ordered, rarest_first, room_to_order
from filters.kernels.sketches import differ_in_more, room_for_sketches, sketch

U64 = npt.NDArray[np.uint64]
SETS = st.lists(st.frozensets(st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1)), max_size=10), min_size=1)
Sets = list[frozenset[int]]


@kernel
def shared_by_kernel(values: U64, cut: int, least: int) -> int:
    return shared_values(values, (0, cut), (cut, len(values)), least)


@kernel
def sketched(ordered: Ordered, sets: int, rows: U64) -> int:
    return sketch(ordered, sets, rows)


@kernel
def told_apart(rows: U64, words: int, one: int, other: int, most: int) -> bool:
    return differ_in_more(rows, words, one, other, most)


@kernel
def least_by_kernel(sizes: int, shared: int, united: int) -> int:
    return least_shared(sizes, (shared, united))


def ranked(sets: Sequence[frozenset[int]], skipped: int) -> tuple[Ordered, int, int]:
    """Order sets that stand in an array behind `skipped` other values."""
    flat = np.array([*range(skipped), *chain.from_iterable(map(sorted, sets))], np.uint64)
    first = skipped + np.cumsum([0, *map(len, sets)])
    ordered, counts = room_to_order(len(sets), len(flat))
    return ordered, *rarest_first(first, flat, room_to_number(len(flat)), ordered, counts)


@given(st.frozensets(st.integers(0, 20)), st.frozensets(st.integers(0, 20)), st.integers(1, 12))
def test_a_merge_counts_what_two_sets_share_or_says_that_it_is_too_little(
    one: frozenset[int], other: frozenset[int], least: int
) -> None:
    values = np.array([*sorted(one), *sorted(other)], np.uint64)
    shared = len(one & other)
    assert shared_by_kernel(values, len(one), least) == (shared if shared >= least else -1)


@given(SETS, st.data())
def test_the_similarity_of_a_pair_is_what_both_share_of_what_either_has(sets: Sets, data: st.DataObject) -> None:
    place = st.integers(0, len(sets) - 1)
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=8))
    first = np.cumsum([0, *map(len, sets)])
    values = np.array([value for each in sets for value in sorted(each)], np.uint64)
    found = np.empty(len(pairs), np.float32)
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    similarities((first, values), left, right, found)
    united = [(len(sets[one] & sets[other]), len(sets[one] | sets[other])) for one, other in pairs]
    assert found.tolist() == [np.float32(shared / whole) if whole else 1 for shared, whole in united]


@given(st.integers(2, 400), st.integers(1, 2**24), st.integers(0, 2**24))
def test_the_least_to_share_is_the_least_that_reaches_a_similarity(sizes: int, shared: int, more: int) -> None:
    united = shared + more
    reach = [count for count in range(1, sizes) if count * united >= shared * (sizes - count)]
    assert least_by_kernel(sizes, shared, united) == reach[0]


@given(SETS.filter(any), st.integers(0, 3))
def test_each_set_is_told_by_ranks_that_ascend_with_how_many_sets_have_a_value(sets: Sets, skipped: int) -> None:
    (starts, ranks), different, once = ranked(sets, skipped)
    held = Counter(chain.from_iterable(sets))
    assert (different, once) == (len(held), list(held.values()).count(1))
    rows = [ranks[begin:end].tolist() for begin, end in pairwise(starts)]
    assert all(row == sorted(set(row)) for row in rows)
    many = Counter(chain.from_iterable(rows))
    assert [many[rank] for rank in range(different)] == sorted(held.values())
    for one, row in zip(sets, rows, strict=True):
        for other, other_row in zip(sets, rows, strict=True):
            assert len(one & other) == len(set(row) & set(other_row))


@given(SETS.filter(any), st.integers(0, 12))
def test_sketches_tell_no_sets_apart_that_differ_in_few_enough_values(sets: Sets, most: int) -> None:
    ordered, _, _ = ranked(sets, 0)
    rows = room_for_sketches(len(sets), sum(map(len, sets)))
    words = sketched(ordered, len(sets), rows)
    for place, one in enumerate(sets):
        for other_place, other in enumerate(sets):
            apart = told_apart(rows, words, place, other_place, most)
            assert not (apart and len(one ^ other) <= most)


def test_sketches_tell_sets_apart_that_share_nothing() -> None:
    ordered, _, _ = ranked([frozenset(range(100)), frozenset(range(100, 200))], 0)
    rows = room_for_sketches(2, 200)
    words = sketched(ordered, 2, rows)
    assert told_apart(rows, words, 0, 1, 150)
